"""The sessions API at work, for tests that come to it as game servers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from allocator.desk import Desk
from allocator.filling import Filling
from allocator.handover import Handover
from allocator.leaving import Leaving
from allocator.metrics import AllocatorMetrics
from allocator.pool import Pool
from allocator.servers_api import SessionsApi, sessions_app
from allocator.sessions import Sessions
from allocator.settings import AllocatorSettings
from allocator.spans import ServerSpans
from core import dice
from core.placement import Placement
from core.telemetry import OFF
from core.web import serve_app
from tests.allocator.worlds import (
    FLEET,
    FakeMatches,
    FakeServers,
    FixedClock,
    GameServer,
    order,
    room,
    server,
)

ONE = server("one")
TWO = server("two", rooms=2)
STRANGER = Ed25519PrivateKey.from_private_bytes(b"s" * 32)


@dataclass
class Counter:
    """The running API and what it stands on."""

    pool: Pool
    sessions: Sessions
    clock: FixedClock
    servers: FakeServers
    port: int

    async def welcomed(self, game_server: GameServer, **holding: object) -> None:
        await game_server.hello(**holding)  # type: ignore[arg-type] - passed through
        assert await game_server.hear() == {
            "type": "welcome", "join_keys": ["ab" * 32], "heartbeat_s": 1.0,
            "snapshot_s": 1.0, "finish_s": 0.0, "rejoin_s": 20.0,
        }  # fmt: skip

    async def claimed(self, name: str) -> Placement:
        placement = await self.pool.claim(order(name), now_ms=self.clock.now_ms)
        assert placement is not None
        return placement


@contextlib.asynccontextmanager
async def counter_on(
    pool: Pool, sessions: Sessions, metrics: AllocatorMetrics
) -> AsyncIterator[Counter]:
    """The API of a fleet with two servers and three rooms."""
    clock, servers = FixedClock(), FakeServers()
    servers.have(ONE, TWO)
    for new in (room(ONE.uid), room(TWO.uid), room(TWO.uid, 1)):
        await pool.add_room(new, now_ms=clock.now_ms)
        clock.now_ms += 1
    settings, filling = AllocatorSettings(FLEET), Filling(sessions, FakeMatches())
    handover = Handover(sessions, FakeMatches(), settings, metrics)
    leaving, spans = Leaving(sessions, handover, settings), ServerSpans(OFF, clock)
    desk = Desk(sessions, servers, filling, leaving, settings, metrics, spans)
    api = SessionsApi([desk], join_keys=["ab" * 32], clock=clock, chance=dice.stream(1))
    async with asyncio.TaskGroup() as group, serve_app(sessions_app(api)) as port:
        running = group.create_task(api.run(asyncio.Event()), name="api")
        await until(lambda: follows(pool))
        yield Counter(pool, sessions, clock, servers, port)
        running.cancel()


async def follows(pool: Pool) -> bool:
    """Whether the API waits for news in the fleet's log."""
    clients = await pool.store.call("INFO", "clients")
    return int(clients["blocked_clients"]) > 0


async def until(ask) -> None:
    async with asyncio.timeout(5):
        while not await ask():
            await asyncio.sleep(0.005)
