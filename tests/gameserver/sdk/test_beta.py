"""Counters and lists through our client, against our SDK server in both its manners."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from core.errors import Conflict, Invalid, NotFound, Unreachable
from core.game_server import ServerView, State
from core.ids import FleetName, ServerUid
from gameserver.sdk.beta import Beta
from gameserver.sdk.client import AgonesSdk
from gameserver.sidecar.counts import Counter, Names
from gameserver.sidecar.servers import SdkServers
from gameserver.sidecar.state import Detail

UID = ServerUid("u1")
VIEW = ServerView("arena-1", UID, FleetName("arena"), State.READY, address="127.0.0.1", port=7000)
DETAIL = Detail({"rooms": Counter(1, 10)}, {"players": Names(("a", "b"), 3)})


@pytest.fixture(params=[False, True], ids=["as Agones", "strict"])
async def beta(request: pytest.FixtureRequest) -> AsyncIterator[Beta]:
    async with asyncio.timeout(20), SdkServers(strict=request.param) as servers:
        port = (await servers.create(VIEW, detail=DETAIL)).grpc
        async with AgonesSdk.connect("127.0.0.1", port) as sdk:
            yield sdk.beta


async def test_a_counter_is_read_and_changed(beta):
    counts = [await beta.get_counter_count("rooms")]
    for change in (
        beta.increment_counter("rooms", 9),
        beta.decrement_counter("rooms", 3),
        beta.set_counter_count("rooms", 0),
        beta.set_counter_count("rooms", 8),
        beta.set_counter_capacity("rooms", 5),
    ):
        await change
        counts.append(await beta.get_counter_count("rooms"))

    assert counts == [1, 10, 7, 0, 8, 5]
    assert await beta.get_counter_capacity("rooms") == 5


async def test_a_list_is_read_and_changed(beta):
    assert await beta.list_contains("players", "b")
    await beta.append_list_value("players", "c")
    await beta.delete_list_value("players", "b")
    assert await beta.get_list_values("players") == ["a", "c"]
    await beta.set_list_capacity("players", 1)

    assert await beta.get_list_capacity("players") == 1
    assert await beta.get_list_length("players") == 1
    assert not await beta.list_contains("players", "c")
    await beta.set_list_capacity("players", 0)
    assert await beta.get_list_values("players") == []


async def test_a_refusal_is_the_same_error_whether_by_its_code_or_by_its_words(beta):
    with pytest.raises(NotFound, match="counter not found: none"):
        await beta.get_counter_count("none")
    with pytest.raises(NotFound, match="list not found: none"):
        await beta.get_list_values("none")
    with pytest.raises(Invalid, match="out of range"):
        await beta.increment_counter("rooms", 10)
    with pytest.raises(Invalid, match="out of range"):
        await beta.set_list_capacity("players", 1001)
    with pytest.raises(Invalid, match="invalid argument"):
        await beta.increment_counter("rooms", 0)
    with pytest.raises(Conflict):
        await beta.append_list_value("players", "a")
    with pytest.raises(NotFound):
        await beta.delete_list_value("players", "z")


async def test_an_sdk_server_that_is_gone_ends_a_call_at_its_deadline(monkeypatch):
    monkeypatch.setattr("gameserver.sdk.beta.CALL_S", 0.05)
    async with asyncio.timeout(20), SdkServers() as servers:
        port = (await servers.create(VIEW, detail=DETAIL)).grpc
        async with AgonesSdk.connect("127.0.0.1", port) as sdk:
            await servers.delete(UID)

            with pytest.raises(Unreachable):
                await sdk.beta.get_counter_count("rooms")
