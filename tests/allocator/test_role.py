"""The whole role beside one game server: refilled, assigned, played, released, told."""

import asyncio
from dataclasses import replace

from allocator.metrics import AllocatorMetrics
from allocator.pool import Pool
from allocator.role import FleetParts, allocator_role
from allocator.servers_api import sessions_app
from allocator.settings import AllocatorSettings
from core import dice
from core.clock import SystemClock
from core.redis import Store
from core.supervise import serve_all
from core.web import serve_app
from tests.allocator.worlds import FLEET, FakeMatches, FakeServers, connected, order, server


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
