"""The director: leads one queue and turns waiting tickets into matches.

Any number of directors may run; the one that holds the lease works, the others ask for
it every quarter of a second. What a director knows besides its lease can be read again
from Redis, so its death costs the queue the rest of its lease and nothing else.
"""

import asyncio
import contextlib
import random

import structlog

from core.clock import Clock
from core.errors import Exhausted, StoreUnreachable
from core.health import Condition
from core.ids import FleetName
from core.lease import RENEW_S, Lease
from core.outage import Outage
from core.supervise import every
from core.telemetry import OFF, Traces
from matchmaker.acceptance import close_unanswered
from matchmaker.backfills import end_due
from matchmaker.feed import Feed
from matchmaker.figures import Figures
from matchmaker.metrics import MatchmakerMetrics
from matchmaker.outlook import Outlook
from matchmaker.passlog import PassLog
from matchmaker.placing import Placing
from matchmaker.ports import Allocations
from matchmaker.regions import Superseded
from matchmaker.rollout import engine_of
from matchmaker.shadowing import shadow_of
from matchmaker.store import QueueStore
from matchmaker.tally import Tally

log = structlog.get_logger("readyup.director")

ASK_S = 0.25
"""How often one that does not lead asks for the lease."""

ASKED_S = 5.0
"""One that follows and got no answer for so long could not take over."""

REPASS_S = 0.1
"""How often tickets that found nothing are looked at again: windows widen with time."""

SWEEP_S = 0.25
"""How often what is due is ended and the figures are published."""

HEARING_S = 10.0
"""How long a term listens before it holds silence against anybody: whatever kept this queue
without a leader may have kept the signs of life from it too. Two renewals of presence."""


class Director:
    """Leads a queue whenever nobody else does."""

    def __init__(
        self,
        queue: QueueStore,
        rooms: Allocations,
        *,
        holder: str,
        clock: Clock,
        chance: random.Random,
        metrics: MatchmakerMetrics,
        traces: Traces = OFF,
    ) -> None:
        self._queue = queue
        self._rooms = rooms
        self._clock = clock
        self._chance = chance
        self._metrics = metrics
        self._traces = traces
        self._name = queue.settings.name
        self._lease = Lease(queue.store, queue.leader, queue.log, holder, clock)
        self._asked_s = -ASKED_S
        self._figures = Figures(queue, self._lease, clock=clock, metrics=metrics)
        self._passlog = PassLog(queue, clock)
        self._asking = 0
        """Matches whose players were asked to accept them when somebody looked last."""

    def condition(self) -> Condition:
        """Ready while it leads, or was told just now that another does."""
        if self._lease.leads():
            return Condition(ready=True, says=f"leads, epoch {self._lease.epoch}")
        lately = self._clock.elapsed_s() - self._asked_s < ASKED_S
        return Condition(lately, "follows" if lately else "hears nothing of the lease")

    async def run(self, stop: asyncio.Event) -> None:
        """Lead whenever the lease can be had, until ``stop``; then give it up."""
        outage = Outage(self._clock)
        while not stop.is_set():
            try:
                leads = await self._lease.renew()
                self._asked_s = self._clock.elapsed_s()
                if (away_s := outage.ends()) is not None:
                    log.info("director.store_back", queue=self._name, away_s=away_s)
                if leads:
                    await self._term(stop)
            except (StoreUnreachable, Exhausted) as lost:
                if outage.begins():
                    log.warning("director.no_store", queue=self._name, reason=str(lost))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ASK_S):
                    await stop.wait()
        with contextlib.suppress(StoreUnreachable):
            await self._lease.give_up()

    async def _term(self, stop: asyncio.Event) -> None:
        """Lead until the lease is lost or ``stop`` is set."""
        epoch, reign = self._lease.epoch, self._queue.store.reign
        log.info("director.leads", queue=self._name, epoch=epoch)
        self._metrics.epoch.labels(self._name).set(epoch)
        over = asyncio.Event()
        feed = Feed(self._queue)
        # A pass of the term before may still be under way, in its own thread.
        self._engine = engine_of(self._queue.settings)
        self._shadow = shadow_of(self._queue, self._clock, self._metrics)
        feed.heard = self._shadow.hear
        placing = Placing(
            self._queue,
            self._rooms,
            epoch=epoch,
            clock=self._clock,
            chance=self._chance,
            metrics=self._metrics,
            traces=self._traces,
        )
        try:
            await self._passlog.begin()
            await feed.load()
            self._shadow.begin(feed.pool.view().tickets)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep_lease(epoch, over), name=f"{self._name}.lease")
                group.create_task(feed.follow(over), name=f"{self._name}.log")
                for fleet in self._queue.settings.fleets():
                    following = self._follow_rooms(fleet, placing, feed)
                    group.create_task(following, name=f"{self._name}.rooms.{fleet}")
                group.create_task(
                    self._follow_accepted(feed, placing), name=f"{self._name}.accepted"
                )
                group.create_task(self._sweep(feed, placing, over), name=f"{self._name}.sweep")
                group.create_task(self._keep_to(reign, over), name=f"{self._name}.reign")
                group.create_task(self._match(feed, placing, over), name=f"{self._name}.match")
                group.create_task(self._shadow.run(over), name=f"{self._name}.shadow")
                await _either(stop, over)
                over.set()
                raise _TermOver
        except* (_TermOver, Superseded):
            pass
        except* (StoreUnreachable, Exhausted) as lost:
            # Half-done matches are driven on by resume(), here or at the next director.
            log.warning("director.term_ended", queue=self._name, reason=str(lost.exceptions[0]))
        finally:
            over.set()
            self._metrics.epoch.labels(self._name).set(0)
            log.info("director.stands_down", queue=self._name, epoch=epoch)

    async def _keep_lease(self, epoch: int, over: asyncio.Event) -> None:
        while not over.is_set():
            await asyncio.sleep(RENEW_S)
            with contextlib.suppress(StoreUnreachable, Exhausted):
                if await self._lease.renew() != epoch:
                    over.set()
            if not self._lease.leads():
                over.set()

    async def _keep_to(self, reign: int, over: asyncio.Event) -> None:
        """A term that read from a primary which is one no more may know what is forgotten."""
        while not over.is_set():
            await asyncio.sleep(SWEEP_S)
            if self._queue.store.reign != reign:
                over.set()

    async def _match(self, feed: Feed, placing: Placing, over: asyncio.Event) -> None:
        """Pass after pass: at once when something came, else as windows widen."""
        while not over.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(REPASS_S if len(feed.pool) else None):
                    await feed.changed.wait()
            feed.changed.clear()
            began_s = self._clock.elapsed_s()
            await self._pass(feed, placing)
            took_s = self._clock.elapsed_s() - began_s
            # Under load a pause as long as the pass gathers the next batch; idle costs nothing.
            if took_s > 0.005:
                await asyncio.sleep(min(took_s, REPASS_S))

    async def _pass(self, feed: Feed, placing: Placing) -> None:
        settings = self._queue.settings
        room_for = settings.line_max - len(placing.in_line)
        view = feed.pool.view()
        # Newcomers to matches that run need no room, so a full line does not keep them waiting.
        if not view.tickets or placing.paused or (room_for <= 0 and not view.open):
            return
        room_for = max(0, room_for)
        record = self._passlog.moment(feed, epoch=self._lease.epoch, matches_max=room_for)
        began_s, pass_us = self._clock.elapsed_s(), self._clock.wall_us()
        done = await asyncio.to_thread(
            self._engine.matches, view, now_ms=record.now_ms, matches_max=room_for
        )
        found = done.found
        took_s = self._clock.elapsed_s() - began_s
        self._figures.passed(took_s)
        if not found:
            self._passlog.found_nothing()
            return
        if len(found) >= room_for:
            feed.changed.set()  # there may be more, as soon as these are placed
        self._shadow.done(found, record.now_ms)
        feed.logged.hold(
            party.id for match in found for parties in match.teams for party in parties
        )
        feed.logged.hold_requests(match.of.match for match in found if match.of)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._passlog.write(record, done, view))
            placed = group.create_task(
                placing.place([placing.form(match, pass_us=pass_us) for match in found])
            )
        refused = sum(forming.fill is None for forming in placed.result())
        self._figures.made(sum(match.of is None for match in found) - refused)
        for forming in placed.result():
            tickets = list(dict.fromkeys(p.ticket for p in forming.order.players))
            await feed.put_back(tickets, [forming.fill.of] if forming.fill else [])

    async def _follow_rooms(self, fleet: FleetName, placing: Placing, feed: Feed) -> None:
        async for room in self._rooms.rooms_found(fleet):
            await placing.room_found(room.match, at_ms=room.at_ms)
            feed.changed.set()  # the line is shorter: another match may join it

    async def _follow_accepted(self, feed: Feed, placing: Placing) -> None:
        while True:
            matches = [await feed.accepted.get()]
            while not feed.accepted.empty():
                matches.append(feed.accepted.get_nowait())
            await placing.take_up(matches)

    async def _sweep(self, feed: Feed, placing: Placing, over: asyncio.Event) -> None:
        turns, began_s = 0, self._clock.elapsed_s()
        outlook = Outlook(self._queue, now_ms=self._clock.wall_ms())
        tally = Tally(self._queue)

        async def turn() -> None:
            nonlocal turns
            turns += 1
            heard = self._clock.elapsed_s() - began_s > HEARING_S
            await self._queue.expire(now_ms=self._clock.wall_ms(), absent_too=heard)
            if self._asking:
                now_ms = self._clock.wall_ms()
                await close_unanswered(self._queue, epoch=self._lease.epoch, now_ms=now_ms)
            if turns % 4 == 1:
                await placing.close_overdue()
                await placing.ask_again()
                await placing.resume()
                await placing.filling.unseat()
                await end_due(self._queue, now_ms=self._clock.wall_ms())
                if await feed.missed_some():
                    log.warning("director.log_gap", queue=self._name)
                    await feed.load()
                await outlook.tell(
                    feed.pool.view(),
                    now_ms=self._clock.wall_ms(),
                    paused=placing.paused,
                    in_line=len(placing.in_line),
                )
                await tally.count()
            await self._publish(feed, placing)

        await every(SWEEP_S, turn, stop=over)

    async def _publish(self, feed: Feed, placing: Placing) -> None:
        stands = await self._figures.publish(feed.pool, in_line=len(placing.in_line))
        placing.paused, self._asking = stands.paused, stands.asking
        await self._passlog.paused(paused=placing.paused)


class _TermOver(Exception):
    """Ends the term's tasks."""


async def _either(first: asyncio.Event, second: asyncio.Event) -> None:
    """Wait until one of the two is set."""
    async with asyncio.TaskGroup() as group:
        waits = [group.create_task(event.wait()) for event in (first, second)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
