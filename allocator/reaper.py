"""Looks at every deadline that has passed, and at every server that is silent."""

import asyncio

import structlog

from allocator.beats import Beat, Beats, Listening, heard_again, silent
from allocator.handover import Handover
from allocator.rooms import suspects
from allocator.sessions import Sessions
from allocator.settings import AllocatorSettings
from core.clock import Clock
from core.errors import Exhausted, Unreachable
from core.ids import MatchId, RoomId, room_id
from core.outage import Outage
from core.supervise import every

log = structlog.get_logger("readyup.allocator")

PERIOD_S = 0.5


class Reaper:
    """One fleet's. Any number may run: each step is guarded by what it expects to find."""

    def __init__(self, sessions: Sessions, handover: Handover, settings: AllocatorSettings) -> None:
        self._pool = sessions.pool
        self._sessions = sessions
        self._handover = handover
        self._settings = settings
        self._beats = Beats(self._pool)
        self._listening = Listening()

    async def run(self, clock: Clock, stop: asyncio.Event) -> None:
        """Look twice a second until ``stop``; a store that is away is waited for."""
        outage = Outage(clock)

        async def tick() -> None:
            try:
                await self.look(now_ms=clock.wall_ms())
                if (away_s := outage.ends()) is not None:
                    log.info("reaper.goes_on", fleet=self._pool.fleet, away_s=away_s)
            except (Unreachable, Exhausted) as away:
                if outage.begins():
                    log.warning("reaper.waits", fleet=self._pool.fleet, reason=str(away))

        await every(PERIOD_S, tick, stop=stop)

    async def look(self, *, now_ms: int) -> None:
        """One pass over everything that is due."""
        await self._pool.sweep(now_ms=now_ms)
        for match in await self._pool.due("claims", until_ms=now_ms):
            await self._handover.settle_claim(match, now_ms=now_ms)
        await self._hear(now_ms=now_ms)
        for match in await self._pool.due("acks", until_ms=now_ms):
            await self._handover.look_after(match, cause="no-answer", now_ms=now_ms)
        await self._end_the_old(now_ms=now_ms)

    async def _hear(self, *, now_ms: int) -> None:
        beats = await self._beats.read()
        listening_ms = now_ms - self._listening.note(now_ms)
        if listening_ms > self._settings.listen_ms:
            for beat in silent(beats, now_ms=now_ms, silent_ms=self._settings.silent_ms):
                await self._doubt(beat, now_ms=now_ms)
        aside = await self._pool.store.call(
            "ZRANGE", self._pool.key("suspect"), 0, -1, "WITHSCORES"
        )
        rest_ms = self._settings.suspect_rest_ms
        for room in heard_again(suspects(aside), beats, rest_ms=rest_ms, now_ms=now_ms):
            await self._pool.trust(room, now_ms=now_ms)

    async def _doubt(self, beat: Beat, *, now_ms: int) -> None:
        """A silent server: its matches are due, its free rooms go to nobody."""
        await self._pool.suspect(beat.uid, now_ms=now_ms)
        for n in range(beat.rooms):
            match, epoch = await self._holder(room_id(beat.uid, n))
            if match:
                await self._pool.doubt(match, epoch, now_ms=now_ms)

    async def _holder(self, room: RoomId) -> tuple[MatchId, int]:
        held = await self._pool.store.call(
            "HMGET", self._pool.key(f"room:{room}"), "match", "epoch"
        )
        return MatchId(held[0] or ""), int(held[1] or 0)

    async def _end_the_old(self, *, now_ms: int) -> None:
        lifetime_ms = self._settings.session_lifetime_ms
        if not lifetime_ms:
            return
        for match in await self._pool.due("sessions", until_ms=now_ms - lifetime_ms):
            session = await self._sessions.get(match)
            if session is None or not session.live():
                await self._pool.forget(match)
            elif await self._pool.end_session(match, session.epoch, reason="lost", now_ms=now_ms):
                await self._handover.count("session-too-old")
