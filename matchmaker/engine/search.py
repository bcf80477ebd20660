"""One pass: from the tickets that wait to the matches that can be made of them now.

A pure function of (pool, rules, now_ms). The longest waiting ticket is served first;
around it the nearest ratings are tried, and a match stands when its best and worst
rating lie within the window of every ticket in it. A ticket for which nothing is found
costs a bounded search and stops nobody else.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from matchmaker.engine.balance import balanced
from matchmaker.engine.pool import PoolView
from matchmaker.engine.quality import PARTIES, SIZES, mean
from matchmaker.engine.receipt import Receipt
from matchmaker.rules.model import Rules
from matchmaker.tickets import OpenMatch, WaitingTicket

NEAREST_MAX = 64
"""Candidates tried around one ticket. Overload sheds quality here, never tickets."""

STEPS_MAX = 400
"""Steps of the search around one ticket before it waits for the next pass."""


_NOBODY: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Found:
    """A match that can be made."""

    teams: tuple[tuple[WaitingTicket, ...], ...]
    """In the order of the rules' teams."""

    spread: float
    """Points between the best and the worst party."""

    gap: float
    """Points between the mean ratings of the strongest and the weakest team."""

    quality: float = 1.0
    """0 to 1; 1 is best."""

    receipt: Receipt | None = None
    of: OpenMatch | None = None
    """The running match that these are newcomers to."""


def search(view: PoolView, rules: Rules, *, now_ms: int, matches_max: int = 256) -> list[Found]:
    """Matches without a common ticket, those of the longest waiting tickets first."""
    if not view.tickets or int(view.size.sum()) < rules.match_size():
        return []
    waited_s = np.maximum(0, now_ms - view.enqueued_ms) / 1000.0
    window = np.minimum(rules.window.end, rules.window.start + rules.window.per_s * waited_s)
    free = view.size <= rules.team_size
    found: list[Found] = []
    for anchor in np.lexsort((np.arange(len(view.tickets)), view.enqueued_ms)):
        if len(found) >= matches_max:
            break
        if free[anchor]:
            rows = _around(int(anchor), view, window, free)
            apart = _apart([int(anchor), *rows], view, now_ms)
            match = _fill(int(anchor), rows, view, window, rules, apart)
            if match is not None:
                members, made = match
                free[members] = False
                found.append(made)
    return found


def _around(anchor: int, view: PoolView, window: np.ndarray, free: np.ndarray) -> list[int]:
    """Free tickets that accept the anchor and that it accepts, nearest rating first."""
    mmr, reach = view.mmr[anchor], window[anchor]
    low = int(np.searchsorted(view.mmr, mmr - reach, side="left"))
    high = int(np.searchsorted(view.mmr, mmr + reach, side="right"))
    # Ratings are sorted, so the nearest candidates are the nearest rows.
    low, high = max(low, anchor - 4 * NEAREST_MAX), min(high, anchor + 4 * NEAREST_MAX)
    rows = np.arange(low, high)
    distance = np.abs(view.mmr[low:high] - mmr)
    fits = free[low:high] & (distance <= window[low:high]) & (rows != anchor)
    nearest = np.lexsort((view.enqueued_ms[low:high][fits], distance[fits]))[:NEAREST_MAX]
    return [int(row) for row in rows[fits][nearest]]


def _apart(rows: list[int], view: PoolView, now_ms: int) -> dict[int, set[int]]:
    """Row to the rows with which it is in no match."""
    found: dict[int, set[int]] = {}
    for row in rows:
        if view.tickets[row].apart:
            for other in rows:
                if other != row and view.tickets[row].keeps_from(view.tickets[other], now_ms):
                    found.setdefault(row, set()).add(other)
                    found.setdefault(other, set()).add(row)
    return found


def _fill(
    anchor: int,
    rows: list[int],
    view: PoolView,
    window: np.ndarray,
    rules: Rules,
    apart: dict[int, set[int]],
) -> tuple[list[int], Found] | None:
    """The first full match around the anchor, depth first, nearest candidates first."""
    wanted = rules.match_size()
    if int(view.size[anchor]) + int(view.size[rows].sum()) < wanted:
        return None  # not enough players in reach, however they are combined
    chosen = [anchor]
    # Each frame: the next candidate to try, players so far, lowest, highest, narrowest window.
    mmr = float(view.mmr[anchor])
    frames = [(0, int(view.size[anchor]), mmr, mmr, float(window[anchor]))]
    for _ in range(STEPS_MAX):
        at, players, low, high, narrowest = frames[-1]
        if players == wanted:
            made = _made([view.tickets[row] for row in chosen], rules, high - low, narrowest)
            if made is not None:
                return chosen, made
            at = len(rows)  # these parties fill no teams; another last one may
        if at < len(rows):
            row = rows[at]
            frames[-1] = (at + 1, players, low, high, narrowest)
            size, rating = int(view.size[row]), float(view.mmr[row])
            lower, higher = min(low, rating), max(high, rating)
            tightest = min(narrowest, float(window[row]))
            fits = players + size <= wanted and higher - lower <= tightest
            if fits and apart.get(row, _NOBODY).isdisjoint(chosen):
                chosen.append(row)
                frames.append((at + 1, players + size, lower, higher, tightest))
            continue
        frames.pop()
        if not frames:
            return None
        chosen.pop()
    return None


def _made(
    parties: list[WaitingTicket], rules: Rules, spread: float, narrowest: float
) -> Found | None:
    split = balanced(parties, teams=len(rules.teams), team_size=rules.team_size)
    if split is None:
        return None
    teams, gap = split
    return Found(tuple(teams), spread, gap, mean(terms(teams, spread, narrowest).values()))


def terms(
    teams: Sequence[Sequence[WaitingTicket]], spread: float, narrowest: float
) -> dict[str, float]:
    """What a match's quality is the mean of; the same as under a rule set that says the same.

    ``narrowest``: of its tickets' windows, in points.
    """
    found = {"rating": max(0.0, 1.0 - spread / narrowest)} if narrowest else {}
    if len(teams) > 1:
        largest = [max((one.size() for one in team), default=0) for team in teams]
        uneven = (max(largest) - min(largest)) / max(*largest, 1)
        found |= {SIZES: 1.0, PARTIES: 1.0 - uneven}
    return found
