"""The sessions API and a hundred game servers in one process, for the claim benchmark.

The servers are the runtime's own lines and rooms, with a game that plays nothing:
``python -m readyup.bench.claim_servers STORE_URL``. Answers "ready" once all are connected, and
says nothing else there: the benchmark may be gone when the servers take their leave.
"""

import asyncio
import logging
import sys
from collections.abc import Sequence

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from prometheus_client import CollectorRegistry

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
from core.clock import SystemClock
from core.game_server import ServerView, State
from core.ids import MatchId, ServerUid
from core.redis import Store
from core.supervise import every
from core.telemetry import OFF
from core.web import serve_app
from gameserver.environment import Environment
from gameserver.matches import Matches
from gameserver.ports import Host
from gameserver.rooms import Assignment
from gameserver.sessions_link import SessionsLink
from gameserver.telling import Telling
from gameserver.tick import TickFigures
from readyup.bench.claim import FLEET, ROOMS_EACH, uids
from readyup.commands.process import configure_logging
from readyup.wiring.adapters import QueueMatches

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
JOIN_KEY = KEY.public_key().public_bytes_raw().hex()
FIGURES = TickFigures(0.0, 0.0, 0.0, 0.0, 1.0, 0)


class Backend:
    """Every server that there is."""

    def __init__(self) -> None:
        self._views = {
            uid: ServerView(
                uid, uid, FLEET, State.ALLOCATED, "127.0.0.1", 7000,
                rooms=ROOMS_EACH, public_key=JOIN_KEY,
            )
            for uid in uids()
        }  # fmt: skip

    async def running(self) -> Sequence[ServerView]:
        return list(self._views.values())

    async def find(self, name: str, uid: ServerUid) -> ServerView | None:
        return self._views.get(uid)

    async def take(self, server: ServerUid, claim: str) -> None:
        """All are taken."""

    async def tell(self, server: ServerUid, letter: str) -> None:
        """All speak the sessions API."""

    async def give_up(self, server: ServerUid) -> None:
        """All stay."""


class Nothing:
    """A game that is never joined."""

    tick_hz = 1.0

    async def open(self, host: Host) -> None: ...
    def start(self, match: Assignment) -> None: ...
    def stop(self, match: MatchId, reason: str) -> None: ...
    def tick(self, n: int) -> None: ...
    def close(self) -> None: ...


class Witness:
    """Nobody reads it."""

    def write(self, kind: str, **fields: object) -> None: ...


async def serve(url: str) -> None:
    """Until the input ends."""
    clock, chance = SystemClock(), dice.stream(1, "servers")
    store = await Store.connect(url)
    settings, sessions = AllocatorSettings(FLEET), Sessions(Pool(store, FLEET))
    metrics = AllocatorMetrics(CollectorRegistry())
    filling = Filling(sessions, QueueMatches({}))
    handover = Handover(sessions, QueueMatches({}), settings, metrics)
    leaving, spans = Leaving(sessions, handover, settings), ServerSpans(OFF, clock)
    desk = Desk(sessions, Backend(), filling, leaving, settings, metrics, spans)
    api = SessionsApi([desk], join_keys=[JOIN_KEY], clock=clock, chance=chance)
    stop = asyncio.Event()
    app: web.Application = sessions_app(api)
    async with asyncio.TaskGroup() as group, serve_app(app) as port:
        group.create_task(api.run(stop), name="api")
        links = []
        for uid in uids():
            where = f"ws://127.0.0.1:{port}/v1/servers/connect"
            about = Environment(uid, uid, FLEET, "127.0.0.1", 0, where, KEY, rooms=ROOMS_EACH)
            telling = Telling(about, Witness(), clock)
            matches = Matches(about, Nothing(), telling, clock)
            link = telling.line = SessionsLink(where, matches, clock, chance)
            links.append(link)
            group.create_task(link.run(stop), name=uid)

            async def beat(matches: Matches = matches) -> None:
                matches.beat(FIGURES)

            group.create_task(every(settings.heartbeat_s, beat, stop=stop), name=f"{uid} beats")
        while not all(link.up for link in links):
            await asyncio.sleep(0.05)
        await asyncio.to_thread(sys.stdin.readline)
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)
        stop.set()


if __name__ == "__main__":
    configure_logging(as_json=False, level=logging.WARNING)
    asyncio.run(serve(sys.argv[1]))
