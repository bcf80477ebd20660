"""Reads the world from Redis four times a second and keeps the newest frame for whoever watches.

One poll is one pipeline: hashes and sets whole, streams from where the last poll ended.
Readers take the newest frame when they are ready for one, so nobody is waited for.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog

from core.clock import Clock, SystemClock
from core.errors import Exhausted, Unreachable
from core.eventlog import Event, decode
from core.redis import Entry, Store
from readyup.console import reading as read
from readyup.console.charts import Charts
from readyup.console.reading import FleetReading, QueueReading, Reading
from readyup.console.snapshot import Promises
from readyup.console.story import Story
from readyup.console.views import snapshot
from readyup.console.window import KEPT_S

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
        promises: What a checker has counted so far; None when there is none to ask.
        clock: The same clock that the roles stamp their events with.
    """

    def __init__(
        self,
        store: Store,
        *,
        queues: Mapping[str, str],
        fleets: Sequence[str],
        promises: Callable[[], Promises | None] = lambda: None,
        clock: Clock | None = None,
    ) -> None:
        self._store = store
        self._queues = {name: f"{{q:{group}}}:{name}" for name, group in queues.items()}
        self._fleets = {name: f"{{f:{name}}}" for name in fleets}
        self._promises = promises
        self._clock = clock or SystemClock()
        self._story = Story.of(list(queues))
        self._charts = Charts()
        self._reading = Reading(fleets={name: FleetReading() for name in fleets})
        self._places: dict[str, str] = {}
        self._read_ms = self._clock.wall_ms()
        self._lost = False
        self._unreadable = 0
        self._fresh = asyncio.Event()
        self.watchers = 0
        self._frame = self._next_frame(seq=1)

    def latest(self) -> Frame:
        """The newest frame; there is always one."""
        return self._frame

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
        self._publish()
        return behind

    async def _look(self) -> bool:
        # Calls that start in one turn of the loop travel as one pipeline.
        async with asyncio.TaskGroup() as group:

            def ask(*command: str | int) -> Reply:
                return group.create_task(self._store.call(*command), name=f"console.{command[0]}")

            logs = {key: ask("XRANGE", f"{key}:log", *self._from(key)) for key in self._keys()}
            queues = {
                name: (ask("HGETALL", f"{key}:stats"), ask("HGETALL", f"{key}:leader"))
                for name, key in self._queues.items()
            }
            fleets = {
                name: group.create_task(self._fleet(key), name=f"console.{name}")
                for name, key in self._fleets.items()
            }

        self._reading = Reading(
            queues={
                name: QueueReading(read.pairs(stats.result()), read.pairs(leader.result()))
                for name, (stats, leader) in queues.items()
            },
            fleets={name: task.result() for name, task in fleets.items()},
        )
        for key, reply in logs.items():
            self._tell(key, reply.result())
        return any(len(reply.result()) >= EVENTS_MAX for reply in logs.values())

    async def _fleet(self, key: str) -> FleetReading:
        async with asyncio.TaskGroup() as group:

            def ask(*command: str | int) -> Reply:
                return group.create_task(self._store.call(*command), name=f"console.{command[0]}")

            mirror, beats = ask("HGETALL", f"{key}:backend"), ask("HGETALL", f"{key}:servers")
            waiting, plan = ask("ZCARD", f"{key}:waiting"), ask("HGETALL", f"{key}:plan")
            first = ask("ZRANGE", f"{key}:waiting", 0, 0, "WITHSCORES")
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
        )

    def _keys(self) -> list[str]:
        return [*self._queues.values(), *self._fleets.values()]

    def _from(self, key: str) -> tuple[str, str, str, int]:
        """Where the last poll ended; the first begins as far back as the charts reach."""
        begin_ms = self._clock.wall_ms() - KEPT_S * 1000
        after = self._places.get(key)
        return (f"({after}" if after else str(begin_ms), "+", "COUNT", EVENTS_MAX)

    def _tell(self, key: str, entries: list[Any]) -> None:
        queue = next((name for name, k in self._queues.items() if k == key), None)
        for entry_id, flat in entries:
            self._places[key] = entry_id
            try:
                event = decode(Entry(entry_id, read.pairs(flat)))
                self._apply(queue, event)
            except (KeyError, TypeError, ValueError, msgspec.MsgspecError) as wrong:
                # A viewer outlives what it cannot read, and says so once.
                self._unreadable += 1
                if self._unreadable == 1:
                    log.warning("console.event_unreadable", stream=key, reason=repr(wrong))

    def _apply(self, queue: str | None, event: Event) -> None:
        if queue is None:
            self._story.apply_fleet(event)
        else:
            self._story.queues[queue].apply(event)

    def _publish(self) -> None:
        self._frame = self._next_frame(seq=self._frame.seq + 1)
        self._fresh.set()
        self._fresh = asyncio.Event()

    def _next_frame(self, *, seq: int) -> Frame:
        now_ms = self._clock.wall_ms()
        self._charts.turn(now_ms // 1000, self._story.queues)
        page = snapshot(
            self._story,
            self._reading,
            self._charts,
            now_ms=now_ms,
            promises=self._promises(),
            store_lost_ms=max(1, now_ms - self._read_ms) if self._lost else 0,
        )
        return Frame(seq, msgspec.json.encode(page))
