"""Matches for servers that speak only an Agones SDK: a letter on the server, and its answer.

The letter is the annotation ``readyup/match``, written once for a match. What comes back
comes through the mirror, so everything here is level-triggered: whichever process looks
next sees the same and goes on. Such a server hosts one match in its life: before its
letter is sent it leaves the reserve for good.
"""

import asyncio
import contextlib
from collections.abc import Sequence

import msgspec
import structlog

from allocator.metrics import AllocatorMetrics
from allocator.ports import Servers
from allocator.sessions import AckedBy, Session, Sessions, SessionState
from allocator.settings import AllocatorSettings
from core.clock import Clock
from core.errors import Exhausted, Unreachable
from core.eventlog import last_id, tail
from core.game_server import MATCH_ANNOTATION, ServerView, State
from core.ids import MatchId, PlayerId, QueueName, room_id
from core.outage import Outage

log = structlog.get_logger("readyup.allocator")

ACK_LABEL = "agones.dev/sdk-readyup-ack"
"""What ``SetLabel("readyup-ack", ...)`` becomes; the value is the letter's ``ack``."""

MATCH_LABEL = "agones.dev/sdk-readyup-match"
"""What ``SetLabel("readyup-match", "ended")`` becomes."""

ENDED = "ended"

LETTER_MAX_BYTES = 64 * 1024
"""Kubernetes takes 256 KiB for all annotations together, and each of our mirrors holds it."""

PERIOD_S = 0.25
PENDING_MAX = 2_000
"""Matches without an answer that one look attends to."""

AGAIN_MS = 3_000
"""A letter that the mirror does not show by then is ordered again."""


class Seat(msgspec.Struct, frozen=True):
    """A player who will come."""

    player: PlayerId
    team: str
    seat: int


class Letter(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a server is told of its match."""

    match: MatchId
    epoch: int
    queue: QueueName
    ack: str
    """What to answer, where an answer is expected."""

    join_keys: tuple[str, ...]
    """Public keys of the join tokens that players bring, 64 hex digits each."""

    join_deadline_s: float
    players: tuple[Seat, ...] = ()
    players_left_out: int = 0
    """How many there are, where their list would be too long; their join tokens name them."""


def letter_for(session: Session, join_keys: Sequence[str], join_deadline_s: float) -> str:
    """The annotation's text: JSON, at most ``LETTER_MAX_BYTES``."""
    letter = Letter(
        match=session.match,
        epoch=session.epoch,
        queue=session.queue,
        ack=ack_value(session.match, session.epoch),
        join_keys=tuple(join_keys),
        join_deadline_s=join_deadline_s,
        players=tuple(Seat(one.player, one.team, one.seat) for one in session.players),
    )
    text = msgspec.json.encode(letter)
    if len(text) > LETTER_MAX_BYTES:
        left_out = len(letter.players)
        short = msgspec.structs.replace(letter, players=(), players_left_out=left_out)
        text = msgspec.json.encode(short)
    return text.decode()


def ack_value(match: MatchId, epoch: int) -> str:
    """A match at an epoch as the value of a label, which has 63 characters at most.

    >>> ack_value(MatchId("duel.00112233445566778899aabbccddeeff"), 2)
    '00112233445566778899aabbccddeeff-2'
    """
    return f"{match.rpartition('.')[2][-40:]}-{epoch}"


def carries(server: ServerView, session: Session) -> bool:
    """Whether the server shows the letter of this match at this epoch."""
    try:
        letter = msgspec.json.decode(server.annotations.get(MATCH_ANNOTATION, ""), type=Letter)
    except msgspec.MsgspecError:
        return False
    return (letter.match, letter.epoch) == (session.match, session.epoch)


def answered(server: ServerView, session: Session) -> bool:
    """Whether the server took the match."""
    return server.labels.get(ACK_LABEL) == ack_value(session.match, session.epoch)


class Letters:
    """One fleet's. Any number may run: what two send is the same letter."""

    def __init__(
        self,
        sessions: Sessions,
        servers: Servers,
        settings: AllocatorSettings,
        metrics: AllocatorMetrics,
        *,
        join_keys: Sequence[str],
    ) -> None:
        self._sessions = sessions
        self._pool = sessions.pool
        self._servers = servers
        self._settings = settings
        self._metrics = metrics
        self._join_keys = tuple(join_keys)
        self._sent_ms: dict[tuple[MatchId, int], int] = {}
        self._news = asyncio.Event()

    async def run(self, clock: Clock, stop: asyncio.Event) -> None:
        """Look at each claim when it happens, and four times a second, until ``stop``."""
        outage = Outage(clock)
        async with asyncio.TaskGroup() as group:
            name = f"claims-{self._pool.fleet}"
            following = group.create_task(self._follow(stop), name=name)
            while not stop.is_set():
                try:
                    await self.look(now_ms=clock.wall_ms())
                    if (away_s := outage.ends()) is not None:
                        log.info("letters.go_on", fleet=self._pool.fleet, away_s=away_s)
                except (Unreachable, Exhausted) as away:
                    if outage.begins():
                        log.warning("letters.wait", fleet=self._pool.fleet, reason=str(away))
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(PERIOD_S):
                        await self._news.wait()
                self._news.clear()
            following.cancel()

    async def look(self, *, now_ms: int) -> None:
        """Send what was not sent, believe what was answered, end what has ended."""
        running = {server.uid: server for server in await self._servers.running()}
        pending = await self._pool.store.call("ZRANGE", self._pool.key("acks"), 0, PENDING_MAX)
        for match in pending:
            session = await self._sessions.get(MatchId(match))
            server = running.get(session.server) if session else None
            if session and server and session.state is SessionState.PENDING:
                await self._deliver(session, server, now_ms=now_ms)
        for server in running.values():
            if server.labels.get(MATCH_LABEL) == ENDED and server.state is State.ALLOCATED:
                await self._end(server, now_ms=now_ms)
        self._sent_ms = {
            what: at_ms for what, at_ms in self._sent_ms.items() if now_ms - at_ms < AGAIN_MS
        }

    async def _deliver(self, session: Session, server: ServerView, *, now_ms: int) -> None:
        by: AckedBy = "label" if self._settings.ack == "label" else "patch"
        there = carries(server, session)
        if there and (by == "patch" or answered(server, session)):
            await self._believe(session, by, now_ms=now_ms)
        elif not there and (session.match, session.epoch) not in self._sent_ms:
            await self._send(session, server, now_ms=now_ms)

    async def _send(self, session: Session, server: ServerView, *, now_ms: int) -> None:
        # From here on its room is never handed out again, whoever dies next.
        if not await self._pool.retire(server.uid, now_ms=now_ms):
            return  # the match has left meanwhile
        text = letter_for(session, self._join_keys, self._settings.join_deadline_s)
        await self._servers.tell(server.uid, text)
        self._sent_ms[session.match, session.epoch] = now_ms

    async def _believe(self, session: Session, by: AckedBy, *, now_ms: int) -> None:
        acked = await self._sessions.ack(
            session.match, session.room, session.server, session.epoch, now_ms=now_ms, by=by
        )
        fleet = self._settings.fleet
        self._metrics.acks.labels(fleet, acked.why_not or "ok").inc()
        if acked.wait_ms is not None:
            self._metrics.ack_wait_seconds.labels(fleet).observe(acked.wait_ms / 1000)

    async def _end(self, server: ServerView, *, now_ms: int) -> None:
        room = room_id(server.uid, 0)
        match, epoch = await self._pool.store.call(
            "HMGET", self._pool.key(f"room:{room}"), "match", "epoch"
        )
        if not match:
            return
        released = await self._sessions.release(
            MatchId(match), room, server.uid, int(epoch), reason="finished", now_ms=now_ms
        )
        if released:
            self._metrics.releases.labels(self._settings.fleet, "finished").inc()

    async def _follow(self, stop: asyncio.Event) -> None:
        store, key = self._pool.store, self._pool.key("log")
        while not stop.is_set():
            with contextlib.suppress(Unreachable, Exhausted):
                async for event in tail(store, key, await last_id(store, key), stop):
                    if event["k"] in ("room.claimed", "session.moved"):
                        self._news.set()
            await asyncio.sleep(PERIOD_S)
