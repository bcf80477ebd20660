"""How good a queue's matches were lately, and what the rules had given up for them."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from matchmaker.engine.receipt import Receipt
from readyup.console.window import quantile

RECENT = 100
"""Matches that are looked at, the newest."""

BINS = 10
RELAXED_MAX = 6


@dataclass(frozen=True, slots=True)
class Relaxed:
    """A property of the rules that an expansion had changed, e.g. ``near.maxLatency``."""

    what: str
    to: str
    """Its value, or the least and the greatest: ``120 to 220``."""

    matches: int
    """Of those looked at, in how many it was so."""


@dataclass(frozen=True, slots=True)
class Goodness:
    """The quality of recent matches, 0 to 1, 1 best."""

    matches: int
    counts: tuple[int, ...]
    """Matches by tenth: the first has quality below 0.1."""

    p10: float
    p50: float
    p90: float
    relaxed: tuple[Relaxed, ...]
    """The most frequent first."""


def goodness(receipts: Collection[Receipt]) -> Goodness | None:
    """Of some matches; None where there is none."""
    if not receipts:
        return None
    bins = Counter(min(BINS - 1, int(one.quality * BINS)) for one in receipts)
    ordered = sorted(one.quality for one in receipts)
    p10, p50, p90 = (quantile(ordered, share) or 0.0 for share in (0.1, 0.5, 0.9))
    return Goodness(
        matches=len(receipts),
        counts=tuple(bins[n] for n in range(BINS)),
        p10=p10,
        p50=p50,
        p90=p90,
        relaxed=tuple(_relaxed(receipts)),
    )


def _relaxed(receipts: Collection[Receipt]) -> Iterator[Relaxed]:
    values: dict[str, list[str]] = {}
    for one in receipts:
        for words in one.in_force:
            what, _, value = words.rpartition(" is ")
            values.setdefault(what, []).append(value)
    for what in sorted(values, key=lambda one: -len(values[one]))[:RELAXED_MAX]:
        yield Relaxed(what, _range(values[what]), len(values[what]))


def _range(values: list[str]) -> str:
    """From the least to the greatest; what is no number is told as it was last."""
    try:
        numbers = [float(value) for value in values]
    except ValueError:
        return values[-1]
    low, high = f"{min(numbers):.4g}", f"{max(numbers):.4g}"
    return low if low == high else f"{low} to {high}"
