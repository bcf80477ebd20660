"""What the hour adds: the mistakes made at the same time of earlier rounds of the clock.

A tournament at every full hour is a surprise once. What was missed then is remembered, and
added to the forecast one period later, if it was more than chance. Every period is tried at
once; which of them to believe is decided elsewhere, by how well each would have done.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

HOUR_S = 3600.0
PERIODS_H = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 24.0, 168.0)
"""Rounds of the clock that people plan by."""

ROUNDS = 4
"""Earlier rounds of a period that are looked at, if they are known."""

KEPT_H = 15 * 24.0
"""Mistakes are kept so long: two weeks and a day."""

BEYOND_CHANCE = 3.0
"""Standard deviations; smaller mistakes are taken for chance and not repeated."""


class Seasons:
    """Mistakes by bin go in; corrections by period come out."""

    def __init__(self, *, bin_s: float, horizon: int) -> None:
        bins = np.array([round(hours * HOUR_S / bin_s) for hours in PERIODS_H])
        # A shorter period would need mistakes whose horizon is not over.
        self.periods = bins[bins >= 4 * horizon]
        """In bins."""

        self._ago = self.periods[:, None, None] * np.arange(1, ROUNDS + 1)[None, :, None]
        self._kept = max(1, round(KEPT_H * HOUR_S / bin_s))
        self._missed = np.zeros(self._kept)
        self._beyond = np.zeros(self._kept)
        self._known = 0
        """Bins whose mistakes are known; the oldest are overwritten."""

    def learn(self, missed: Floats, beyond: Floats) -> None:
        """The mistakes of the next bins, in claims and in standard deviations."""
        at = np.arange(self._known, self._known + len(missed)) % self._kept
        self._missed[at] = missed
        self._beyond[at] = beyond
        self._known += len(missed)

    def corrections(self, first: int, count: int) -> tuple[Floats, NDArray[np.bool_]]:
        """By period, for so many bins from ``first``, and which periods have been seen once."""
        bins = np.arange(first, first + count)[None, None, :] - self._ago
        known = (bins >= 0) & (bins < self._known) & (bins >= self._known - self._kept)
        bins %= self._kept
        rounds = known.sum(axis=1)
        many = np.maximum(rounds, 1)
        missed = np.where(known, self._missed[bins], 0.0).sum(axis=1) / many
        beyond = np.where(known, self._beyond[bins], 0.0).sum(axis=1) / np.sqrt(many)
        missed[np.abs(beyond) < BEYOND_CHANCE] = 0.0
        return missed, rounds.min(axis=1) > 0
