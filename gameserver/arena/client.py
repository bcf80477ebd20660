"""A player of the arena: joins, sends wishes ten times a second, hears the world and the result.

    with ArenaPort() as port:  # one per process, for hundreds of players
        player = ArenaClient(port, steer=wander(dice))
        outcome = await player.connect(address, 7000, token)
        if outcome.joined:
            ending = await player.ended()

All players of a process share an ``ArenaPort``.
"""

import asyncio
import contextlib
import json
import random
import socket
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from gameserver.arena.link import Link, Opened, agree
from gameserver.arena.path import PathFigures, PathMeter
from gameserver.arena.port import ArenaPort
from gameserver.arena.wire import (
    MAC_SIZE,
    TIMING,
    VERSION,
    Input,
    Join,
    Kind,
    Reason,
    Snapshot,
    Timing,
    Welcome,
    decode_reason,
    decode_refused,
    decode_snapshot,
    decode_welcome,
    encode_input,
    encode_join,
)

__all__ = ["ArenaClient", "ArenaPort", "Ending", "Outcome", "Steer", "wander"]

_SILENT_S: Final = 5.0  # after so long without a word the server is taken for gone
_RETRY_S: Final = (0.1, 1.0)  # first and longest pause before a join is sent again
_NOT_YET_S: Final = 0.1  # the server waits for its match; that is a matter of milliseconds


class Outcome(NamedTuple):
    """What came of a join. ``reason``: empty, a ``Reason.slug``, or ``timeout``."""

    joined: bool
    reason: str


class Ending(NamedTuple):
    """How a link ended.

    ``result`` is the match's, when it was heard; ``reason`` is ``finished``, a ``Reason.slug``
    sent by the server (``replaced``, ``withdrawn``, ``stopping``, ``silent``), or of our own
    making: ``lost`` (nothing heard for 5 s), ``dropped``, ``left``.
    """

    result: dict[str, Any] | None
    reason: str


class ArenaClient:
    """One player on one link. A rejoin is a new ``ArenaClient`` with a new token."""

    def __init__(self, port: ArenaPort, *, steer: "Steer | None" = None) -> None:
        self.seat = -1
        """Place in the snapshot's bodies, once joined."""

        self._port = port
        self._steer = steer or _stand_still
        self._answer: asyncio.Future[Welcome | Reason] | None = None
        self._address = ("", 0)
        self._key = X25519PrivateKey.generate()
        self._public = self._key.public_key().public_bytes_raw()
        self._token = ""
        self._link: Link | None = None
        self._path = PathMeter()
        self._world = b""
        self._heard_s = 0.0
        self._over = asyncio.Event()
        self._ending: Ending | None = None

    async def connect(
        self, address: str, port: int, token: str, *, timeout_s: float = 10.0
    ) -> Outcome:
        """Join; lost datagrams and "not yet" are retried inside until ``timeout_s``. Call once."""
        assert not self._token, "a client joins once; a rejoin is a new client"
        self._token = token
        self._address = (await _resolved(address), port)
        join = Join(VERSION, self._public, token)
        loop = asyncio.get_running_loop()
        self._port.await_answer(join.echo, self)
        try:
            async with asyncio.timeout(timeout_s):
                refused = await self._ask(encode_join(join), loop)
        except TimeoutError:
            return Outcome(joined=False, reason="timeout")
        finally:
            self._port.forget_answer(join.echo)
        return Outcome(refused is None, "" if refused is None else refused.slug)

    @property
    def joined(self) -> bool:
        """True from the welcome until the link ends."""
        return self._link is not None and self._ending is None

    @property
    def snapshot(self) -> Snapshot | None:
        """The newest world heard."""
        decoded = decode_snapshot(self._world)
        return None if decoded is None else decoded[1]

    @property
    def path(self) -> PathFigures:
        """Round trip, jitter and loss of what the server sent."""
        return self._path.figures()

    async def ended(self) -> Ending:
        """Wait until the link has ended, however it did. Any number may wait."""
        await self._over.wait()
        assert self._ending is not None
        return self._ending

    def drop(self) -> None:
        """Fall silent without goodbye, as a player whose network is gone."""
        self._end(Ending(None, "dropped"))

    def close(self) -> None:
        """Say goodbye; twice is fine."""
        if self.joined and self._link is not None:
            self._port.send(self._link.seal(Kind.BYE, b""), self._address)
        self._end(Ending(None, "left"))

    async def _ask(self, join: bytes, loop: asyncio.AbstractEventLoop) -> Reason | None:
        pause_s, pause_s_max = _RETRY_S
        while True:
            self._answer = loop.create_future()
            self._port.send(join, self._address)
            try:
                async with asyncio.timeout(pause_s):
                    answer = await self._answer
            except TimeoutError:
                pause_s = min(2 * pause_s, pause_s_max)
                continue
            if answer is Reason.NOT_YET:
                await asyncio.sleep(_NOT_YET_S)
            elif isinstance(answer, Reason):
                return answer
            else:
                return None

    def answered(self, datagram: bytes, now_s: float) -> None:
        """The port heard a welcome or a refusal that repeats our echo."""
        if self._answer is None or self._answer.done() or self._link is not None:
            return
        welcome = decode_welcome(datagram)
        if welcome is None:
            refused = decode_refused(datagram)
            if refused is not None:
                self._answer.set_result(refused[1])
            return
        link = self._agree(welcome)
        if link is None or link.mac(datagram[:-MAC_SIZE]) != datagram[-MAC_SIZE:]:
            return
        self._link = link
        self.seat = welcome.seat
        self._heard_s = now_s
        self._answer.set_result(welcome)
        self._port.add(link.id, self)
        self.speak(now_s)  # proves our address, so that snapshots begin

    def _agree(self, welcome: Welcome) -> Link | None:
        key = agree(
            self._key,
            welcome.public_key,
            client=self._public,
            server=welcome.public_key,
            link=welcome.link,
            token=self._token,
        )
        return None if key is None else Link(welcome.link, key)

    def heard(self, datagram: bytes, now_s: float) -> None:
        """The port heard a datagram that names our link."""
        opened = self._link.open(datagram) if self._link is not None else None
        if opened is None:
            return
        self._heard_s = now_s
        if opened.kind == Kind.SNAPSHOT:
            self._snapshot(opened, now_s)
        elif opened.kind == Kind.RESULT:
            result = json.loads(opened.payload)
            self.close_with(Ending(result, "finished"))
        elif opened.kind == Kind.CLOSED:
            reason = decode_reason(opened.payload)
            self.close_with(Ending(None, reason.slug if reason else "closed"))

    def _snapshot(self, opened: Opened, now_s: float) -> None:
        timing = TIMING.unpack_from(opened.payload)
        self._path.heard(opened.sequence, timing, round(now_s * 1e6))
        if opened.newest:
            self._world = opened.payload  # decoded when somebody looks

    def close_with(self, ending: Ending) -> None:
        """Answer the server's last word with a goodbye, so that it need not repeat it."""
        assert self._link is not None
        self._port.send(self._link.seal(Kind.BYE, b""), self._address)
        self._end(ending)

    def speak(self, now_s: float) -> None:
        """The port's timer: say what we want to do now, or give the server up."""
        if self._link is None or self._ending is not None:
            return
        if now_s - self._heard_s > _SILENT_S:
            self._end(Ending(None, "lost"))
            return
        timing = Timing(*self._path.timing(round(now_s * 1e6)))
        payload = encode_input(timing, self._steer(self))
        self._port.send(self._link.seal(Kind.INPUT, payload), self._address)

    def _end(self, ending: Ending) -> None:
        if self._ending is None:
            self._ending = ending
            self._over.set()
        if self._link is not None:
            self._port.remove(self._link.id)


Steer = Callable[[ArenaClient], Input]
"""What a player wants, asked ten times a second; it may look at ``client.snapshot``."""


def wander(dice: random.Random) -> Steer:
    """Walks about, turns now and then, and tags whenever it can."""
    wish = Input(0, 0, tag=True)

    def steer(_: ArenaClient) -> Input:
        nonlocal wish
        if dice.getrandbits(3) == 0:  # about once in 0.8 s
            wish = Input(dice.randint(-127, 127), dice.randint(-127, 127), tag=True)
        return wish

    return steer


def _stand_still(_: ArenaClient) -> Input:
    return Input(0, 0, tag=False)


async def _resolved(address: str) -> str:
    """A numeric IPv4 address; sending to a name would ask for it with every datagram."""
    with contextlib.suppress(OSError):
        return socket.inet_ntoa(socket.inet_aton(address))
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(address, None, family=socket.AF_INET, type=socket.SOCK_DGRAM)
    return str(found[0][4][0])
