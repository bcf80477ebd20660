"""Claims of the past as one rising line, of which bins of any width can be read off."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class History:
    """Claims up to each instant; between two instants they are taken to have come evenly."""

    at_s: Floats
    claims: Floats

    @classmethod
    def begin(cls, minutes: Mapping[int, int], end_s: int) -> "History":
        """From counts by the minute, beginning with the first that has any, up to an instant."""
        if not minutes:
            return cls(np.array([float(end_s)]), np.array([0.0]))
        at_s = np.arange(min(minutes), end_s + 1, 60, dtype=np.float64)
        counts = np.array([minutes.get(int(second), 0) for second in at_s[:-1]])
        return cls(at_s, np.concatenate([[0.0], np.cumsum(counts)]))

    def known(self) -> bool:
        """Whether there is any past."""
        return len(self.at_s) > 1

    def begin_s(self) -> float:
        return float(self.at_s[0])

    def end_s(self) -> float:
        """Up to when everything is known."""
        return float(self.at_s[-1])

    def then(self, from_s: int, seconds: Floats) -> "History":
        """The same, and what came in each of the next seconds."""
        before = self if self.known() else History(np.array([float(from_s)]), np.array([0.0]))
        at_s = from_s + 1 + np.arange(len(seconds), dtype=np.float64)
        claims = before.claims[-1] + np.cumsum(seconds)
        return History(np.concatenate([before.at_s, at_s]), np.concatenate([before.claims, claims]))

    def since(self, from_s: float) -> "History":
        """Without what was long before an instant."""
        first = max(0, int(np.searchsorted(self.at_s, from_s, side="right")) - 1)
        return History(self.at_s[first:], self.claims[first:])

    def bins(self, first: int, count: int, width_s: float) -> Floats:
        """Claims in bins of equal width, of which number n begins at n widths since 1970."""
        edges = np.interp((first + np.arange(count + 1)) * width_s, self.at_s, self.claims)
        counts: Floats = np.diff(edges)
        return counts
