"""How far beyond its forecast a load goes, and how often: the margin that experience asks for.

Each forecaster has a histogram of its own past errors, in standard deviations. It begins as
the bell curve, worth so many horizons, and old errors fade; so a margin is neither wider nor
narrower than what really came, bursts that nobody foretold included. Source: Vovk, Gammerman
and Shafer 2005 (conformal prediction), with forgetting as the load may change.
"""

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

EDGES = np.concatenate([[-np.inf], np.arange(0.0, 6.0, 0.1), np.geomspace(6.0, 200.0, 40)])
"""In standard deviations; all that is below the forecast is one."""

BELIEF = 100.0
"""Horizons that the bell curve counts for at the beginning."""

FADING = 4.0
"""Errors fade after so many times the horizons in which one is expected beyond the margin."""


class Surprises:
    """Errors of several forecasters go in; the margin of each comes out."""

    def __init__(self, *, forecasters: int, horizon: int, chance: float) -> None:
        normal = NormalDist()
        below = np.array([normal.cdf(edge) for edge in EDGES] + [1.0])
        self._counts = np.tile(np.diff(below) * BELIEF, (forecasters, 1))
        self._chance = chance
        self._horizon = horizon
        self._fading = min(6000.0, max(300.0, FADING / (1 - chance))) * horizon
        self._worth = 1 / horizon
        """What one more error adds; it grows where all the others should fade."""

        self.margins = np.full(forecasters, normal.inv_cdf(chance))
        """Standard deviations that are enough with the chance, by forecaster."""

    def learn(self, errors: Floats, known: NDArray[np.bool_]) -> None:
        """Errors in standard deviations, a row for each bin; only of forecasters that spoke."""
        at = np.searchsorted(EDGES, errors, side="right") - 1
        np.add.at(self._counts, (np.arange(len(self._counts))[None, :], at), self._worth * known)
        self._worth *= math.exp(len(errors) / self._fading)
        if self._worth > 1e9:
            self._counts /= self._worth * self._horizon
            self._worth = 1 / self._horizon
        self._measure()

    def _measure(self) -> None:
        beyond = np.cumsum(self._counts[:, ::-1], axis=1)[:, ::-1]
        allowed = (1 - self._chance) * beyond[:, 0]
        last = (beyond > allowed[:, None]).sum(axis=1) - 1
        next_up = np.minimum(last + 1, len(EDGES) - 1)
        rows = np.arange(len(beyond))
        more, less = beyond[rows, last], beyond[rows, next_up]
        share = np.log(more / allowed) / np.log(more / np.maximum(less, 1e-3 * allowed) + 1e-9)
        low = np.maximum(EDGES[last], -1.0)
        self.margins = low + np.clip(share, 0.0, 1.0) * (EDGES[next_up] - low)
