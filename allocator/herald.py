"""Tells the matchmaker what became of its matches: moved, or ended.

The fleet's log is the outbox: how far it was told is kept beside it, so a process that dies
between a write and its telling is made good by the next. A match may be told twice.
"""

import asyncio
import contextlib

import structlog

from allocator.ports import Matches
from allocator.sessions import Sessions
from core.clock import Clock
from core.errors import Exhausted, Unreachable
from core.eventlog import Event, tail
from core.ids import MatchId
from core.outage import Outage

log = structlog.get_logger("readyup.allocator")

NOTE_EVERY = 200
"""Events between two notes of how far we are, when none of them concerned anybody."""

AGAIN_S = 0.2
"""Between two attempts at what could not be told."""


class Herald:
    """One fleet's. Several may run; each tells everything."""

    def __init__(self, sessions: Sessions, matches: Matches) -> None:
        self._sessions = sessions
        self._pool = sessions.pool
        self._matches = matches
        self._in_hand = False
        """Whether something was read that is not noted as told."""

    async def run(self, clock: Clock, stop: asyncio.Event) -> None:
        """Follow the fleet's log until ``stop``; what could not be told is told again."""
        outage = Outage(clock)
        while not stop.is_set():
            try:
                await self._follow(clock, stop, outage)
            except (Unreachable, Exhausted) as away:
                if outage.begins():
                    log.warning("herald.waits", fleet=self._pool.fleet, reason=str(away))
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(AGAIN_S):
                        await stop.wait()

    async def _follow(self, clock: Clock, stop: asyncio.Event, outage: Outage) -> None:
        told_key = self._pool.key("told")
        after = str(await self._pool.store.call("GET", told_key) or "0-0")
        if not self._in_hand:
            self._goes_on(outage)
        untold = 0
        async for event in tail(self._pool.store, self._pool.key("log"), after, stop):
            self._in_hand = True
            untold += 1
            if await self.tell(event, now_ms=clock.wall_ms()) or untold >= NOTE_EVERY:
                await self._pool.store.call("SET", told_key, event["i"])
                untold, self._in_hand = 0, False
                self._goes_on(outage)

    def _goes_on(self, outage: Outage) -> None:
        if (away_s := outage.ends()) is not None:
            log.info("herald.goes_on", fleet=self._pool.fleet, away_s=away_s)

    async def tell(self, event: Event, *, now_ms: int) -> bool:
        """Tell one event if it is news to the matchmaker; returns whether it was."""
        match event["k"]:
            case "session.moved":
                session = await self._sessions.get(MatchId(event["match"]))
                # At another epoch by now, or in line for another room: a later event tells where.
                same = session is not None and session.epoch == event["session_epoch"]
                if session and same and session.live() and session.room:
                    await self._matches.moved(session.placement(), now_ms=now_ms)
                return True
            case "session.ended" if event["reason"] != "closed":
                match, left = MatchId(event["match"]), tuple(event.get("left", ()))
                await self._matches.ended(match, event["reason"], now_ms=now_ms, left=left)
                return True
            case _:
                return False
