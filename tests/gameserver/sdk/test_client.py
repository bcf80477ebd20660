"""Our SDK client against our SDK server, over real gRPC."""

import asyncio
from collections.abc import AsyncIterator

import grpc.aio
import pytest
import uvloop

from core.errors import IllegalTransition, Invalid, Rejected, Unreachable
from core.game_server import ServerView, State
from core.ids import FleetName, ServerUid
from gameserver.sdk.client import AgonesSdk
from gameserver.sdk.game_server import GameServer
from gameserver.sidecar.endpoint import SdkPorts
from gameserver.sidecar.servers import SdkServers

UID = ServerUid("u1")
VIEW = ServerView(
    "arena-1", UID, FleetName("arena"), State.STARTING, address="127.0.0.1", port=7000
)
PING_S = 0.01
NO_DELAY = (5.0, 3, 0.0)
"""Pings count from the start."""


@pytest.fixture
async def servers() -> AsyncIterator[SdkServers]:
    async with asyncio.timeout(20), SdkServers() as made:
        yield made


def pinged_s(servers: SdkServers) -> float:
    return servers._hosted[UID].live.state.pinged_s


async def pings(servers: SdkServers, count: int) -> None:
    """Wait until the server was heard so many times from now on."""
    for _ in range(count):
        before_s = pinged_s(servers)
        while pinged_s(servers) == before_s:
            await asyncio.sleep(0.001)


async def the_whole_life() -> list[GameServer]:
    """Every call once; what the watch told on the way."""
    async with asyncio.timeout(20), SdkServers() as servers:
        port = (await servers.create(VIEW)).grpc
        async with AgonesSdk.connect("127.0.0.1", port) as sdk:
            watch = sdk.watch()
            told = [await anext(watch)]
            for call in (
                sdk.ready(),
                sdk.allocate(),
                sdk.reserve(60),
                sdk.set_label("map", "hills"),
                sdk.set_annotation("motd", "come in!"),
                sdk.shutdown(),
            ):
                await call
                told.append(await anext(watch))
            assert await sdk.game_server() == told[-1]
            await watch.aclose()
        return told


def check_the_whole_life(told: list[GameServer]) -> None:
    assert [seen.state.value for seen in told] == [
        "Starting",
        "Ready",
        "Allocated",
        "Reserved",
        "Reserved",
        "Reserved",
        "Shutdown",
    ]
    assert told[0].ports == {"default": 7000}
    assert (told[0].name, told[0].uid, told[0].address) == ("arena-1", "u1", "127.0.0.1")
    assert told[0].health_period_s == 5
    assert told[-1].labels == {"agones.dev/fleet": "arena", "agones.dev/sdk-map": "hills"}
    assert told[-1].annotations == {"agones.dev/sdk-motd": "come in!"}


def test_a_whole_life_is_told_to_its_watch():
    check_the_whole_life(asyncio.run(the_whole_life()))


def test_a_whole_life_is_told_to_its_watch_under_uvloop():
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        check_the_whole_life(runner.run(the_whole_life()))


async def test_the_sdk_server_is_found_by_the_environment(servers, monkeypatch):
    monkeypatch.setenv("AGONES_SDK_GRPC_HOST", "127.0.0.1")
    monkeypatch.setenv("AGONES_SDK_GRPC_PORT", str((await servers.create(VIEW)).grpc))

    async with AgonesSdk.connect() as sdk:
        assert (await sdk.game_server()).name == "arena-1"


async def test_an_sdk_server_that_is_not_there_is_named(servers):
    port = (await servers.create(VIEW)).grpc
    await servers.delete(UID)

    with pytest.raises(Unreachable, match=f"127.0.0.1:{port} after 0.05 s"):
        async with AgonesSdk.connect("127.0.0.1", port, wait_s=0.05):
            pass


async def test_an_sdk_server_that_starts_late_is_waited_for(servers):
    port = (await servers.create(VIEW)).grpc
    await servers.delete(UID)

    async def start_late() -> None:
        await asyncio.sleep(0.05)
        await servers.create(VIEW, ports=SdkPorts(grpc=port))

    async with asyncio.TaskGroup() as group:
        group.create_task(start_late(), name="start-late")
        async with AgonesSdk.connect("127.0.0.1", port) as sdk:
            await sdk.ready()

    assert servers.get(UID).state is State.READY


async def test_refusals_are_our_own_errors(servers):
    async with AgonesSdk.connect("127.0.0.1", (await servers.create(VIEW)).grpc) as sdk:
        with pytest.raises(Invalid, match="is no label"):
            await sdk.set_label("map", "foo bar!!")
        with pytest.raises(Invalid, match="is no key"):
            await sdk.set_annotation("foo bar", "")


async def test_a_step_after_the_end_is_ignored_unless_the_sdk_server_is_strict(servers):
    async with AgonesSdk.connect("127.0.0.1", (await servers.create(VIEW)).grpc) as sdk:
        await sdk.shutdown()
        await sdk.shutdown()
        await sdk.ready()
    async with SdkServers(strict=True) as strict:
        port = (await strict.create(VIEW)).grpc
        async with AgonesSdk.connect("127.0.0.1", port) as sdk:
            await sdk.shutdown()
            with pytest.raises(IllegalTransition, match="is Shutdown cannot ask-ready"):
                await sdk.ready()

    assert servers.get(UID).state is State.SHUTDOWN


async def test_a_call_during_an_outage_ends_at_its_deadline(servers, monkeypatch):
    monkeypatch.setattr("gameserver.sdk.client.CALL_S", 0.05)
    async with AgonesSdk.connect("127.0.0.1", (await servers.create(VIEW)).grpc) as sdk:
        await servers.delete(UID)

        with pytest.raises(Unreachable):
            await sdk.ready()


async def test_health_and_watch_come_back_after_the_sdk_server_restarts(servers, caplog):
    caplog.set_level("INFO")
    port = (await servers.create(VIEW, health=NO_DELAY)).grpc
    stop = asyncio.Event()
    async with (
        AgonesSdk.connect("127.0.0.1", port) as sdk,
        asyncio.TaskGroup() as group,
    ):
        group.create_task(sdk.health(PING_S, stop), name="health")
        watch = sdk.watch()
        first = await anext(watch)
        await pings(servers, 3)

        await servers.delete(UID)
        await asyncio.sleep(0.2)  # a few attempts fail meanwhile
        await servers.create(VIEW, health=NO_DELAY, ports=SdkPorts(grpc=port))
        await servers.allocate(UID, labels={})
        await sdk.ready()

        after = await anext(watch)
        while after.state is not State.READY:
            after = await anext(watch)
        await pings(servers, 3)
        stop.set()
        await watch.aclose()

    assert (first.state, after.state) == (State.STARTING, State.READY)
    told = [record.message for record in caplog.records if record.stream == "health"]
    assert told == ["sdk.lost", "sdk.healed"]


async def test_the_watch_does_not_tell_the_same_twice(servers):
    port = (await servers.create(VIEW)).grpc
    async with AgonesSdk.connect("127.0.0.1", port) as sdk:
        watch = sdk.watch()
        await anext(watch)
        await servers.delete(UID)
        await servers.create(VIEW, ports=SdkPorts(grpc=port))
        await sdk.ready()

        assert (await anext(watch)).state is State.READY
        await watch.aclose()


async def test_an_sdk_server_that_knows_no_sdk_is_not_asked_for_ever():
    stranger = grpc.aio.server()
    port = stranger.add_insecure_port("127.0.0.1:0")
    await stranger.start()

    async with asyncio.timeout(20), AgonesSdk.connect("127.0.0.1", port) as sdk:
        with pytest.raises(Rejected):
            await sdk.health(PING_S, asyncio.Event())
        with pytest.raises(Rejected):
            await anext(sdk.watch())
    await stranger.stop(None)
