"""When a possible match is good enough to be made: one number for an operator.

Cost balancing: a match is made once what its players have waited reaches a share of what
the match still lacks. With a dial of ``wait_s`` = 20, players of a match with quality 0.9
have waited 2 s on average when it is made. Whoever is in a thin pool has nothing to wait
for and is matched at once.
Sources: Liu, Zhang, Zhang, arXiv 2601.21858 (cost balancing); arXiv 2206.10287 (thin
markets).
"""

from dataclasses import dataclass

import numpy as np

from core.errors import Invalid
from matchmaker.engine.columns import Floats, Mask

THIN = 4.0
"""A part of the pool with players for fewer matches than this is thin."""


@dataclass(frozen=True, slots=True)
class Dial:
    """How long a player waits on average rather than play a match of quality 0."""

    wait_s: float = 0.0
    """Seconds; 0 makes every match at the first instant that the rules allow it."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.wait_s <= 3600.0:
            raise Invalid(f"{self.wait_s:g} is outside 0 to 3600 seconds", field="$.wait_s")

    def commits(self, waited_s: Floats, quality: Floats, matches: Floats) -> Mask:
        """Which matches are made now.

        ``waited_s``: the players' mean wait. ``matches``: how many such matches there are
        players for.
        """
        good: Mask = waited_s >= self.wait_s * (1.0 - quality) - 1e-9
        return good | (matches < THIN)


NOW = Dial()
"""Nothing is held back."""


def mean_wait_s(at_s: Floats, sizes: Floats, now_s: float) -> Floats:
    """By match, from when each party came and how many it is; 0 for nobody."""
    waited = np.maximum(0.0, now_s - at_s) * sizes
    mean: Floats = waited.sum(axis=1) / np.maximum(sizes.sum(axis=1), 1)
    return mean
