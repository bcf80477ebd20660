"""Tells one stream to a sink: at least once, in order, no faster than the sink takes it.

One task reads, one sends; between them stand at most ``BACKLOG_MAX`` events, and a sink that
is slow or away stops the reading. The place is kept after the sink has taken a batch, so
whoever comes after a kill tells at most that batch again, under the same ids.
"""

import asyncio
import contextlib
from dataclasses import dataclass, field

import msgspec
import structlog

from core.errors import StoreUnreachable, Unreachable
from core.eventlog import Event, last_id, order_of, tail
from core.health import Condition
from core.redis import Store
from core.supervise import every
from readyup.events.envelope import Record, notice, record_of
from readyup.events.metrics import EventsMetrics
from readyup.events.sinks import Sink
from readyup.events.streams import Position, Stream, with_result
from readyup.events.told import StreamSkipped, StreamWithdrawn

BACKLOG_MAX = 1_000
BATCH_MAX = 500
AGAIN_S = 1.0
LOOK_S = 2.0

log = structlog.get_logger("readyup.events")


@dataclass(frozen=True, slots=True)
class _Read:
    """What one entry of the stream comes to; for most kinds of a fleet, nothing."""

    place: str
    records: tuple[Record, ...]


@dataclass
class Teller:
    """One stream's. ``from_now`` is for a name that has told nothing yet."""

    store: Store
    stream: Stream
    sink: Sink
    name: str
    metrics: EventsMetrics
    from_now: bool = False

    _notices: list[Record] = field(default_factory=list, init=False)
    _told: str = field(default="", init=False)
    _away: str = field(default="", init=False)

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``; a batch under way is finished, unless the sink is away."""
        position = Position(self.store, self.stream, self.name)
        if (after := await self._begin(position, stop)) is None:
            return
        self._told = after
        log.info("events.tells", stream=self.stream.key, after=after)
        backlog: asyncio.Queue[_Read] = asyncio.Queue(BACKLOG_MAX)
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(self._read(after, backlog, stop), name="read")
            looking = group.create_task(every(LOOK_S, self._look, stop=stop), name="look")
            while not stop.is_set():
                if (batch := await _batch(backlog)) and await self._tell(batch, stop):
                    self._told = batch[-1].place
                    await position.keep(self._told)
            reading.cancel()
            looking.cancel()

    def condition(self) -> Condition:
        """Whether its sink takes what it is told."""
        return Condition(ready=not self._away, says=self._away or "ok")

    async def _begin(self, position: Position, stop: asyncio.Event) -> str | None:
        while not stop.is_set():
            try:
                return await position.begin(from_now=self.from_now)
            except StoreUnreachable:
                await _patience(stop)
        return None

    async def _read(self, after: str, backlog: asyncio.Queue[_Read], stop: asyncio.Event) -> None:
        events = tail(
            self.store,
            self.stream.key,
            after,
            stop,
            forgotten=self._withdraw,
            skipped=self._skip,
        )
        async for event in events:
            before, self._notices = tuple(self._notices), []
            record = await self._record(event, stop)
            if stop.is_set():
                return  # what the event lacks may not have been waited for: it is told next time
            await backlog.put(_Read(event["i"], (*before, record) if record else before))

    async def _record(self, event: Event, stop: asyncio.Event) -> Record | None:
        while event["k"] == "session.result" and "result" not in event and not stop.is_set():
            try:
                event = await with_result(self.store, self.stream, event)
            except StoreUnreachable:
                await _patience(stop)
        try:
            return record_of(self.stream.source, event)
        except msgspec.ValidationError as wrong:
            self.metrics.unreadable.labels(self.stream.source).inc()
            log.warning(
                "events.unreadable", stream=self.stream.key, id=event["i"], reason=str(wrong)
            )
            return None

    async def _tell(self, batch: list[_Read], stop: asyncio.Event) -> bool:
        """Whether the sink has all of it; it is asked until it does, or until ``stop``."""
        records = [record for read in batch for record in read.records]
        while records:
            try:
                await self.sink.tell(records)
            except Unreachable as lost:
                if not self._away:
                    log.warning("events.sink_lost", stream=self.stream.key, reason=str(lost))
                self._away = str(lost)
                self.metrics.sink_up.set(0)
                await _patience(stop)
                if stop.is_set():
                    return False
                continue
            self.metrics.told.labels(self.stream.source).inc(len(records))
            self.metrics.sink_up.set(1)
            if self._away:
                log.info("events.sink_back", stream=self.stream.key)
            self._away = ""
            break
        return True

    def _skip(self, after: str, first: str) -> None:
        self.metrics.skipped.labels(self.stream.source).inc()
        log.warning("events.skipped", stream=self.stream.key, after=after, first=first)
        said = StreamSkipped(after=after, first=first)
        self._notice("stream.skipped", after, first, said)

    def _withdraw(self, entries: list[str]) -> None:
        self.metrics.withdrawn.labels(self.stream.source).inc(len(entries))
        self._notice("stream.withdrawn", entries[0], entries[-1], StreamWithdrawn(ids=entries))

    def _notice(self, kind: str, first: str, last: str, said: msgspec.Struct) -> None:
        self._notices.append(notice(self.stream.source, kind, first, last, said))

    async def _look(self) -> None:
        with contextlib.suppress(StoreUnreachable):
            newest = await last_id(self.store, self.stream.key)
            late_ms = order_of(newest)[0] - order_of(self._told)[0]
            self.metrics.behind_seconds.labels(self.stream.source).set(max(0, late_ms) / 1000)


async def _batch(backlog: asyncio.Queue[_Read]) -> list[_Read]:
    """What waits, or the next that comes within a quarter of a second."""
    batch = []
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.25):
            batch.append(await backlog.get())
    while batch and len(batch) < BATCH_MAX and not backlog.empty():
        batch.append(backlog.get_nowait())
    return batch


async def _patience(stop: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(AGAIN_S):
            await stop.wait()
