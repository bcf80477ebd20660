"""The player API on loopback, for tests: nobody's sessions, and limits that nobody meets."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from core.clock import Clock, SystemClock
from core.dice import unguessable
from core.ids import PlayerId
from core.join_token import Minter
from core.redis import Store
from matchmaker.api.keys import DevKeys
from matchmaker.api.limits import Gate
from matchmaker.api.service import PlayerService
from matchmaker.api.settings import Limits
from matchmaker.ports import Sessions
from matchmaker.store import QueueStore

CLOCK = SystemClock()
MINTER = Minter(Ed25519PrivateKey.generate())
WIDE = Limits(
    creates_per_s=1e6,
    creates_burst=1000,
    polls_per_s=1e6,
    polls_burst=1000,
    sockets_per_player=1000,
    frames_per_s=1e6,
    frames_burst=1000,
)


class NoSessions:
    """Nobody plays."""

    async def session_of(self, player: PlayerId) -> None:
        return None


def service_of(
    store: Store,
    queues: Mapping[str, QueueStore],
    sessions: Sessions | None = None,
    clock: Clock = CLOCK,
    **more: Any,  # noqa: ANN401 - what a test has otherwise
) -> PlayerService:
    usual: dict[str, Any] = {
        "keys": DevKeys("127.0.0.1"),
        "minter": MINTER,
        "chance": unguessable(),
        "gate": Gate(WIDE, clock),
    }
    return PlayerService(queues, sessions or NoSessions(), store, clock=clock, **usual | more)


@contextlib.asynccontextmanager
async def served(
    service: PlayerService, headers: Mapping[str, str] | None = None
) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the service, for half a minute."""
    async with (
        asyncio.timeout(30),
        service.serving(host="127.0.0.1", port=0) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=headers) as http,
    ):
        yield http
