"""How long a ticket will wait: Kaplan-Meier over a bounded, mergeable histogram of waits.

A ticket that gave up would have waited longer, nobody knows how long: it is censored, not
left out, else a queue that loses everybody after ten seconds would look like a quick one.
(Kaplan and Meier, "Nonparametric Estimation from Incomplete Observations", 1958.) Bins grow
by a quarter of a doubling, so an answer is within a fifth, from a quarter of a second to
hours, in 64 numbers. Pure.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 64
FIRST_MS = 250.0
"""Waits up to here are one bin."""

PER_DOUBLING = 4

MATCHED_MIN = 20
"""Matches below which nothing is estimated."""

AT_RISK_MIN = 5
"""Where fewer tickets than this waited so long, nothing is known of what comes after."""

EVERY = "all"
"""The stratum of all tickets of a queue."""


def bin_of(wait_ms: float) -> int:
    """The bin of a wait; ``queue.lua`` counts into the same.

    >>> [bin_of(ms) for ms in (0, 249, 250, 499, 500, 10**9)]
    [0, 0, 1, 4, 5, 63]
    """
    if wait_ms < FIRST_MS:
        return 0
    return min(BINS - 1, 1 + math.floor(PER_DOUBLING * math.log2(wait_ms / FIRST_MS) + 1e-9))


def edge_ms(n: int) -> float:
    """Where bin ``n`` ends."""
    return FIRST_MS * math.exp2(n / PER_DOUBLING)


class Waits:
    """Counts of waits by bin: of those that ended in a match, and of those that gave up."""

    def __init__(self) -> None:
        self.matched: NDArray[np.int64] = np.zeros(BINS, dtype=np.int64)
        self.censored: NDArray[np.int64] = np.zeros(BINS, dtype=np.int64)

    def add(self, n: int, count: int, *, matched: bool) -> None:
        """Count some waits that ended in bin ``n``."""
        (self.matched if matched else self.censored)[n] += count


def strata(
    slots: Iterable[Mapping[str, str]], waiting: Iterable[tuple[int, int]]
) -> dict[str, Waits]:
    """Waits by party size, and of all: what the scripts counted, and who waits now.

    ``slots`` have fields ``SIZE:BIN:m`` (matched) or ``SIZE:BIN:g`` (gave up); of those who
    wait, sizes and ages in milliseconds.
    """
    found: dict[str, Waits] = {EVERY: Waits()}

    def count(size: str, n: int, many: int, *, matched: bool) -> None:
        for stratum in (EVERY, size):
            found.setdefault(stratum, Waits()).add(n, many, matched=matched)

    for slot in slots:
        for field, many in slot.items():
            size, n, end = field.split(":")
            count(size, int(n), int(many), matched=end == "m")
    for party, age_ms in waiting:
        count(str(party), bin_of(age_ms), 1, matched=False)
    return found


def survival(waits: Waits) -> list[float]:
    """The share that still waits at each bin's end; it ends where too few waited so long.

    Within a bin matches come before those who give up, as the estimator has it for ties.
    Empty when there were too few matches to say anything.
    """
    if waits.matched.sum() < MATCHED_MIN:
        return []
    at_risk = (waits.matched + waits.censored)[::-1].cumsum()[::-1]
    known = at_risk >= AT_RISK_MIN
    hazard = waits.matched[known] / at_risk[known]
    return [float(share) for share in np.cumprod(1.0 - hazard)]


@dataclass(frozen=True, slots=True)
class Estimate:
    """Within how many more seconds half of such tickets have a match, and nine in ten."""

    p50: float
    p90: float | None
    """None where too few waited so long for anybody to know."""


def remaining(curve: Sequence[float], waited_ms: float) -> Estimate | None:
    """What is left to wait for a ticket that has waited so long; None when nothing is known."""
    left = _share_at(curve, waited_ms)
    if left is None or left <= 0.0:
        return None
    p50, p90 = (_when_ms(curve, left * (1.0 - share)) for share in (0.5, 0.9))
    if p50 is None:
        return None
    return Estimate(_seconds(p50 - waited_ms), None if p90 is None else _seconds(p90 - waited_ms))


def _seconds(ms: float) -> float:
    return round(max(0.0, ms) / 1000.0, 1)


def _share_at(curve: Sequence[float], at_ms: float) -> float | None:
    """The share that still waits at a moment, along a straight line within its bin."""
    n = bin_of(at_ms)
    if n >= len(curve):
        return None
    begins_ms, before = (edge_ms(n - 1), curve[n - 1]) if n else (0.0, 1.0)
    part = (at_ms - begins_ms) / (edge_ms(n) - begins_ms)
    return before + (curve[n] - before) * min(1.0, part)


def _when_ms(curve: Sequence[float], share: float) -> float | None:
    """When no more than ``share`` still wait; None when that was not seen."""
    before, begins_ms = 1.0, 0.0
    for n, after in enumerate(curve):
        if after <= share:
            part = (before - share) / (before - after) if before > after else 0.0
            return begins_ms + part * (edge_ms(n) - begins_ms)
        before, begins_ms = after, edge_ms(n)
    return None
