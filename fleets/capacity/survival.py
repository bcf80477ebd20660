"""How long sessions last: the share of them that outlives each age, those that still run included.

The estimator of Kaplan and Meier (1958) over buckets of ended sessions; a session that runs is
known to have lasted as long as it has, and counts as half at risk in the bucket it is in (the
actuarial rule).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.buckets import Counts, bucket_of, edge_s

Floats = NDArray[np.float64]

NOBODY = 1e-9
"""A smaller share outlives nothing."""


@dataclass(frozen=True, slots=True)
class Survival:
    """A curve; without any ended session it is one throughout, so nobody is expected to end."""

    ages_s: Floats = field(default_factory=lambda: np.array([0.0]))
    shares: Floats = field(default_factory=lambda: np.array([1.0]))

    def share(self, ages_s: Floats) -> Floats:
        """Of all sessions, those that last longer than each age."""
        shares: Floats = np.interp(ages_s, self.ages_s, self.shares)
        return shares

    def still_running(self, ages_s: Floats, after_s: float) -> tuple[float, float]:
        """Of sessions this old now, how many will run after a while: mean and variance.

        One that is older than any before it is taken to go on.
        """
        now = self.share(ages_s)
        later = self.share(ages_s + after_s)
        chances = np.where(now > NOBODY, later / np.maximum(now, NOBODY), 1.0)
        return float(chances.sum()), float((chances * (1.0 - chances)).sum())

    def median_s(self) -> float:
        """The age that half of all sessions reach; infinite while that is not known."""
        below = np.flatnonzero(self.shares <= 0.5)
        return float(self.ages_s[below[0]]) if len(below) else math.inf


def survival(ended: Counts, running_s: Sequence[float] = ()) -> Survival:
    """The curve of sessions that ended, by bucket, and of those that run, by age."""
    if not ended:
        return Survival()
    last = max(ended)
    died = np.zeros(last + 1)
    for bucket, count in ended.items():
        died[bucket] = count
    cut = np.zeros(last + 1)
    for age_s in running_s:
        if (bucket := bucket_of(age_s)) <= last:
            cut[bucket] += 1
    beyond = len(running_s) - cut.sum()
    there = np.cumsum((died + cut)[::-1])[::-1] + beyond
    at_risk = np.maximum(there - cut / 2, 1.0)
    shares = np.cumprod(1.0 - np.minimum(died / at_risk, 1.0))
    ages_s = np.array([edge_s(bucket) for bucket in range(last + 2)])
    return Survival(np.concatenate([[0.0], ages_s]), np.concatenate([[1.0, 1.0], shares]))
