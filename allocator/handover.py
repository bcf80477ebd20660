"""What becomes of a match whose server does not answer, or leaves: closed, moved, or ended.

A match in play that moves is handed over: its next server gets the last snapshot.
"""

from enum import StrEnum

import structlog

from allocator.farewells import FINISHED, LOST, Farewells
from allocator.metrics import AllocatorMetrics
from allocator.pool import Pool
from allocator.ports import Matches
from allocator.sessions import Session, Sessions, SessionState
from allocator.settings import AllocatorSettings
from core.ids import MatchId

log = structlog.get_logger("readyup.allocator")


class Verdict(StrEnum):
    """What is right for a match in trouble."""

    CLOSE = "close"
    MOVE = "move"
    HAND_OVER = "hand-over"
    END = "end"
    WAIT = "wait"


ABANDONED = "abandoned"

SERVERS_FACTOR = 5
"""Servers that a match may have in all, for each that it may choke in a row."""


def verdict(
    session: Session, settings: AllocatorSettings, *, committed: bool
) -> tuple[Verdict, str]:
    """What is right, and for an end its reason.

    An uncommitted match is closed, and one whose result is known has finished. One that
    nobody has joined moves, one in play is handed over where the fleet does that. A match
    that is due and has no room has waited for another one in vain.
    """
    played = session.joined_ms > 0
    if not committed:
        return Verdict.CLOSE, ""
    if session.result:
        return Verdict.END, FINISHED
    if not session.room:
        return Verdict.END, ABANDONED if played else LOST
    if _chokes_its_servers(session, settings) or (played and settings.on_lost == "end"):
        return Verdict.END, LOST
    return Verdict.HAND_OVER if played else Verdict.MOVE, ""


def _chokes_its_servers(session: Session, settings: AllocatorSettings) -> bool:
    most = settings.handovers_max
    return session.handovers >= most or session.epoch > SERVERS_FACTOR * most


class Handover:
    """Looks after one match at a time. Safe to call again, from any process."""

    def __init__(
        self,
        sessions: Sessions,
        matches: Matches,
        settings: AllocatorSettings,
        metrics: AllocatorMetrics,
        farewells: Farewells | None = None,
    ) -> None:
        """``farewells``: of a fleet whose servers do not tell what becomes of their matches."""
        self.pool: Pool = sessions.pool
        self._farewells = farewells
        self._sessions = sessions
        self._matches = matches
        self._settings = settings
        self._metrics = metrics

    async def look_after(self, match: MatchId, *, cause: str, now_ms: int) -> None:
        """Settle a match in trouble, then close, move or end it.

        ``cause`` names the repair that is counted, e.g. ``no-answer``. Never by time alone:
        the matchmaker is asked first, and the scripts look again before they write.
        """
        session = await self._sessions.get(match)
        if session is None or not session.live():
            await self.pool.forget(match)
            return
        if not await self.pool.is_due(match, now_ms=now_ms):
            return  # somebody settled it since our list was read; it waits, or is somewhere new
        committed = await self._committed(session, now_ms=now_ms)
        right, reason = await self._verdict(session, committed=committed)
        match right:
            case Verdict.WAIT:
                return
            case Verdict.CLOSE:
                await self.pool.withdraw(match, reason=cause, now_ms=now_ms, room_to="suspect")
            case Verdict.MOVE | Verdict.HAND_OVER:
                await self.pool.move(
                    match,
                    session.epoch,
                    deadline_ms=now_ms + self._settings.moved_wait_ms,
                    now_ms=now_ms,
                    played=right is Verdict.HAND_OVER,
                )
            case Verdict.END:
                await self.pool.end_session(match, session.epoch, reason=reason, now_ms=now_ms)
                if reason == FINISHED:
                    return
        await self.count(f"{cause}-{right}")
        log.warning(
            "match.repaired", match=match, cause=cause, repair=str(right), server=session.server
        )

    async def settle_claim(self, match: MatchId, *, now_ms: int) -> None:
        """A claim past its deadline: it becomes its match's session, or its room goes back."""
        if await self._matches.settle(match, now_ms=now_ms):
            await self.pool.confirm(match)
            return
        if await self.pool.withdraw(match, reason="closed", now_ms=now_ms):
            await self.count("claim-lapsed")
        await self.pool.forget(match)

    async def count(self, kind: str) -> None:
        """Count a repair, where Prometheus and the console see it."""
        self._metrics.repairs.labels(self._settings.fleet, kind).inc()
        await self.pool.store.call("HINCRBY", self.pool.key("repairs"), kind, 1)

    async def _verdict(self, session: Session, *, committed: bool) -> tuple[Verdict, str]:
        """What is right, and for an end its reason.

        A server that took its match and never says who came may be in the middle of it: its
        match does not move, and ends as the server does.
        """
        silent = self._farewells is not None and session.state is SessionState.ACKED
        if not committed or not silent or self._farewells is None:
            return verdict(session, self._settings, committed=committed)
        reason = await self._farewells.of(session.server)
        return (Verdict.END if reason else Verdict.WAIT), reason

    async def _committed(self, session: Session, *, now_ms: int) -> bool:
        if session.committed:
            return True
        committed = await self._matches.settle(session.match, now_ms=now_ms)
        if committed:
            await self.pool.confirm(session.match)
        return committed
