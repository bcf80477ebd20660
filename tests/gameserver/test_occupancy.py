"""A server's taken rooms as Agones' counter: what changed is told, once, and never in the way."""

import asyncio
from dataclasses import replace

import pytest

from core.errors import NotFound, ReadyUpError, Unreachable
from core.game_server import ServerView, State
from core.ids import FleetName
from gameserver import occupancy
from gameserver.occupancy import Occupancy
from gameserver.sdk.client import AgonesSdk
from gameserver.sidecar.counts import Counter
from gameserver.sidecar.servers import SdkServers
from gameserver.sidecar.state import Detail
from tests.gameserver.fakes import (
    MATCH,
    OTHER_MATCH,
    UID,
    FakeAllocator,
    FakeSdk,
    assign,
    environment,
)
from tests.gameserver.test_runtime import process


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(occupancy, "LOOK_S", 0.005)


async def told(sdk: FakeSdk, *counts: int) -> None:
    async with asyncio.timeout(5):
        while sdk.counted != list(counts):
            await asyncio.sleep(0.001)


async def test_rooms_that_are_taken_are_shown_to_agones_as_they_come_and_go():
    async with FakeAllocator().serve() as allocator:
        where = replace(environment(allocator.url, rooms=3), key_known=False)
        allocator.key = where.public_hex()
        async with process(where) as server:
            await told(server.sdk, 0)
            await allocator.until(lambda: bool(allocator.hellos))
            await allocator.say(**assign(MATCH, room=0))
            await told(server.sdk, 0, 1)
            await allocator.say(**assign(OTHER_MATCH, room=2))
            await told(server.sdk, 0, 1, 2)
            server.clock.now_s += 30  # nobody joins by the deadline
            await told(server.sdk, 0, 1, 2, 0)


@pytest.mark.parametrize(("rooms", "key_known"), [(1, False), (3, True)])
async def test_a_server_of_one_room_or_of_this_machine_has_no_counter(rooms: int, key_known: bool):
    async with FakeAllocator().serve() as allocator:
        where = replace(environment(allocator.url, rooms=rooms), key_known=key_known)
        allocator.key = where.public_hex()
        async with process(where) as server:
            await allocator.until(lambda: bool(allocator.hellos))
            await allocator.say(**assign())
            await allocator.hears("ack")
            await asyncio.sleep(0.03)

    assert server.sdk.counted == []


@pytest.mark.parametrize(
    ("wrong", "tries"), [(Unreachable("away"), 3), (NotFound("counter not found"), 1)]
)
async def test_what_was_not_heard_is_said_again_and_a_refusal_stands(
    wrong: ReadyUpError, tries: int
):
    stop, asked = asyncio.Event(), []

    class Deaf(FakeSdk):
        async def set_counter_count(self, key: str, count: int) -> None:
            asked.append((key, count))
            if len(asked) < 3:
                raise wrong

    async with asyncio.TaskGroup() as group:
        group.create_task(Occupancy(Deaf(), lambda: 2).run(stop))
        await asyncio.sleep(0.05)
        stop.set()

    assert asked == [("rooms", 2)] * tries


@pytest.mark.parametrize("strict", [False, True], ids=["as Agones", "strict"])
async def test_an_sdk_server_has_the_count_of_a_fleet_that_declares_it(strict: bool):
    stop, detail = asyncio.Event(), Detail({"rooms": Counter(0, 4)}, {})
    view = ServerView("arena-1", UID, FleetName("arena"), State.READY, "127.0.0.1", 7000)
    async with asyncio.timeout(20), SdkServers(strict=strict) as servers:
        declared = (await servers.create(view, detail=detail)).grpc
        async with AgonesSdk.connect("127.0.0.1", declared) as sdk, asyncio.TaskGroup() as group:
            group.create_task(Occupancy(sdk, lambda: 3).run(stop))
            while await sdk.beta.get_counter_count("rooms") != 3:
                await asyncio.sleep(0.005)
            stop.set()
