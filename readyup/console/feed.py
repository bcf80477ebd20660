"""Reads the world from Redis four times a second and keeps the newest frame for whoever watches.

One poll is one pipeline: hashes and sets whole, streams from where the last poll ended. What
the streams tell is also kept for those who ask about one thing: see ``readyup.console.lookup``.
Readers take the newest frame when they are ready for one, so nobody is waited for.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog

from core.clock import Clock, SystemClock
from core.errors import Exhausted, Unreachable
from core.eventlog import Event, decode
from core.health import Condition
from core.pause import pause_of
from core.redis import Entry, Store
from matchmaker.shadow_figures import figures_of
from matchmaker.waits import EVERY
from readyup.console import reading as read
from readyup.console.charts import Charts
from readyup.console.known import KnownServers
from readyup.console.promises import LiveCheck
from readyup.console.reading import FleetReading, QueueReading, Reading
from readyup.console.story import Story
from readyup.console.ticks import Ticks
from readyup.console.timeline import Timelines
from readyup.console.views import snapshot

PERIOD_S = 0.25
"""Four frames a second look live and cost a percent of a core."""

IDLE_POLLS = 4
"""While nobody watches, only every fourth poll is made: the cores belong to the game."""

EVENTS_MAX = 2_000
"""Events read of one stream in one poll; when there are more, the next poll comes at once."""

ROOMS_MAX = 4_000
"""Rooms of one fleet; rooms beyond are not shown."""

Reply = asyncio.Task[Any]
"""A command's reply once its pipeline is back, as redis-py parses it."""

log = structlog.get_logger("readyup.console")


@dataclass(frozen=True, slots=True)
class Frame:
    """One snapshot as JSON; ``seq`` rises with each."""

    seq: int
    body: bytes


class Feed:
    """The console's eyes. ``run`` is its service; the server takes frames from it.

    Args:
        store: Where everything is read; nothing is ever written.
        queues: Queue name to exclusive group, in the order of the page.
        fleets: Fleet names, in the order of the page.
        check: Judges every event as it passes; None when the page shall show no promises.
        clock: The same clock that the roles stamp their events with.
    """

    def __init__(
        self,
        store: Store,
        *,
        queues: Mapping[str, str],
        fleets: Sequence[str],
        check: LiveCheck | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._store = store
        self.queue_keys = {name: f"{{q:{group}}}:{name}" for name, group in queues.items()}
        """Queue name to the prefix of its keys."""
        self._fleets = {name: f"{{f:{name}}}" for name in fleets}
        self._sources = {key: f"queue/{name}" for name, key in self.queue_keys.items()}
        self._sources |= {key: f"fleet/{name}" for name, key in self._fleets.items()}
        self.check = check
        self.timelines, self.ticks, self.known = Timelines(), Ticks(), KnownServers()
        self._clock = clock or SystemClock()
        self._story = Story.of(list(queues))
        self._charts = Charts()
        self.reading = Reading(fleets={name: FleetReading() for name in fleets})
        self._places: dict[str, str] = {}
        self._begun: set[str] = set()
        self._read_ms = self._clock.wall_ms()
        self._lost = False
        self._unreadable = 0
        self._fresh = asyncio.Event()
        self.watchers = 0
        self._frame = self._next_frame(seq=1)

    def latest(self) -> Frame:
        """The newest frame; there is always one."""
        return self._frame

    def now_ms(self) -> int:
        """The time by the clock that everything here is stamped with."""
        return self._clock.wall_ms()

    def condition(self) -> Condition:
        """Ready once it has looked at the world, and while the store lets it."""
        if self._lost:
            return Condition(ready=False, says="the store does not answer")
        looked = self._frame.seq > 1
        return Condition(looked, "looks" if looked else "takes its first look")

    def history(self) -> bytes:
        """The charts' ten minutes, as JSON."""
        return msgspec.json.encode(self._charts.history())

    async def after(self, seq: int) -> Frame:
        """The newest frame, as soon as it is newer than ``seq``."""
        while self._frame.seq <= seq:
            await self._fresh.wait()
        return self._frame

    async def run(self, stop: asyncio.Event) -> None:
        """Poll until ``stop``. A store that does not answer is shown on the page."""
        polls = 0
        while not stop.is_set():
            behind = False
            if self.watchers or polls % IDLE_POLLS == 0:
                behind = await self.poll()
            polls += 1
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0 if behind else PERIOD_S):
                    await stop.wait()

    async def poll(self) -> bool:
        """Look once and publish a frame; true when the streams hold more than one look takes."""
        behind = False
        try:
            behind = await self._look()
        except* (Unreachable, Exhausted) as lost:
            if not self._lost:
                log.warning("console.store_lost", reason=str(lost.exceptions[0]))
            self._lost = True
        else:
            if self._lost:
                log.info("console.store_back")
            self._lost = False
            self._read_ms = self._clock.wall_ms()
            if self.check is not None and not behind:
                self.check.turn(self._read_ms)
        self._publish()
        return behind

    async def _look(self) -> bool:
        # Calls that start in one turn of the loop travel as one pipeline.
        async with asyncio.TaskGroup() as group:

            def ask(*command: str | int) -> Reply:
                return group.create_task(self._store.call(*command), name=f"console.{command[0]}")

            logs = {key: ask("XRANGE", f"{key}:log", *self._from(key)) for key in self._sources}
            begins = {
                key: group.create_task(self._is_cut(key), name="console.begin")
                for key in self._sources
                if key not in self._begun
            }
            queues = {
                name: (
                    ask("HGETALL", f"{key}:stats"),
                    ask("HGETALL", f"{key}:leader"),
                    ask("GET", f"{key}:paused"),
                    ask("GET", f"{key}:shadow"),
                    ask("HGET", f"{key}:estimates", EVERY),
                )
                for name, key in self.queue_keys.items()
            }
            fleets = {
                name: group.create_task(self._fleet(key), name=f"console.{name}")
                for name, key in self._fleets.items()
            }

        self.reading = Reading(
            queues={
                name: QueueReading(
                    read.pairs(stats.result()),
                    read.pairs(leader.result()),
                    pause_of(paused.result()),
                    figures_of(shadow.result()),
                    read.estimate_of(curve.result()),
                )
                for name, (stats, leader, paused, shadow, curve) in queues.items()
            },
            fleets={name: task.result() for name, task in fleets.items()},
        )
        seen = self.reading.fleets.values()
        self.known.seen((s for fleet in seen for s in fleet.servers), now_ms=self.now_ms())
        self.ticks.take(fleet.beats for fleet in seen)
        for key, cut in begins.items():
            self._begun.add(key)
            if self.check is not None and cut.result():
                self.check.begins_midway(self._sources[key])
        for key, reply in logs.items():
            self._tell(key, self._news(key, reply.result()))
        return any(len(reply.result()) >= EVENTS_MAX for reply in logs.values())

    async def _fleet(self, key: str) -> FleetReading:
        async with asyncio.TaskGroup() as group:

            def ask(*command: str | int) -> Reply:
                return group.create_task(self._store.call(*command), name=f"console.{command[0]}")

            mirror, beats = ask("HGETALL", f"{key}:backend"), ask("HGETALL", f"{key}:servers")
            waiting, plan = ask("ZCARD", f"{key}:waiting"), ask("HGETALL", f"{key}:plan")
            first = ask("ZRANGE", f"{key}:waiting", 0, 0, "WITHSCORES")
            paused = ask("GET", f"{key}:paused")
            # One command for all rooms and their states: # is the room's id itself.
            state_of = f"{key}:room:*->state"
            rooms = ask(
                *("SORT", f"{key}:rooms", "BY", "nosort", "LIMIT", 0, ROOMS_MAX),
                *("GET", "#", "GET", state_of),
            )

        since = first.result()
        return FleetReading(
            servers=read.servers_of(read.pairs(mirror.result())),
            beats=read.beats_of(read.pairs(beats.result())),
            rooms=read.rooms_of(read.pairs(rooms.result())),
            in_line=int(waiting.result()),
            line_since_ms=int(float(since[1])) if since else 0,
            plan=read.pairs(plan.result()),
            paused=pause_of(paused.result()),
        )

    async def _is_cut(self, key: str) -> bool:
        """Whether a stream has lost its first events; one that is still to come has not."""
        if not await self._store.call("EXISTS", f"{key}:log"):
            return False
        facts = read.pairs(await self._store.call("XINFO", "STREAM", f"{key}:log"))
        return int(facts["entries-added"]) != int(facts["length"])

    def _from(self, key: str) -> tuple[str, str, str, int]:
        """From the last event of the last poll on, which must still be there; see ``_news``."""
        return (self._places.get(key, "-"), "+", "COUNT", EVENTS_MAX)

    def _news(self, key: str, entries: list[Any]) -> list[Any]:
        """What is new of a stream that was read from its last known event on."""
        place = self._places.get(key)
        if place is None:
            return entries
        if entries and entries[0][0] == place:
            return entries[1:]
        log.warning("console.events_missed", stream=key, after=place)
        if self.check is not None:
            self.check.begin_again()
        if not entries:  # the stream itself is gone
            del self._places[key]
        return entries

    def _tell(self, key: str, entries: list[Any]) -> None:
        for entry_id, flat in entries:
            self._places[key] = entry_id
            try:
                event = decode(Entry(entry_id, read.pairs(flat)))
                self._apply(self._sources[key], event)
            except (KeyError, TypeError, ValueError, AttributeError, msgspec.MsgspecError) as wrong:
                # A viewer outlives what it cannot read, and says so once.
                self._unreadable += 1
                if self._unreadable == 1:
                    log.warning("console.event_unreadable", stream=key, reason=repr(wrong))

    def _apply(self, src: str, event: Event) -> None:
        if self.check is not None:
            self.check.take(src, event)
        role, _, name = src.partition("/")
        if role == "fleet":
            self._story.apply_fleet(event)
            self.known.take(event)
        else:
            self._story.queues[name].apply(event)
        self.timelines.take(src, event)

    def _publish(self) -> None:
        self._frame = self._next_frame(seq=self._frame.seq + 1)
        self._fresh.set()
        self._fresh = asyncio.Event()

    def _next_frame(self, *, seq: int) -> Frame:
        now_ms = self._clock.wall_ms()
        self._charts.turn(now_ms // 1000, self._story.queues)
        page = snapshot(
            self._story,
            self.reading,
            self._charts,
            now_ms=now_ms,
            promises=self.check.promises() if self.check is not None else None,
            store_lost_ms=max(1, now_ms - self._read_ms) if self._lost else 0,
        )
        return Frame(seq, msgspec.json.encode(page))
