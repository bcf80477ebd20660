"""How many claims will come within the horizon, and how wrong that may be: no clock, no chance.

Three questions, a room for each. How is the load now: ``level``. What does the hour add:
``seasons``. How often was all this wrong, and by how much: ``surprises``. The forecast as the
level has it, and the same corrected by each period, compete; their past errors weigh them.
"""

import functools
import math
from collections import deque
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from fleets.capacity.level import Level
from fleets.capacity.seasons import Seasons
from fleets.capacity.surprises import Surprises

Floats = NDArray[np.float64]

BLOCKS = 3
"""Errors are learnt from so many times in a horizon, together: often enough, and cheap."""

ERROR_MAX = 10.0
"""Standard deviations; a worse error weighs no more, or one would decide for good."""

HEADROOM = 1.1
"""The highest demand that is prepared for, in the highest seen."""

JUDGED_OVER_S = 86_400.0
"""Forecasters are weighed by the errors of about one day."""


@dataclass(frozen=True, slots=True)
class Demand:
    """Claims over one horizon, as a distribution."""

    mean: float
    variance: float

    deviations: float
    """Standard deviations above the mean that are enough, before the skew of counts."""

    chance: float
    """With which they are."""

    highest: float = math.inf
    """The most claims of any horizon lately. No surprise leads beyond, only the bell curve."""

    def enough(self, share: float = 1.0, widened: float = 1.0, besides: float = 0.0) -> float:
        """Servers that suffice for the first part of the horizon.

        The quantile of a negative binomial (Cornish-Fisher, first term); ``widened`` is a
        factor of the margin above the mean. ``besides`` is the variance of what else is wanted
        by then and independent of it.
        """
        mean = max(self.mean * share, 1e-9)
        variance = max(self.variance * share, mean)
        margin = _margin(mean, variance, self.deviations)
        if mean + margin > self.highest * share:
            bell = _margin(mean, variance, min(self.deviations, _bell(self.chance)))
            margin = max(bell, self.highest * share - mean)
        if besides:
            margin = math.hypot(max(margin, 0.0), _bell(self.chance) * math.sqrt(besides))
        return max(0.0, mean + widened * margin)


def _margin(mean: float, variance: float, deviations: float) -> float:
    skew = min((2 * variance - mean) / mean, 3 * math.sqrt(variance))
    return deviations * math.sqrt(variance) + (deviations * deviations - 1) / 6 * skew


@functools.cache
def _bell(chance: float) -> float:
    return NormalDist().inv_cdf(chance)


@dataclass(slots=True)
class _Block:
    """What was said in some bins one after another."""

    corrections: Floats
    """A row for each forecaster, of which the first corrects nothing; a column for each bin."""

    known: NDArray[np.bool_]
    means: list[float]
    variances: list[float]

    def said(self) -> Floats:
        """The claims foretold, a row for each bin."""
        return np.maximum(np.array(self.means)[:, None] + self.corrections.T, 0.0)


class Forecast:
    """Counts in bins of equal width go in; the demand over a number of bins comes out."""

    def __init__(self, *, bin_s: float, horizon: int, chance: float) -> None:
        self._horizon = horizon
        self._chance = chance
        self._size = max(1, horizon // BLOCKS)
        self._level = Level(horizon)
        self._seasons = Seasons(bin_s=bin_s, horizon=horizon)
        forecasters = 1 + len(self._seasons.periods)
        self._surprises = Surprises(forecasters=forecasters, horizon=horizon, chance=chance)
        self._keep = math.exp(-self._size * bin_s / JUDGED_OVER_S)
        self._score = np.zeros(forecasters)
        self._highest = 0.0
        self._claims: deque[float] = deque([0.0], maxlen=horizon + 2 * self._size + 1)
        """Up to the end of each of the last bins."""

        self._seen = 0
        self._blocks: deque[_Block] = deque()
        self._weights = np.zeros(forecasters)
        self._deviations = 0.0
        self._begin()

    def observe(self, count: float) -> None:
        """One more bin is over."""
        if len(self._blocks[-1].means) == self._size:
            self._learn()
            self._begin()
        self._claims.append(self._claims[-1] + count)
        self._seen += 1
        self._level.observe(count)
        block = self._blocks[-1]
        block.means.append(self._level.mean)
        block.variances.append(self._level.variance)

    def demand(self) -> Demand:
        """Claims over the horizon that begins now."""
        mean, variance = self._level.mean, self._level.variance
        at = len(self._blocks[-1].means) - 1
        if self._corrects and at >= 0:
            said = np.maximum(mean + self._blocks[-1].corrections[:, at], 0.0)
            mean = float(self._weights @ said)
            variance += max(0.0, float(self._weights @ (said * said)) - mean * mean)
        return Demand(mean, variance, self._deviations, self._chance, self._highest * HEADROOM)

    def _begin(self) -> None:
        """Open the next block, with what the hour will add in it."""
        added, known = self._seasons.corrections(self._seen, self._size)
        corrections = np.vstack([np.zeros(self._size), added])
        known = np.concatenate([[True], known])
        self._blocks.append(_Block(corrections, known, [], []))
        score = np.where(known, self._score, -np.inf)
        weights = np.exp(score - score.max())
        self._weights = weights / weights.sum()
        self._deviations = float(self._weights @ self._surprises.margins(self._level.mean))
        self._corrects = bool(corrections.any())

    def _learn(self) -> None:
        """Hold what was said against what came, once its horizon is over."""
        first = self._seen - sum(len(block.means) for block in self._blocks)
        if first + self._size - 1 + 1 + self._horizon > self._seen:
            return
        block = self._blocks.popleft()
        claims = np.array(self._claims)
        here = len(claims) - 1 - (self._seen - first) + 1 + np.arange(self._size)
        came = claims[here + self._horizon] - claims[here]
        self._highest = max(self._highest * self._keep, float(came.max()))
        variances = np.array(block.variances)
        deviations = np.sqrt(variances)
        errors = (came[:, None] - block.said()) / deviations[:, None]
        lost = np.minimum(errors * errors, ERROR_MAX**2).sum(axis=0) / (2 * self._horizon)
        self._score *= self._keep
        self._score -= np.where(block.known, lost, lost[0])
        self._seasons.learn(errors[:, 0] * deviations, errors[:, 0])
        means = np.array(block.means)
        self._surprises.learn(means, _unskewed(errors, means, variances), block.known)


def _unskewed(errors: Floats, means: Floats, variances: Floats) -> Floats:
    """Errors as if the counts were symmetric: what ``Demand.enough`` skews, turned back."""
    deviations = np.sqrt(variances)
    skews = np.minimum((2 * variances - means) / np.maximum(means, 0.25) / deviations, 3.0)
    skew = skews[:, None]
    root = np.sqrt(np.maximum(1 + 2 * skew / 3 * (errors + skew / 6), 0.0))
    unskewed: Floats = (root - 1) / (skew / 3)
    return unskewed
