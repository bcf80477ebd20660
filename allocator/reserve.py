"""Keeps the reserve full: as many free rooms as asked, on servers that are taken already."""

import asyncio
import contextlib
import itertools
from collections.abc import Mapping, Sequence
from statistics import median

import structlog

from allocator.beats import Beat, Beats
from allocator.draining import Draining
from allocator.handover import Handover
from allocator.link import Link
from allocator.metrics import AllocatorMetrics
from allocator.pool import Pool
from allocator.ports import CLAIM_LABEL, Servers
from allocator.quarantine import Quarantine, late_servers
from allocator.refill import Plan, claim_of, open_claims, plan_reserve
from allocator.rooms import Census
from allocator.settings import AllocatorSettings
from core.clock import Clock
from core.errors import Exhausted, Unreachable
from core.game_server import ServerView, State
from core.ids import ServerUid
from core.outage import Outage

log = structlog.get_logger("readyup.allocator")

PERIOD_S = 0.25

RANKS_MAX = 256
"""Places that are put right in one pass; the next pass takes the next."""

LISTEN_MS = 2_000
"""How often heartbeats are read for late ticks."""

NOBODY: Mapping[ServerUid, Link] = {}


class Reserve:
    """One fleet's. Any number may run: what they ask for twice happens once."""

    def __init__(
        self,
        pool: Pool,
        servers: Servers,
        handover: Handover,
        settings: AllocatorSettings,
        metrics: AllocatorMetrics,
        links: Mapping[ServerUid, Link] = NOBODY,
    ) -> None:
        """``links`` are the servers that are connected to this process."""
        self._pool = pool
        self._servers = servers
        self._handover = handover
        self._settings = settings
        self._metrics = metrics
        self._asked_ms: dict[str, int] = {}
        """When a claim was asked for that no server carries yet."""

        self._given_up: set[ServerUid] = set()
        self._outdated: set[ServerUid] = set()
        """Servers of another version that were retired, until they are gone."""

        self._surplus_since_ms: int | None = None
        self._late: frozenset[ServerUid] = frozenset()
        self._listened_ms = 0
        self._quarantine = Quarantine(after_ms=settings.late_for_ms)
        self._quarantined: set[ServerUid] = set()
        self._hinted = asyncio.Event()
        self._draining = Draining(servers, handover, settings, links)

    def look_soon(self) -> None:
        """A hint that servers may be gone. The look itself finds out whether they are."""
        self._hinted.set()

    async def run(self, clock: Clock, stop: asyncio.Event) -> None:
        """Look four times a second and at each hint, until ``stop``.

        A store that is away is waited for.
        """
        outage = Outage(clock)
        while not stop.is_set():
            self._hinted.clear()
            try:
                await self.refill(now_ms=clock.wall_ms())
                if (away_s := outage.ends()) is not None:
                    log.info("reserve.goes_on", fleet=self._pool.fleet, away_s=away_s)
            except (Unreachable, Exhausted) as away:
                if outage.begins():
                    log.warning("reserve.waits", fleet=self._pool.fleet, reason=str(away))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PERIOD_S):
                    await self._hinted.wait()

    async def refill(self, *, now_ms: int) -> Plan:
        """One pass: look at the pool, then at the backend, then act. Returns what was done."""
        fenced = await self._draining.step(now_ms=now_ms)
        census = await self._pool.census()
        running = await self._servers.running()
        await self._note_refills(running, now_ms=now_ms)
        self._remember(running, now_ms=now_ms)
        await self._listen(now_ms=now_ms)
        plan = plan_reserve(
            census,
            running,
            self._asked_ms,
            self._settings,
            now_ms=now_ms,
            late=self._late,
            fenced=fenced,
        )
        for room, rank in itertools.islice(plan.rank.items(), RANKS_MAX):
            await self._pool.rank(room, rank)
        self._measure(census)
        for uid in plan.gone:
            await self._forget(uid, now_ms=now_ms)
        for new in plan.add:
            await self._pool.add_room(new, now_ms=now_ms)
        for server in plan.take:
            await self._servers.take(server.uid, claim_of(server))
            self._asked_ms[claim_of(server)] = now_ms
            self._metrics.servers_taken.labels(self._pool.fleet).inc()
        await self._shrink(plan, now_ms=now_ms)
        return plan

    async def _listen(self, *, now_ms: int) -> None:
        """Whose ticks come late; who has been late for long is given up, one at a time."""
        if now_ms - self._listened_ms < LISTEN_MS:
            return
        self._listened_ms = now_ms
        beats = await Beats(self._pool).read()
        self._late = late_servers(beats, late_ms=self._settings.late_ms)
        self._measure_ticks(beats)
        uid = self._quarantine.due(self._late - self._quarantined, now_ms=now_ms)
        if uid is not None:
            self._quarantined.add(uid)
            await self._pool.retire(uid, now_ms=now_ms)
            self._metrics.servers_quarantined.labels(self._pool.fleet).inc()
            log.warning("server.quarantined", fleet=self._pool.fleet, server=uid)

    async def _note_refills(self, running: Sequence[ServerView], *, now_ms: int) -> None:
        """How long it took until servers that were asked for are here; planned with later."""
        claims = {one.labels.get(CLAIM_LABEL) for one in running if one.state is State.ALLOCATED}
        took_s = [
            (now_ms - asked_ms) / 1000
            for claim, asked_ms in self._asked_ms.items()
            if claim in claims
        ]
        await self._pool.note("refill", took_s, now_ms=now_ms)

    def _remember(self, running: Sequence[ServerView], *, now_ms: int) -> None:
        patience_ms = self._settings.take_patience_ms
        still = {claim_of(server) for server in open_claims(running)}
        self._asked_ms = {
            claim: asked_ms
            for claim, asked_ms in self._asked_ms.items()
            if claim in still and now_ms - asked_ms < patience_ms
        }
        there = {server.uid for server in running}
        self._given_up &= there
        self._outdated &= there
        self._quarantined &= there

    async def _forget(self, uid: ServerUid, *, now_ms: int) -> None:
        matches = await self._pool.remove_server(uid, reason="gone", now_ms=now_ms)
        for match in matches:
            await self._handover.look_after(match, cause="server-gone", now_ms=now_ms)

    async def _shrink(self, plan: Plan, *, now_ms: int) -> None:
        for uid in plan.hopeless:
            await self._pool.retire(uid, now_ms=now_ms)
            await self._handover.count("server-hopeless")
        for uid in plan.outdated:
            if uid not in self._outdated:
                await self._pool.retire(uid, now_ms=now_ms)
                self._outdated.add(uid)
        if not plan.surplus or self._surplus_since_ms is None:
            self._surplus_since_ms = now_ms
        patience_ms = self._settings.surplus_patience_ms
        if patience_ms and now_ms - self._surplus_since_ms > patience_ms:
            # One a pass: the next pass sees whether there is still one too many.
            await self._pool.retire(plan.surplus[0], now_ms=now_ms)
        for uid in plan.give_up:
            if uid not in self._given_up:
                await self._servers.give_up(uid)
                self._given_up.add(uid)

    def _measure_ticks(self, beats: Sequence[Beat]) -> None:
        late_ms = [beat.tick.p99_ms for beat in beats if beat.tick.rate_hz > 0] or [0.0]
        told = self._metrics.tick_late_seconds
        told.labels(self._pool.fleet, "median").set(median(late_ms) / 1000)
        told.labels(self._pool.fleet, "worst").set(max(late_ms) / 1000)

    def _measure(self, census: Census) -> None:
        busy = len(census.rooms) - len(census.free) - len(census.suspect) - len(census.retiring)
        for state, rooms in (
            ("free", len(census.free)),
            ("busy", busy),
            ("suspect", len(census.suspect)),
            ("retiring", len(census.retiring)),
        ):
            self._metrics.rooms.labels(self._pool.fleet, state).set(rooms)
        self._metrics.matches_waiting.labels(self._pool.fleet).set(census.waiting)
