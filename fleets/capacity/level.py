"""The load as it is now: levels and trends of many memories, weighed by how well each foretold.

A level is a mean that forgets; a trend adds its slope (Brown's double smoothing). A short
memory follows a burst within seconds, a long one knows a steady load nearly exactly. Each
foretells the next bin, and its weight is the likelihood of what came then, of late, as Poisson
counts have it. Sources: Brown 1963 (double exponential smoothing); Raftery, Karny and Ettler
2010 (dynamic model averaging: weights by likelihood, with forgetting).
"""

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEVELS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
TRENDS = (3.0, 6.0, 12.0, 24.0, 48.0)
"""Memories, in horizons."""

JUDGED_OVER = 8.0
"""Horizons after which an expert's hit or miss is nearly forgotten."""

TREND_NOISE = 2.5
"""A trend's own variance, beside that of a level with the same memory: see Brown."""


class Level:
    """Counts of equal bins go in; the mean and the variance of the next horizon come out."""

    def __init__(self, horizon: int) -> None:
        self.horizon = horizon
        """Bins that are foretold."""

        self.mean = 0.5
        self.variance = 2.0
        """Of the claims in the horizon that begins now: the chance in them, what each expert
        cannot know, and how far they disagree."""

        self._seen = 0
        memories = np.array(LEVELS + TRENDS) * horizon
        self._shares = 1 / (memories + 1)
        self._grown_up = int(memories.max()) + 1
        self._fast = np.zeros(len(memories))
        self._slow = np.zeros(len(memories))
        self._foretold = np.full(len(memories), 0.5 / horizon)
        self._score = np.zeros(len(memories))
        self._keep = math.exp(-1 / (JUDGED_OVER * horizon))
        self._noise = horizon * self._shares / (2 - self._shares)
        self._noise[len(LEVELS) :] = TREND_NOISE * horizon * self._shares[len(LEVELS) :]
        self._steepness = self._shares / (1 - self._shares)
        self._floor = 0.02 / horizon

    def observe(self, count: float) -> None:
        """One more bin is over."""
        self._seen += 1
        self._judge(count)
        shares, noise, steepness = self._shares, self._noise, self._steepness
        if self._seen < self._grown_up:
            # Who has seen less than its memory holds takes the mean of all it saw.
            shares = np.minimum(np.maximum(shares, 1 / (self._seen + 0.5)), 0.6)
            noise = np.maximum(noise, self.horizon / self._seen)
            steepness = shares / (1 - shares)
        self._fast += shares * (count - self._fast)
        self._slow += shares * (self._fast - self._slow)
        rates = self._fast.copy()
        lead = (self._fast - self._slow)[len(LEVELS) :]
        rates[len(LEVELS) :] += lead
        slopes = lead * steepness[len(LEVELS) :]
        means = rates * self.horizon
        means[len(LEVELS) :] += slopes * (self.horizon * (self.horizon + 1) / 2)
        np.maximum(means, 0.0, out=means)
        rates[len(LEVELS) :] += slopes
        np.maximum(rates, self._floor, out=self._foretold)
        self._agree(means, noise)

    def _judge(self, count: float) -> None:
        """Add what each expert gave the count: its Poisson likelihood."""
        self._score *= self._keep
        if count:
            self._score += count * np.log(self._foretold)
        self._score -= self._foretold

    def _agree(self, means: Floats, noise: Floats) -> None:
        """The weighed mean, and the variance of the mixture."""
        weights = np.exp(self._score - self._score.max())
        weights /= weights.sum()
        weighed = weights * means
        self.mean = float(weighed.sum())
        doubt = float(weighed @ (means + noise)) - self.mean * self.mean
        self.variance = self.mean + max(0.0, doubt) + 0.25
