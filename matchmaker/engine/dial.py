"""When a possible match is good enough to be made: one number for an operator.

Cost balancing: a match is made once what its players have waited reaches a share of what
the match still lacks. With a dial of ``wait_s`` = 20, players of a match with quality 0.9
have waited 2 s on average when it is made. Where too few would come in the meantime there
is nothing to wait for, and the match is made at once.
Sources: Liu, Zhang, Zhang, arXiv 2601.21858 (cost balancing); arXiv 2206.10287 (thin
markets).
"""

import math
from dataclasses import dataclass

import numpy as np

from core.errors import Invalid
from matchmaker.engine.columns import Floats, Mask

THIN = 1.0
"""Matches' worth of newcomers; a match is not held back for fewer."""

REMEMBERED_S = 60
"""Seconds over which arrivals are counted."""


class Arrivals:
    """How many players come in a second, from when those came who were added."""

    def __init__(self) -> None:
        self._players: dict[int, int] = {}
        """By second."""

    def note(self, at_s: float, players: int) -> None:
        """Somebody came."""
        second = math.floor(at_s)
        self._players[second] = self._players.get(second, 0) + players
        if len(self._players) > 2 * REMEMBERED_S:
            kept = sorted(self._players)[-REMEMBERED_S:]
            self._players = {second: self._players[second] for second in kept}

    def per_s(self, now_s: float) -> float:
        """Players a second, over the last minute or since the first came."""
        since = now_s - REMEMBERED_S
        recent = {at: number for at, number in self._players.items() if since <= at <= now_s}
        if not recent:
            return 0.0
        return sum(recent.values()) / max(1.0, now_s - min(recent))


@dataclass(frozen=True, slots=True)
class Steadily:
    """Arrivals at a rate that somebody else has counted."""

    players_per_s: float

    def note(self, at_s: float, players: int) -> None:
        """Somebody came, and is counted already."""

    def per_s(self, now_s: float) -> float:
        """Players a second."""
        return self.players_per_s


@dataclass(frozen=True, slots=True)
class Dial:
    """How long a player waits on average rather than play a match of quality 0."""

    wait_s: float = 0.0
    """Seconds; 0 makes every match at the first instant that the rules allow it."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.wait_s <= 3600.0:
            raise Invalid(f"{self.wait_s:g} is outside 0 to 3600 seconds", field="$.wait_s")

    def bar_s(self, quality: float) -> float:
        """What the players of a match must have waited on average, where others still come."""
        return self.wait_s * (1.0 - quality)

    def commits(self, waited_s: Floats, quality: Floats, matches_per_s: Floats) -> Mask:
        """Which matches are made now.

        ``waited_s``: the players' mean wait. ``matches_per_s``: for how many matches players
        of the same kind come each second.
        """
        held_s = self.wait_s * (1.0 - quality) - waited_s
        made: Mask = (held_s <= 1e-9) | (held_s * matches_per_s < THIN)
        return made


NOW = Dial()
"""Nothing is held back."""


def mean_wait_s(at_s: Floats, sizes: Floats, now_s: float) -> Floats:
    """By match, from when each party came and how many it is; 0 for nobody."""
    waited = np.maximum(0.0, now_s - at_s) * sizes
    mean: Floats = waited.sum(axis=1) / np.maximum(sizes.sum(axis=1), 1)
    return mean
