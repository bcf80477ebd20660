"""How far beyond its forecast a load goes, and how often: the margin that experience asks for.

Each forecaster has histograms of its own past errors, in standard deviations, one for each
octave of the load: a burst that breaks out of a calm says nothing of what follows the burst.
They begin as the bell curve, worth so many horizons, and old errors fade; so a margin is
neither wider nor narrower than what really came, bursts that nobody foretold included.
Source: Vovk, Gammerman and Shafer 2005 (conformal prediction), with forgetting as the load may
change.
"""

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

EDGES = np.concatenate([[-np.inf], np.arange(0.0, 6.0, 0.1), np.geomspace(6.0, 200.0, 40)])
"""In standard deviations; all that is below the forecast is one."""

OCTAVES = 20
"""Up to a million claims in one horizon."""

BELIEF = 100.0
"""Horizons that the bell curve counts for at the beginning."""

FADING = 4.0
"""Errors fade after so many times the horizons in which one is expected beyond the margin."""

FADED = 1e9
"""An old error against a new one; long before that, numbers would lose digits."""


class Surprises:
    """Errors of several forecasters go in; the margin of each comes out."""

    def __init__(self, *, forecasters: int, horizon: int, chance: float) -> None:
        normal = NormalDist()
        below = np.array([normal.cdf(edge) for edge in EDGES] + [1.0])
        bell = np.diff(below) * BELIEF
        self._counts = np.tile(bell, (OCTAVES, forecasters, 1))
        self._chance = chance
        self._horizon = horizon
        self._fading = min(6000.0, max(300.0, FADING / (1 - chance))) * horizon
        self._worth = 1 / horizon
        """What one more error adds; it grows where all the others should fade."""

    def learn(self, means: Floats, errors: Floats, known: NDArray[np.bool_]) -> None:
        """Errors in standard deviations, a row for each bin; only of forecasters that spoke.

        ``means`` are the claims that the first of them foretold.
        """
        at = np.searchsorted(EDGES, errors, side="right") - 1
        forecasters = np.arange(errors.shape[1])
        where = (_octaves(means)[:, None], forecasters[None, :], at)
        np.add.at(self._counts, where, self._worth * known)
        self._worth *= math.exp(len(errors) / self._fading)
        if self._worth > FADED:
            self._counts /= self._worth * self._horizon
            self._worth = 1 / self._horizon

    def margins(self, mean: float) -> Floats:
        """Standard deviations that are enough with the chance, by forecaster."""
        counts = self._counts[_octaves(np.array([mean]))[0]]
        beyond = np.cumsum(counts[:, ::-1], axis=1)[:, ::-1]
        allowed = (1 - self._chance) * beyond[:, 0]
        last = (beyond > allowed[:, None]).sum(axis=1) - 1
        next_up = np.minimum(last + 1, len(EDGES) - 1)
        rows = np.arange(len(beyond))
        more, less = beyond[rows, last], beyond[rows, next_up]
        share = np.log(more / allowed) / np.log(more / np.maximum(less, 1e-3 * allowed) + 1e-9)
        low = np.maximum(EDGES[last], -1.0)
        margins: Floats = low + np.clip(share, 0.0, 1.0) * (EDGES[next_up] - low)
        return margins


def _octaves(means: Floats) -> NDArray[np.int64]:
    return np.minimum(np.log2(means + 1.0).astype(np.int64), OCTAVES - 1)
