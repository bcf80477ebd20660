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

READ_MAX = 500
"""Entries of one read."""

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


async def tail(  # noqa: C901 - away, deposed, trimmed: each is told where it is found
    store: Store,
    key: str,
    after: str,
    stop: asyncio.Event,
    *,
    forgotten: Callable[[list[str]], None] = lambda _: None,
    skipped: Callable[[str, str], None] | None = None,
) -> AsyncIterator[Event]:
    """Every event of a stream after an id, in order, as they come, until ``stop``.

    Goes on by itself when the store was away. Whoever falls behind by more than the
    stream keeps (200,000 entries) misses some: ``skipped`` is told the last id before the gap
    and the first behind it. What a failover took back after it was read is told to
    ``forgotten``, and reading goes on from where that began.
    """
    away, reign, recent = False, store.reign, Recent()
    resumes = True
    """Who was away can have missed some; later, only who finds as much as one read holds."""

    while not stop.is_set():
        try:
            if store.reign != reign:
                now = store.reign
                lost, after = await recent.taken_back(store, key, after)
                reign = now
                if lost:
                    resumes = False
                    log.warning("stream.forgot", stream=key, entries=len(lost), after=after)
                    forgotten(lost)
            entries = await store.read_stream(key, after, block_ms=250)
            whole = True
            many = len(entries) >= READ_MAX or (resumes and entries)
            if skipped and many and order_of(after) > (0, 0):
                whole, entries = await _from_anchor(store, key, after)
            if store.reign != reign:
                continue  # from whom that came is not known
        except StoreUnreachable as lost:
            if not away:
                log.warning("stream.lost", stream=key, reason=str(lost))
            away = True
            await _patience(stop)
            continue
        if away:
            log.info("stream.back", stream=key, after=after)
        away = False
        if skipped and not whole:
            skipped(after, entries[0].id)
        resumes = resumes and not entries
        for entry in entries:
            after = entry.id
            recent.note(entry)
            yield decode(entry)


async def _patience(stop: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.2):
            await stop.wait()


async def _from_anchor(store: Store, key: str, after: str) -> tuple[bool, list[Entry]]:
    """The next entries in one look, and whether the one at ``after`` still stands before them."""
    reply = await store.call("XRANGE", key, after, "+", "COUNT", READ_MAX + 1)
    entries = [_entry(place, said) for place, said in reply]
    if entries and entries[0].id == after:
        return True, entries[1:]
    return not entries, entries[:READ_MAX]


async def page(store: Store, key: str, after: str, *, count: int = 1000) -> list[Event]:
    """The next events of a stream after an id, as far as they are there already."""
    reply = await store.call("XRANGE", key, f"({after}", "+", "COUNT", count)
    return [decode(_entry(place, said)) for place, said in reply]


def _entry(place: str, said: Any) -> Entry:  # noqa: ANN401 - redis-py gives either
    fields = said if isinstance(said, dict) else dict(zip(said[::2], said[1::2], strict=True))
    return Entry(place, fields)


async def first_id(store: Store, key: str) -> str:
    """The id of a stream's oldest entry; ``0-0`` when it is empty or absent."""
    oldest = await store.call("XRANGE", key, "-", "+", "COUNT", 1)
    return str(oldest[0][0]) if oldest else "0-0"
