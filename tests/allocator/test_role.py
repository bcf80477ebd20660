"""The whole role beside one game server: refilled, assigned, played, released, told."""

import asyncio
from dataclasses import replace

import msgspec
import pytest

from allocator.metrics import AllocatorMetrics
from allocator.pool import Pool
from allocator.ports import CLAIM_LABEL
from allocator.role import FleetParts, allocator_role
from allocator.servers_api import sessions_app
from allocator.settings import AllocatorSettings
from core import dice
from core.clock import SystemClock
from core.game_server import ServerView, State
from core.ids import ServerUid
from core.redis import Store
from core.supervise import serve_all
from core.web import serve_app
from tests.allocator.worlds import (
    FLEET,
    FakeMatches,
    FakeServers,
    connected,
    order,
    room,
    server,
)


async def test_a_match_finds_a_server_that_nobody_had_taken_before(
    store: Store, pool: Pool, metrics: AllocatorMetrics
):
    servers, matches, clock = FakeServers(), FakeMatches(), SystemClock()
    one = server("one")
    servers.have(one)
    role = allocator_role(
        store,
        [FleetParts(AllocatorSettings(FLEET, reserve_rooms=1), servers, matches)],
        join_keys=["ab" * 32],
        clock=clock,
        chance=dice.stream(1),
        metrics=metrics,
    )
    stop = asyncio.Event()
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(serve_all(role.services, stop=stop, drain_s=2), name="role")
        async with serve_app(sessions_app(role.api)) as port, connected(port, one) as game_server:
            await game_server.hello()
            assert (await game_server.hear())["type"] == "welcome"
            now_ms = clock.wall_ms()
            wanted = replace(order("m"), deadline_ms=now_ms + 60_000)
            await pool.claim(wanted, now_ms=now_ms)  # waits in line until the reserve has a room
            said = await game_server.hear()
            at = {key: said[key] for key in ("match", "room", "epoch")}
            assert (await game_server.answered("ack", **at))["ok"]
            released = await game_server.answered("release", **at, reason="finished")
            assert released["ok"]
            while not matches.told:
                await asyncio.sleep(0.002)
        stop.set()

    assert matches.told == [("duel.m", "finished")]
    assert servers.taken == [("uid-one", "refill-uid-one")]


async def test_a_server_that_the_backend_has_no_more_is_missed_at_once(
    store: Store, pool: Pool, metrics: AllocatorMetrics, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("allocator.reserve.PERIOD_S", 60.0)  # it is the hint that must do it
    servers, clock, stop = FakeServers(), SystemClock(), asyncio.Event()
    for new in (room(ServerUid("uid-one")), room(ServerUid("uid-two"))):
        await pool.add_room(new, now_ms=clock.wall_ms())
    taken = {"state": State.ALLOCATED, "labels": {CLAIM_LABEL: "refill"}}
    one, two = (replace(server(name), **taken) for name in ("one", "two"))
    servers.have(one, two)
    held = await pool.claim(
        replace(order("m"), deadline_ms=clock.wall_ms() + 60_000), now_ms=clock.wall_ms()
    )
    assert held is not None
    role = allocator_role(
        store,
        [FleetParts(AllocatorSettings(FLEET), servers, FakeMatches(committed={"duel.m"}))],
        join_keys=["ab" * 32],
        clock=clock,
        chance=dice.stream(1),
        metrics=metrics,
    )
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        running = group.create_task(serve_all(role.services, stop=stop, drain_s=2), name="role")
        while not role.api.condition().ready:
            await asyncio.sleep(0.002)
        del servers.views[held.server]
        gone = msgspec.json.encode({"server": held.server, "reason": "exited"}).decode()
        await store.call("XADD", pool.key("log"), "*", "k", "server.deleted", "d", gone)
        while await store.call("HGET", pool.key("session:duel.m"), "epoch") != "2":
            await asyncio.sleep(0.002)
        running.cancel()


async def test_a_line_that_ends_is_a_hint_and_no_proof(
    store: Store, pool: Pool, metrics: AllocatorMetrics, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("allocator.reserve.PERIOD_S", 60.0)
    one = replace(server("one"), state=State.ALLOCATED, labels={CLAIM_LABEL: "refill"})
    servers, looks = FakeServers(), 0
    servers.have(one)

    async def running() -> list[ServerView]:
        nonlocal looks
        looks += 1
        return [one]

    servers.running = running  # type: ignore[method-assign]
    clock = SystemClock()
    role = allocator_role(
        store,
        [FleetParts(AllocatorSettings(FLEET), servers, FakeMatches())],
        join_keys=["ab" * 32],
        clock=clock,
        chance=dice.stream(1),
        metrics=metrics,
    )
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        serving = serve_all(role.services, stop=asyncio.Event(), drain_s=2)
        task = group.create_task(serving, name="role")
        async with serve_app(sessions_app(role.api)) as port:
            async with connected(port, one) as game_server:
                await game_server.hello()
                await game_server.hear()
                before = looks
            while looks == before:
                await asyncio.sleep(0.002)
        task.cancel()

    assert await store.call("SMEMBERS", pool.key("rooms")) == {"uid-one/0"}
