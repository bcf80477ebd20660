"""From a match on paper to players who know where to go: propose, claim, commit, announce.

Each step is a script that may be repeated, so a match found half-way, by this director
after a lost answer or by its successor, is simply driven on. A match for which no room
is free waits in the allocator's line and is driven on when it gets one.
"""

import asyncio
import contextlib
import random
from collections.abc import Coroutine, Iterable, Iterator, Mapping
from typing import Any

import structlog

from core.clock import Clock
from core.errors import StoreUnreachable
from core.ids import FleetName, MatchId, TicketId, new_match_id
from core.lua import as_json
from core.placement import ClaimOrder
from core.telemetry import OFF, Traces
from matchmaker.cooldown import note
from matchmaker.engine.search import Found
from matchmaker.filling import Filling, everybody_of, fill_of, seated
from matchmaker.forming import Forming
from matchmaker.hints import leave_hints
from matchmaker.metrics import MatchmakerMetrics
from matchmaker.ports import Allocations
from matchmaker.regions import Regions, Superseded
from matchmaker.spans import MatchSpans, traceparents
from matchmaker.store import QueueStore
from matchmaker.tickets import Fill, Teams

log = structlog.get_logger("readyup.director")


class Placing:
    """Drives matches of one queue during one term."""

    def __init__(
        self,
        queue: QueueStore,
        rooms: Allocations,
        *,
        epoch: int,
        clock: Clock,
        chance: random.Random,
        metrics: MatchmakerMetrics,
        traces: Traces = OFF,
    ) -> None:
        self._queue = queue
        self._rooms = rooms
        self._regions = Regions(queue, rooms, epoch=epoch, metrics=metrics)
        self._spans = MatchSpans(traces, queue.settings.name, clock)
        self._epoch = epoch
        self._clock = clock
        self._chance = chance
        self._metrics = metrics
        self.filling = Filling(queue, rooms, clock)
        self.in_line: dict[MatchId, Forming] = {}
        """Matches that wait for a room."""

        self.paused = False
        """Whether proposals are known to be refused; the script that refuses them has the say."""

        self._under_way: set[MatchId] = set()

    def form(self, found: Found, *, pass_us: int = 0) -> Forming:
        """A match that the pass begun at ``pass_us`` found, with an id and a deadline."""
        settings = self._queue.settings
        names = settings.rules.team_names()
        teams: Teams = {
            name: [(party.id, player) for party in parties for player in party.players]
            for name, parties in zip(names, found.teams, strict=True)
            if parties  # newcomers may go to one team only; Lua has no empty list
        }
        match = new_match_id(settings.name, self._chance)
        deadline_ms = self._clock.wall_ms() + round(settings.placing_s * 1000)
        traced = {
            party.id: party.traceparent
            for parties in found.teams
            for party in parties
            if party.traceparent
        }
        self._spans.found(found, match, pass_us=pass_us)
        fill = fill_of(found.of, teams)
        forming = self._forming(match, teams, deadline_ms, traced, settings.fleets(), fill)
        forming.receipt = as_json(found.receipt) if found.receipt else ""
        forming.latencies = [
            member.latency_ms
            for parties in found.teams
            for party in parties
            for member in party.members
        ]
        return forming

    def _forming(
        self,
        match: MatchId,
        teams: Teams,
        deadline_ms: int,
        traced: Mapping[TicketId, str],
        fleets: tuple[FleetName, ...],
        fill: Fill | None,
    ) -> Forming:
        players = seated(teams, fill, traced)
        order = ClaimOrder(match, self._queue.settings.name, players, deadline_ms)
        return Forming(order, teams, self._clock.wall_us(), fleets, fill=fill)

    async def place(self, matches: list[Forming]) -> list[Forming]:
        """Propose matches and drive them on; returns those that could not be proposed.

        Where players are asked first, ``take_up`` drives a match on when all have accepted.

        Raises:
            Superseded: a newer director leads.
        """
        with self._in_hand(forming.order.match for forming in matches):
            orders = await self._regions.choose([forming.latencies for forming in matches])
            for forming, fleets in zip(matches, orders, strict=True):
                forming.fleets = fleets
            proposed = await _together(self._propose(forming) for forming in matches)
            good = [forming for forming, ok in zip(matches, proposed, strict=True) if ok]
            if not self._queue.settings.acceptance_s:
                await self._drive(good)
            return [forming for forming, ok in zip(matches, proposed, strict=True) if not ok]

    async def resume(self) -> None:
        """Drive on whatever stands half-way and is in nobody's hands. Level-triggered."""
        placing, unannounced = await self._queue.unfinished()
        if resumed := await self.take_up((*placing, *unannounced)):
            log.info("matches.resumed", queue=self._queue.settings.name, matches=resumed)
            self._metrics.resumed.labels(self._queue.settings.name).inc(resumed)

    async def take_up(self, found: Iterable[MatchId]) -> int:
        """Drive on those matches that are in nobody's hands; returns how many there were."""
        mine = self._under_way | self.in_line.keys()
        matches = [match for match in found if match not in mine]
        if not matches:
            return 0
        with self._in_hand(matches):
            records = await _together(self._queue.match(match) for match in matches)
            there = [r for r in records if r is not None and r.state != "closed"]
            tickets = [ticket for r in there for ticket in r.tickets] if self._spans.on else []
            traced = await self._queue.traceparents(tickets)
            forming = [
                self._forming(r.id, r.teams, r.deadline_ms, traced, r.fleets, r.fill) for r in there
            ]
            await self._drive(forming)
        return len(forming)

    async def drive(self, matches: list[Forming]) -> None:
        """Claim, commit and announce matches that are proposed already."""
        with self._in_hand(forming.order.match for forming in matches):
            await self._drive(matches)

    @contextlib.contextmanager
    def _in_hand(self, matches: Iterable[MatchId]) -> Iterator[None]:
        """Nobody else takes these up while the block lasts."""
        ids = set(matches)
        self._under_way |= ids
        try:
            yield
        finally:
            self._under_way -= ids

    async def room_found(self, match: MatchId, *, at_ms: int) -> None:
        """A match of the line has a room since ``at_ms``."""
        forming = self.in_line.pop(match, None)
        if forming is not None:
            forming.formed_us = at_ms * 1000
            await self.drive([forming])

    async def ask_again(self) -> None:
        """Ask for the rooms of the line's matches once more, in case their event passed us by."""
        await self.drive(list(self.in_line.values()))

    async def close_overdue(self) -> None:
        """Close matches that found no room in time; their tickets wait on with their age.

        What was decided elsewhere, as by a cancel, leaves the line too.
        """
        now_ms = self._clock.wall_ms()
        line = list(self.in_line)  # before the question: all of these were proposed by then
        placing, _ = await self._queue.unfinished()
        decided = [match for match in line if match not in placing]
        for match in (*decided, *await self._queue.overdue(now_ms=now_ms)):
            if await self._queue.settle(match, reason="no room in time", now_ms=now_ms):
                self.in_line.pop(match, None)  # it stands, and resume() drives it on
            else:
                await self._give_back(match, "closed" if match in decided else "no room in time")

    async def _drive(self, matches: list[Forming]) -> None:
        await _together(self._claim(forming) for forming in matches)
        placed = [forming for forming in matches if forming.placement is not None]
        stands = await _together(self._commit(forming) for forming in placed)
        committed = [forming for forming, ok in zip(placed, stands, strict=True) if ok]
        if committed:
            began_us = self._clock.wall_us()
            await _together(self._announce(forming) for forming in committed)
            for forming in committed:
                self._spans.step("match.announce", forming.order, began_us=began_us)

    async def _propose(self, forming: Forming) -> bool:
        began_us = self._clock.wall_us()
        outcome, _ = await self._queue.propose(
            forming.order.match,
            forming.teams,
            epoch=self._epoch,
            deadline_ms=forming.order.deadline_ms,
            now_ms=self._clock.wall_ms(),
            fleets=forming.fleets,
            receipt=forming.receipt,
            fill=forming.fill,
        )
        if outcome == "stale":
            raise Superseded
        self.paused = self.paused or outcome == "paused"
        self._spans.step("match.propose", forming.order, began_us=began_us)
        return outcome in ("proposed", "asking", "committed")

    async def _claim(self, forming: Forming) -> None:
        asked_us = self._clock.wall_us()
        forming.asked_us = forming.asked_us or asked_us
        try:
            if forming.fill is not None:
                forming.placement = await self.filling.seat(forming, forming.fill)
                return
            forming.placement, forming.fleets = await self._regions.claim(
                forming.order, forming.fleets, now_ms=asked_us // 1000
            )
        except StoreUnreachable:
            return  # whether a room is held is unknown; resume() asks again
        waited = self.in_line.pop(forming.order.match, None) is not None
        if forming.placement is None:
            self.in_line[forming.order.match] = forming
            if not waited:
                self._metrics.claims_waited.labels(self._queue.settings.name).inc()
                await self._queue.in_line(forming.order.match, now_ms=self._clock.wall_ms())
            return
        self._spans.step("match.claim", forming.order, began_us=forming.asked_us)
        if not waited:
            forming.claim_us = self._clock.wall_us() - asked_us
            self._metrics.claim_seconds.observe(forming.claim_us / 1e6)

    async def _commit(self, forming: Forming) -> bool:
        assert forming.placement is not None
        match, began_us = forming.order.match, self._clock.wall_us()
        now_ms = began_us // 1000
        state = await self._queue.commit(match, forming.placement, epoch=self._epoch, now_ms=now_ms)
        if state == "stale":
            raise Superseded
        if state == "closed":
            await self._give_back(match, "closed")
        if state == "committed":
            coming = {seat.player for seat in forming.order.players}
            await note(self._queue, everybody_of(forming), newcomers=coming, now_ms=now_ms)
        if state == "committed" and forming.placement.epoch > 1:
            # Committed before, and moved since: what is announced is where it is now.
            await self._queue.moved(forming.placement, now_ms=now_ms)
        self._spans.step("match.commit", forming.order, began_us=began_us)
        return state == "committed"

    async def _announce(self, forming: Forming) -> None:
        # Hints first: who was told finds the way back, whoever dies here.
        if self._queue.store.one_line:
            _, is_news = await _together((self._hint(forming), self._tell(forming)))
        else:
            await self._hint(forming)
            is_news = await self._tell(forming)
        if is_news:
            if forming.fill is None:
                self._metrics.matches.labels(self._queue.settings.name).inc()
            else:
                newcomers = self._metrics.newcomers.labels(self._queue.settings.name)
                newcomers.inc(len(forming.order.players))

    async def _tell(self, forming: Forming) -> bool:
        return await self._queue.announce(
            forming.order.match,
            formed_us=forming.formed_us,
            claim_us=forming.claim_us,
            now_ms=self._clock.wall_ms(),
            traceparents=traceparents(forming.order),
        )

    async def _hint(self, forming: Forming) -> None:
        assert forming.placement is not None
        players = [seated.player for seated in forming.order.players]
        store, queue = self._queue.store, self._queue.settings.name
        await leave_hints(store, players, forming.plays(), forming.placement.fleet, queue)

    async def _give_back(self, match: MatchId, reason: str) -> None:
        self.in_line.pop(match, None)
        self._metrics.closed.labels(self._queue.settings.name, reason).inc()
        await self._rooms.withdraw(match, reason=reason, now_ms=self._clock.wall_ms())


async def _together(work: Iterable[Coroutine[Any, Any, Any]]) -> list[Any]:
    """Results of steps that run side by side, in order; their scripts share a pipeline."""
    steps = list(work)
    if len(steps) == 1:
        return [await steps[0]]
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(step) for step in steps]
    except ExceptionGroup as many:
        # All steps ask the same store about the same term: the first reason stands for all.
        raise many.exceptions[0] from many
    return [task.result() for task in tasks]
