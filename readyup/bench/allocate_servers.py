"""Game servers that only keep the promises of the sessions API, many of them in one process.

Each has the line of the real runtime: it greets with a signature, acknowledges a match,
and releases its room as soon as the match is its own. Started by the benchmark, which
writes what to be on one line and hears ``up`` when all are welcome.
"""

import asyncio
import contextlib
import random
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from core.clock import Clock, SystemClock
from core.ids import FleetName, ServerUid, room_id
from gameserver.sessions_link import (
    Acked,
    Assign,
    Message,
    Released,
    SessionsLink,
    Welcome,
    Withdrawn,
)
from readyup.commands.process import loop_factory

HEARTBEAT_S = 1.0


class Part(msgspec.Struct):
    """What the process shall be."""

    url: str
    fleet: FleetName
    key: str
    """Seed of the key that all of them sign with."""

    servers: list[tuple[str, ServerUid]]
    """Names and uids."""


class BriefServer:
    """A server with one room, whose matches end when they begin."""

    def __init__(
        self, part: Part, name: str, uid: ServerUid, clock: Clock, dice: random.Random
    ) -> None:
        self.welcome = asyncio.Event()
        self.link = SessionsLink(part.url, self, clock, dice)
        self._part = part
        self._key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(part.key))
        self._name = name
        self._uid = uid
        self._room = room_id(uid, 0)
        self._held: tuple[str, int] | None = None

    def hello(self, nonce: str) -> Mapping[str, Any]:
        return {
            "type": "hello",
            "uid": self._uid,
            "name": self._name,
            "fleet": self._part.fleet,
            "sig": self._key.sign(f"readyup-hello|{self._uid}|{nonce}".encode()).hex(),
            "rooms": 1,
            "holding": self._holding(),
        }

    def welcomed(self, welcome: Welcome) -> None:
        del welcome
        self.welcome.set()

    def told(self, message: Message) -> None:
        match message:
            case Assign(match=match, room=room, epoch=epoch):
                self._held = (match, epoch)
                self.link.send("ack", match=match, room=room, epoch=epoch)
            case Acked(match=match, epoch=epoch, ok=True) if self._held == (match, epoch):
                self.link.send(
                    "release", match=match, room=self._room, epoch=epoch, reason="finished"
                )
            case Acked() | Released() | Withdrawn():
                if self._held == (message.match, message.epoch):
                    self._held = None
            case _:
                pass

    def beat(self) -> None:
        """Say that we are here, and what we hold."""
        self.link.send("heartbeat", rooms=self._holding(), players=0)

    def _holding(self) -> Sequence[Mapping[str, Any]]:
        if self._held is None:
            return [{"room": self._room}]
        match, epoch = self._held
        return [{"room": self._room, "match": match, "epoch": epoch}]


async def be(part: Part, over: asyncio.Event) -> None:
    """All of them, until ``over``."""
    clock, dice = SystemClock(), random.Random(0)
    servers = [BriefServer(part, name, uid, clock, dice) for name, uid in part.servers]
    async with asyncio.TaskGroup() as group:
        for server in servers:
            group.create_task(server.link.run(over), name="server")
        for server in servers:
            await server.welcome.wait()
        print("up", flush=True)
        pause_s = HEARTBEAT_S / len(servers)
        while not over.is_set():
            for server in servers:  # spread over the second, as those of many machines are
                server.beat()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause_s):
                        await over.wait()


async def main() -> None:
    """Until the input ends."""
    reader = asyncio.StreamReader(limit=2**22)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    part = msgspec.json.decode(await reader.readline(), type=Part)
    over = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(be(part, over), name="servers")
        await reader.read()
        over.set()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(main())
