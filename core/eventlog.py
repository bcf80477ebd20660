"""What happened, in order: the streams that scripts write. ``eventfile`` is for everybody else.

The format is documented in docs/history.md; ``readyup check-history`` judges it.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import structlog

from core.errors import StoreUnreachable
from core.recent import Recent
from core.redis import Entry, Store

Event = dict[str, Any]
"""One event: "k" its kind, "t" milliseconds since 1970, "i" its place in its stream."""

log = structlog.get_logger("readyup.eventlog")

_decode = msgspec.json.Decoder(dict[str, Any]).decode


def decode(entry: Entry) -> Event:
    """A stream's entry as an event."""
    event = _decode(entry.fields["d"])
    event["k"] = entry.fields["k"]
    event["i"] = entry.id
    return event


def order_of(entry: str) -> tuple[int, int]:
    """An entry's id as ids sort."""
    ms, _, n = entry.partition("-")
    return int(ms), int(n or 0)


async def last_id(store: Store, key: str) -> str:
    """The id of a stream's newest entry; ``0-0`` when it is empty or absent."""
    newest = await store.call("XREVRANGE", key, "+", "-", "COUNT", 1)
    return str(newest[0][0]) if newest else "0-0"


async def tail(
    store: Store,
    key: str,
    after: str,
    stop: asyncio.Event,
    *,
    forgotten: Callable[[list[str]], None] = lambda _: None,
) -> AsyncIterator[Event]:
    """Every event of a stream after an id, in order, as they come, until ``stop``.

    Goes on by itself when the store was away. Whoever falls behind by more than the
    stream keeps (200,000 entries) misses some; see ``first_id``. What a failover took back
    after it was read is told to ``forgotten``, and reading goes on from where that began.
    """
    away, reign, recent = False, store.reign, Recent()
    while not stop.is_set():
        try:
            if store.reign != reign:
                now = store.reign
                lost, after = await recent.taken_back(store, key, after)
                reign = now
                if lost:
                    log.warning("stream.forgot", stream=key, entries=len(lost), after=after)
                    forgotten(lost)
            entries = await store.read_stream(key, after, block_ms=250)
            if store.reign != reign:
                continue  # from whom that came is not known
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
            recent.note(entry)
            yield decode(entry)


async def page(store: Store, key: str, after: str, *, count: int = 1000) -> list[Event]:
    """The next events of a stream after an id, as far as they are there already."""
    reply = await store.call("XRANGE", key, f"({after}", "+", "COUNT", count)
    return [
        decode(Entry(place, said if isinstance(said, dict) else _pairs(said)))
        for place, said in reply
    ]


def _pairs(flat: list[str]) -> dict[str, str]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


async def first_id(store: Store, key: str) -> str:
    """The id of a stream's oldest entry; ``0-0`` when it is empty or absent."""
    oldest = await store.call("XRANGE", key, "-", "+", "COUNT", 1)
    return str(oldest[0][0]) if oldest else "0-0"
