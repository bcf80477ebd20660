"""What happened, in order: the streams that scripts write, and the files that others write.

The format is documented in docs/history.md; ``readyup check-history`` judges it.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import structlog

from core.clock import Clock, SystemClock
from core.errors import StoreUnreachable
from core.redis import Entry, Store

Event = dict[str, Any]
"""One event: "k" its kind, "t" milliseconds since 1970, "i" its place in its stream."""

log = structlog.get_logger("readyup.eventlog")

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder().encode


def decode(entry: Entry) -> Event:
    """A stream's entry as an event."""
    event = _decode(entry.fields["d"])
    event["k"] = entry.fields["k"]
    event["i"] = entry.id
    return event


async def last_id(store: Store, key: str) -> str:
    """The id of a stream's newest entry; ``0-0`` when it is empty or absent."""
    newest = await store.call("XREVRANGE", key, "+", "-", "COUNT", 1)
    return str(newest[0][0]) if newest else "0-0"


async def tail(store: Store, key: str, after: str, stop: asyncio.Event) -> AsyncIterator[Event]:
    """Every event of a stream after an id, in order, as they come, until ``stop``.

    Goes on by itself when the store was away. Whoever falls behind by more than the
    stream keeps (200,000 entries) misses some; see ``first_id``.
    """
    away = False
    while not stop.is_set():
        try:
            entries = await store.read_stream(key, after, block_ms=250)
        except StoreUnreachable as lost:
            if not away:
                log.warning("stream.lost", stream=key, reason=str(lost))
            away = True
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.2):
                    await stop.wait()
            continue
        if away:
            log.info("stream.back", stream=key, after=after)
            away = False
        for entry in entries:
            after = entry.id
            yield decode(entry)


async def first_id(store: Store, key: str) -> str:
    """The id of a stream's oldest entry; ``0-0`` when it is empty or absent."""
    oldest = await store.call("XRANGE", key, "-", "+", "COUNT", 1)
    return str(oldest[0][0]) if oldest else "0-0"


class EventFile:
    """One process's own witness: a JSON line per event, written at once."""

    def __init__(self, path: Path, src: str, clock: Clock | None = None) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Unbuffered: what a process said before kill -9 stays said.
        self._file = path.open("ab", buffering=0)
        self._src = src
        self._clock = clock or SystemClock()

    def write(self, kind: str, *, src: str | None = None, **fields: object) -> None:
        """Append an event. ``src`` stands in for the file's own, for files that many share."""
        line = {"t": self._clock.wall_ms(), "src": src or self._src, "k": kind, **fields}
        self._file.write(_encode(line) + b"\n")

    def close(self) -> None:
        """Close the file; twice is fine."""
        self._file.close()
