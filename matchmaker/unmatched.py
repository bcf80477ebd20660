"""No match yet is news too: a ticket that waits long is told so, and why.

A ticket is told when it has waited ``unmatched_s``, and again whenever its wait has doubled,
so that a queue tells a ticket a handful of times, however long it lives. Which tickets are
due follows from their ages alone, so a director that takes over goes on where the last was.
"""

import asyncio
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.ids import TicketId
from core.lua import LuaScript
from matchmaker.engine.pool import PoolView
from matchmaker.explain import kept_away
from matchmaker.parties import as_party, whole_of
from matchmaker.records import Records
from matchmaker.rules.ruleset import RuleSet

UNMATCHED = LuaScript.load("matchmaker.lua", "unmatched")

TOLD_MAX = 100
"""Tickets told in one look; when more are due the longest waiting come first, and the others
are told when their wait has doubled again."""

EXPLAINED_MAX = 10
"""Of those, how many are told why: it takes milliseconds each, in a thread beside the passes."""

AMONG = 100
"""Others of about the same rating among whom the reason is looked for."""


def steps(waited_ms: NDArray[np.int64], first_ms: int) -> NDArray[np.int64]:
    """How often tickets of these ages were due: at ``first_ms``, twice that, four times, ...

    >>> steps(np.array([900, 1000, 1999, 2000, 4000]), 1000).tolist()
    [0, 1, 1, 2, 3]
    """
    _, exponent = np.frexp(np.maximum(waited_ms, 0) / first_ms)
    return np.maximum(exponent, 0).astype(np.int64)


class Unmatched:
    """Looks at one queue's pool from time to time during one term."""

    def __init__(self, queue: Records, *, now_ms: int) -> None:
        settings = queue.settings
        self._queue = queue
        self._whole = whole_of(settings.rules)
        self._first_ms = round(min(settings.unmatched_s, settings.ticket_lifetime_s / 2) * 1000)
        self._looked_ms = now_ms

    async def look(self, view: PoolView, *, now_ms: int, held_up: str = "") -> int:
        """Tell tickets whose time has come since the last look; how many there were.

        ``held_up`` is what keeps all of them waiting, whatever their rules say.
        """
        since_ms, self._looked_ms = self._looked_ms, now_ms
        if not self._first_ms or not view.tickets:
            return 0
        rows = due(view, since_ms, now_ms, self._first_ms)
        if not rows:
            return 0
        whys = [held_up] * len(rows)
        if not held_up:
            explained = rows[:EXPLAINED_MAX]
            whys = await asyncio.to_thread(sentences, self._whole, view, explained, now_ms)
        async with asyncio.TaskGroup() as group:
            for n, row in enumerate(rows):
                why = whys[n] if n < len(whys) else ""
                group.create_task(self._tell(view.tickets[row].id, why, now_ms))
        return len(rows)

    async def _tell(self, ticket: TicketId, why: str, now_ms: int) -> None:
        await UNMATCHED(
            self._queue.store,
            keys={"base": self._queue.base},
            args={"now_ms": now_ms, "ticket": ticket, "why": why},
        )


def due(view: PoolView, since_ms: int, now_ms: int, first_ms: int) -> list[int]:
    """Rows that became due between two looks, the longest waiting first."""
    before, now = since_ms - view.enqueued_ms, now_ms - view.enqueued_ms
    rows = np.flatnonzero(steps(now, first_ms) > steps(before, first_ms))
    oldest = rows[np.argsort(view.enqueued_ms[rows], kind="stable")]
    return [int(row) for row in oldest[:TOLD_MAX]]


def sentences(whole: RuleSet, view: PoolView, rows: Sequence[int], now_ms: int) -> list[str]:
    """What keeps these tickets waiting; "" for one that the rules cannot take at all."""
    told = []
    for row in rows:
        low = max(0, min(row - AMONG // 2, len(view.tickets) - AMONG))
        near = view.tickets[low : low + AMONG]
        there = [as_party(one, whole, now_ms=now_ms) for one in near]
        parties = [party for party in there if party is not None]
        mine = view.tickets[row].id
        known = any(party.id == mine for party in parties)
        told.append(kept_away(whole, mine, parties, now_ms / 1000).sentence() if known else "")
    return told
