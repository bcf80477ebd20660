"""The last ten minutes of a measurement, by the second, with exact percentiles."""

import math
from array import array
from collections.abc import Iterable, Sequence

KEPT_S = 600
"""Seconds kept; as long as the page's charts reach back."""

PER_SECOND_MAX = 2_000
"""Samples kept of one second, so that a flood costs at most 10 MB. Counts stay exact."""


def quantile(ordered: Sequence[float], q: float) -> float | None:
    """The nearest-rank quantile of sorted samples: a value that was really measured.

    >>> quantile([1.0, 2.0, 3.0, 4.0], 0.5)
    2.0
    >>> quantile([], 0.5) is None
    True
    """
    if not ordered:
        return None
    return ordered[max(0, math.ceil(q * len(ordered)) - 1)]


def quantiles(samples: Iterable[float], qs: Sequence[float]) -> tuple[float | None, ...]:
    """Several quantiles of unsorted samples; all None when there are none."""
    ordered = sorted(samples)
    return tuple(quantile(ordered, q) for q in qs)


class Window:
    """Samples in buckets of one second, the newest ``KEPT_S`` of them.

    Seconds are those of the samples' own timestamps, so reading late changes nothing.
    """

    def __init__(self) -> None:
        self._samples: dict[int, array[float]] = {}
        self._counts: dict[int, int] = {}
        self._newest_s = 0

    def add(self, t_ms: int, value: float) -> None:
        """Take a sample; one older than the window is forgotten at once."""
        second = t_ms // 1000
        if second <= self._newest_s - KEPT_S:
            return
        if second > self._newest_s:
            self._newest_s = second
            self._forget(second - KEPT_S)
        bucket = self._samples.setdefault(second, array("d"))
        if len(bucket) < PER_SECOND_MAX:
            bucket.append(value)
        self._counts[second] = self._counts.get(second, 0) + 1

    def count(self, end_s: int, span_s: int) -> int:
        """How many samples the ``span_s`` seconds before ``end_s`` brought."""
        return sum(self._counts.get(s, 0) for s in range(end_s - span_s, end_s))

    def samples(self, end_s: int, span_s: int) -> list[float]:
        """The samples of the ``span_s`` seconds before ``end_s``, in no order."""
        found: list[float] = []
        for second in range(end_s - span_s, end_s):
            if (bucket := self._samples.get(second)) is not None:
                found.extend(bucket)
        return found

    def oldest_s(self) -> int | None:
        """The first second that holds a sample; None while there is none."""
        return min(self._counts, default=None)

    def _forget(self, until_s: int) -> None:
        # The newest second moves by one nearly always; after a gap there is more to drop.
        for second in [s for s in self._counts if s <= until_s]:
            del self._counts[second]
            self._samples.pop(second, None)
