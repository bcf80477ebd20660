"""An arena that plays, with an allocator on a WebSocket and players over UDP."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from core import dice
from core.clock import SystemClock
from core.ids import QueueName
from gameserver.arena.client import ArenaClient, ArenaPort, wander
from gameserver.arena.server import ArenaServer
from gameserver.pinning import Pinned
from gameserver.ports import Host
from gameserver.runtime import Runtime
from tests.gameserver.arena.line import Line
from tests.gameserver.fakes import FakeAllocator, FakeSdk, FakeWitness, environment, token


@dataclass
class House:
    """A game server, whom it speaks to, and the port that its players share."""

    allocator: FakeAllocator
    sdk: FakeSdk
    witness: FakeWitness
    arena: ArenaServer
    stop: asyncio.Event
    running: asyncio.Task[str]
    port: ArenaPort
    address: str

    def player(self) -> ArenaClient:
        return ArenaClient(self.port, steer=wander(dice.stream(1, "steer")))

    async def join(
        self, name: str = "ann", *, timeout_s: float = 5.0, **claims: object
    ) -> tuple[ArenaClient, str]:
        player, opens = self.player(), token(name, **claims)
        outcome = await player.connect(self.address, self.arena.port, opens, timeout_s=timeout_s)
        return player, outcome.reason


class _Placed(ArenaServer):
    """An arena whose socket is made in a place: a network namespace, or here."""

    place: Callable[[], AbstractContextManager[None]]

    async def open(self, host: Host) -> None:
        with self.place():
            await super().open(host)


@contextlib.asynccontextmanager
async def house(
    seconds: float = 0.4, *, rooms: int = 1, line: Line | None = None, dscp: int = 0
) -> AsyncIterator[House]:
    """Open until the block ends; with ``line`` the players are at its far end."""
    address = "127.0.0.1" if line is None else line.near.address
    near, far = (line.near.inside, line.far.inside) if line else (nullcontext, nullcontext)
    async with FakeAllocator().serve() as allocator:
        where = environment(allocator.url, rooms=rooms)
        allocator.key = where.public_hex()
        arena = _Placed(
            address,
            0,
            seconds={QueueName("duel"): seconds},
            seconds_default=1.0,
            chance=dice.stream(1, "links"),
            dscp=dscp,
        )
        arena.place = near
        sdk, witness, stop = FakeSdk(), FakeWitness(), asyncio.Event()
        runtime = Runtime(where, arena, sdk, witness, SystemClock(), dice.stream(1, "back-off"))
        async with asyncio.TaskGroup() as group:
            running = group.create_task(runtime.run(stop, Pinned((0,), "core 0 of 2")))
            await allocator.until(lambda: bool(allocator.hellos))
            with far():
                port = ArenaPort()
            with port:
                yield House(allocator, sdk, witness, arena, stop, running, port, address)
            stop.set()
