"""The audit: who changed what, written before the change and after it.

When the first word cannot be written, nothing is changed. When the last one cannot, the first
stands alone and is read as ``unknown``: what came of it, the state itself must tell.
"""

from typing import Any

import msgspec
import structlog

from core.clock import Clock
from core.lua import as_json
from core.redis import Entry, Store
from readyup.console.reading import pairs

KEY = "{operators}:audit"

ENTRIES_MAX = 100_000
"""About fifty thousand changes, 40 MB at most. The log has them too, for as long as you keep it."""

PAGE_MAX = 500
AHEAD = 200
"""Entries looked through for the end of a change whose beginning is on a page."""

log = structlog.get_logger("readyup.audit")


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """One change, or an attempt at one."""

    id: str
    """Of the request; the answer has it in X-Request-Id."""

    t_ms: int
    who: str
    role: str
    what: str
    target: str
    reason: str = ""
    """What the operator said."""

    ip: str = ""
    how: str = ""
    """token, session, or dev: nobody asked."""

    outcome: str = "unknown"
    """done, refused (nothing changed), failed (something broke; look), or unknown."""

    detail: str = ""
    before: str = ""
    after: str = ""


_decode = msgspec.json.Decoder(Record).decode


class Audit:
    """The one stream of all changes, for all consoles of one store."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def intent(self, record: Record) -> None:
        """Note what is about to be done; as durable as an announcement.

        Raises:
            StoreUnreachable: it may not be noted, so do not do it.
        """
        await self._write("intent", record)

    async def outcome(self, record: Record) -> None:
        """Note what came of it."""
        facts = {name: value for name, value in msgspec.to_builtins(record).items() if value}
        log.info("operator.change", **facts)
        await self._write("outcome", record)

    async def read(self, *, limit: int = 100, before: str = "") -> tuple[list[Record], str]:
        """The newest changes first, and where the next page begins; empty when there is none."""
        end = f"({before}" if before else "+"
        reply = await self._store.call("XREVRANGE", KEY, end, "-", "COUNT", 2 * limit)
        entries = [Entry(place, pairs(flat)) for place, flat in reply]
        found: dict[str, Record] = {}
        after = ""
        for entry in entries:
            record = _decode(entry.fields["d"])
            if record.id in found:
                continue
            if len(found) == limit:
                return list(found.values()), after
            if entry.fields["k"] == "intent" and await self._ended_later(entry.id, record.id):
                after = entry.id  # its end was on the page before
                continue
            found[record.id] = record
            after = entry.id
        return list(found.values()), after if len(entries) == 2 * limit else ""

    async def _ended_later(self, place: str, request: str) -> bool:
        reply = await self._store.call("XRANGE", KEY, f"({place}", "+", "COUNT", AHEAD)
        return any(_decode(pairs(flat)["d"]).id == request for _, flat in reply)

    async def _write(self, kind: str, record: Record) -> None:
        words: tuple[Any, ...] = ("MAXLEN", "~", ENTRIES_MAX, "*", "k", kind, "d", as_json(record))
        await self._store.durably.call("XADD", KEY, *words)
