"""Virtual game servers: the runtime's own rooms, door and matches, on a virtual line."""

import asyncio
import contextlib
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import WSMsgType
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from core.errors import Unreachable
from core.eventfile import EventFile
from core.game_server import ServerView
from core.supervise import every
from fleets.spec import FleetSpec
from gameserver.environment import Environment
from gameserver.matches import Matches
from gameserver.sessions_link import ANSWER_S, PAUSE_S_MAX, PAUSE_S_MIN, Challenge, Message, Welcome
from gameserver.telling import Telling
from gameserver.tick import TickFigures
from readyup.simulation.game import Doors, VirtualGame
from readyup.simulation.process import Process, SkewedClock
from readyup.simulation.wire import End, Network

START_S = (0.2, 2.5)
TICK_S = 0.25
OUTBOX_MAX = 1000
FIGURES = TickFigures(0.1, 0.2, 0.3, 0.0, 4.0, 0)

_decoder: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)
_encode = msgspec.json.Encoder().encode

Write = Callable[..., None]
"""Writes a line of the history: kind, source, fields."""


@dataclass(slots=True)
class Ground:
    """What all game servers stand on."""

    network: Network
    doors: Doors
    write: Write
    dice: random.Random
    play_s: tuple[float, float]
    servers: dict[str, "VirtualServer"] = field(default_factory=dict)
    """Those alive, by name."""

    made: int = 0


class Notebook(EventFile):
    """A process's own witness, in memory; what a dead process would write is not written."""

    def __init__(self, process: Process, src: str, write: Write) -> None:
        # Not the parent's: there is no file.
        self._process = process
        self._source = src
        self._line = write

    def write(self, kind: str, *, src: str | None = None, **fields: object) -> None:
        if not self._process.dead:
            self._line(kind, src or self._source, self._process.clock, **fields)


class _Line:
    """To the allocator, and back again whenever it breaks."""

    def __init__(self, server: "VirtualServer") -> None:
        self.up = False
        self._server = server
        self._outbox: asyncio.Queue[str] = asyncio.Queue(OUTBOX_MAX)

    def send(self, kind: str, **fields: Any) -> None:  # noqa: ANN401 - JSON
        if self.up:
            with contextlib.suppress(asyncio.QueueFull):
                self._outbox.put_nowait(_encode({"type": kind, **fields}).decode())

    async def run(self) -> None:
        """Until cancelled."""
        pause_s = PAUSE_S_MIN
        while True:
            with contextlib.suppress(Unreachable, TimeoutError, ConnectionError):
                await self._once()
            if self.up:
                self.up, pause_s = False, PAUSE_S_MIN
            await asyncio.sleep(pause_s * self._server.dice.uniform(0.5, 1.0))
            pause_s = min(2 * pause_s, PAUSE_S_MAX)

    async def _once(self) -> None:
        server = self._server
        name, process = server.process.name, server.process
        end = await server.ground.network.dial("sessions", name, owner=process)
        try:
            async with asyncio.timeout(2 * ANSWER_S):
                challenge = await _heard(end)
                assert isinstance(challenge, Challenge)
                await end.send_str(_encode(server.matches.hello(challenge.nonce)).decode())
                welcome = await _heard(end)
                assert isinstance(welcome, Welcome)
            self._outbox = asyncio.Queue(OUTBOX_MAX)
            self.up = True
            server.matches.welcomed(welcome)
            async with asyncio.TaskGroup() as group:
                beside = [
                    group.create_task(self._write(end), name=f"{name} writes"),
                    group.create_task(pinged(end, 5.0), name=f"{name} pings"),
                ]
                async for frame in end:
                    server.matches.told(_decoder.decode(frame.data))
                for task in beside:
                    task.cancel()
        finally:
            end.cut()

    async def _write(self, end: End) -> None:
        with contextlib.suppress(ConnectionError):  # the reader sees it too
            while True:
                await end.send_str(await self._outbox.get())


class VirtualServer:
    """One game server."""

    def __init__(
        self, spec: FleetSpec, view: ServerView, key: Ed25519PrivateKey, ground: Ground
    ) -> None:
        self.ground = ground
        self.view = view
        self.dice = random.Random(ground.dice.getrandbits(64))
        clock = SkewedClock()
        self.process = Process(view.name, clock)
        witness = Notebook(self.process, f"server/{view.name}", ground.write)
        environment = Environment(
            view.name, view.uid, view.fleet, view.address, view.port, "", key,
            rooms=spec.rooms, version=spec.version,
        )  # fmt: skip
        self.game = VirtualGame(self.process, self.dice, ground.play_s)
        telling = Telling(environment, witness, clock)
        self.matches = Matches(environment, self.game, telling, clock)
        self._line = telling.line = _Line(self)
        self._witness = witness
        self._ticks = 0

    def start(self, ready: Callable[[], None]) -> None:
        """Run its process; ``ready`` is called when players can come."""
        self.process.start(self._run(ready))

    async def _run(self, ready: Callable[[], None]) -> None:
        """Until it is retired and empty."""
        await asyncio.sleep(self.dice.uniform(*START_S))
        await self.game.open(self.matches)
        self.ground.doors.open(self.view.port, self.game)
        ready()
        self._witness.write("server.ready", server=self.view.uid)
        leave = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            beside = [
                group.create_task(self._line.run(), name=f"{self.view.name} line"),
                group.create_task(self._beat(), name=f"{self.view.name} beats"),
            ]

            async def tick() -> None:
                self._ticks += 1
                self.matches.look()
                self.game.tick(self._ticks)
                if self.matches.retiring and self.matches.idle:
                    leave.set()

            await every(TICK_S, tick, stop=leave)
            for task in beside:
                task.cancel()

    async def _beat(self) -> None:
        while True:
            self.matches.beat(FIGURES)
            await asyncio.sleep(self.matches.heartbeat_s)


async def pinged(end: End, period_s: float) -> None:
    """Break a connection whose other end does not run; WebSocket pings find that out."""
    while not end.closed:
        await asyncio.sleep(period_s)
        if _is_stopped(end):
            await asyncio.sleep(period_s / 2)
            if _is_stopped(end):
                end.cut()


def _is_stopped(end: End) -> bool:
    owner = end.peer.owner
    return owner is not None and owner.frozen


async def _heard(end: End) -> Message:
    """The next message.

    Raises:
        Unreachable: the line was closed instead.
    """
    frame = await end.receive()
    if frame.type is not WSMsgType.TEXT:
        raise Unreachable(f"closed: {frame.extra or frame.data}")
    return _decoder.decode(frame.data)
