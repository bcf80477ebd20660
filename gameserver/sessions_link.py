"""The line to the allocator: the sessions API over a WebSocket that comes back by itself.

Nothing is kept for a line that is down. Whoever uses it says all that still matters after
each welcome, so what was lost on the way is said again.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Mapping
from typing import Any, Final, Protocol, TypeVar

import aiohttp
import msgspec

from core.clock import Clock
from core.errors import Unreachable
from core.ids import MatchId, QueueName, RoomId
from core.placement import SeatedPlayer

log = logging.getLogger("readyup.gameserver.sessions")

ANSWER_S: Final = 5.0
"""How long each step of the greeting may take."""

PAUSE_S_MIN, PAUSE_S_MAX = 0.1, 2.0
"""Between two attempts; each pause is shortened by chance, so that a fleet comes back spread."""

PING_S: Final = 5.0
"""A line that answers no ping for half of this is taken for dead."""

OUTBOX_MAX: Final = 1000
"""Messages. An allocator that reads none of so many is taken for gone."""


class Challenge(msgspec.Struct, tag="challenge"):
    """Prove that you are who you say: sign this."""

    nonce: str


class Welcome(msgspec.Struct, tag="welcome"):
    """You are known. The keys verify join tokens."""

    join_keys: list[str]
    heartbeat_s: float
    snapshot_s: float = 0.0
    """How often a snapshot is taken; 0 where matches in play are not handed over."""

    finish_s: float = 0.0
    """How long a server that is told to go plays on before it hands its matches over."""

    rejoin_s: float = 20.0
    """How long a player who left is awaited."""


class Assign(msgspec.Struct, tag="assign"):
    """A match for a room."""

    match: MatchId
    room: RoomId
    epoch: int
    queue: QueueName
    players: list[SeatedPlayer]
    join_deadline_s: float
    snapshot: bytes | None = None
    roster: int = 0


class Roster(msgspec.Struct, tag="roster"):
    """Who has a seat in a match of yours from now on."""

    match: MatchId
    epoch: int
    n: int
    players: list[SeatedPlayer]


class Backfill(msgspec.Struct, tag="backfill"):
    """What became of a request for players."""

    match: MatchId
    epoch: int
    n: int
    state: str
    detail: str = ""


class Acked(msgspec.Struct, tag="acked"):
    """Whether our ack came in time."""

    match: MatchId
    epoch: int
    ok: bool
    reason: str = ""


class Withdrawn(msgspec.Struct, tag="withdrawn"):
    """The match was closed or moved away."""

    match: MatchId
    room: RoomId
    epoch: int
    reason: str = ""


class Leave(msgspec.Struct, tag="leave"):
    """The match is to go on at another server."""

    match: MatchId
    epoch: int


class Released(msgspec.Struct, tag="released"):
    """Our release was heard."""

    match: MatchId
    epoch: int
    ok: bool


class Retire(msgspec.Struct, tag="retire"):
    """Finish what runs, then go."""


Message = (
    Challenge | Welcome | Assign | Acked | Withdrawn | Released | Retire | Roster | Backfill | Leave
)  # fmt: skip

_decode: Final = msgspec.json.Decoder(Message).decode
_encode: Final = msgspec.json.Encoder().encode


class Speaker(Protocol):
    """Who talks over the line."""

    def hello(self, nonce: str) -> Mapping[str, Any]:
        """The answer to a challenge: who we are, what we hold, signed."""
        ...

    def welcomed(self, welcome: Welcome) -> None:
        """The line is up: say again what was not answered."""
        ...

    def told(self, message: Message) -> None:
        """The allocator says something. Unknown types never come here."""
        ...


class SessionsLink:
    """Keeps one WebSocket to the allocator, or keeps trying."""

    def __init__(self, url: str, speaker: Speaker, clock: Clock, dice: random.Random) -> None:
        self.up = False
        """True between a welcome and the line's end."""

        self.down_since_s = clock.elapsed_s()
        """On that clock; says nothing while the line is up."""

        self._url = url
        self._clock = clock
        self._speaker = speaker
        self._dice = dice
        self._outbox: asyncio.Queue[bytes | None] = asyncio.Queue(OUTBOX_MAX)
        self._overflowed = False

    def send(self, kind: str, **fields: Any) -> None:  # noqa: ANN401 - JSON
        """Say it if the line is up; nothing is kept for later."""
        if not self.up:
            return
        try:
            self._outbox.put_nowait(_encode({"type": kind, **fields}))
        except asyncio.QueueFull:
            self._overflowed = True  # the writer hangs up; after the next welcome all is said anew

    async def run(self, stop: asyncio.Event) -> None:
        """Connect, and again whenever the line breaks, until ``stop``; then say the rest."""
        pause_s, told = PAUSE_S_MIN, False
        async with aiohttp.ClientSession() as http:
            while not stop.is_set():
                lost = await self._once(http, stop)
                if self._was_up():
                    pause_s, told = PAUSE_S_MIN, False
                if not told and not stop.is_set():
                    log.warning("sessions.lost", extra={"url": self._url, "reason": lost})
                    told = True
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause_s * self._dice.uniform(0.5, 1.0)):
                        await stop.wait()
                pause_s = min(2 * pause_s, PAUSE_S_MAX)

    def _was_up(self) -> bool:
        """Whether the attempt that just ended had been welcomed."""
        was_up, self.up = self.up, False
        if was_up:
            self.down_since_s = self._clock.elapsed_s()
        return was_up

    async def _once(self, http: aiohttp.ClientSession, stop: asyncio.Event) -> str:
        """One line, from its first byte to its last; why it ended."""
        try:
            async with http.ws_connect(self._url, heartbeat=PING_S) as ws:
                async with asyncio.timeout(2 * ANSWER_S):
                    welcome = await self._greet(ws)
                self._outbox = asyncio.Queue(OUTBOX_MAX)
                self._overflowed = False
                self.up = True
                log.info("sessions.up", extra={"url": self._url})
                self._speaker.welcomed(welcome)
                async with asyncio.TaskGroup() as group:
                    writer = group.create_task(self._write(ws), name="sessions-writer")
                    closer = group.create_task(self._close(stop), name="sessions-closer")
                    await self._read(ws)
                    writer.cancel()
                    closer.cancel()
                return f"closed with {ws.close_code}"
        except (aiohttp.ClientError, OSError, TimeoutError, Unreachable) as lost:
            return str(lost) or type(lost).__name__

    async def _greet(self, ws: aiohttp.ClientWebSocketResponse) -> Welcome:
        challenge = _expect(Challenge, await ws.receive(), ws)
        await ws.send_str(_encode(self._speaker.hello(challenge.nonce)).decode())
        return _expect(Welcome, await ws.receive(), ws)

    async def _read(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        async for frame in ws:
            if frame.type is not aiohttp.WSMsgType.TEXT:
                return
            try:
                message = _decode(frame.data)
            except msgspec.DecodeError as wrong:  # from a newer allocator, perhaps
                log.warning(
                    "sessions.unknown", extra={"said": frame.data[:200], "reason": str(wrong)}
                )
                continue
            self._speaker.told(message)

    async def _write(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        with contextlib.suppress(aiohttp.ClientError, ConnectionError):  # the reader sees it too
            while not self._overflowed:
                message = await self._outbox.get()
                if message is None:
                    break
                await ws.send_str(message.decode())
            await ws.close()

    async def _close(self, stop: asyncio.Event) -> None:
        await stop.wait()
        await self._outbox.put(None)


Greeting = TypeVar("Greeting", Challenge, Welcome)


def _expect(
    wanted: type[Greeting], frame: aiohttp.WSMessage, ws: aiohttp.ClientWebSocketResponse
) -> Greeting:
    """The message that has to come now."""
    if frame.type is not aiohttp.WSMsgType.TEXT:
        raise Unreachable(f"closed with {ws.close_code} {frame.extra or ''}".rstrip())
    try:
        message = _decode(frame.data)
    except msgspec.DecodeError as wrong:
        raise Unreachable(f"not the sessions API: {wrong}") from wrong
    if not isinstance(message, wanted):
        raise Unreachable(f"said {type(message).__name__}, not {wanted.__name__}")
    return message
