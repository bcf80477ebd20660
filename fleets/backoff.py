"""How long to wait before the next try: longer each time, never at the same moment as others."""

import random
from dataclasses import dataclass


@dataclass(slots=True)
class Backoff:
    """Doubles from ``first_s`` to ``most_s``; each wait is between half of that and all of it."""

    chance: random.Random
    first_s: float = 0.1
    most_s: float = 20.0
    tries: int = 0
    """Waits since the last success."""

    def wait_s(self, *, at_least_s: float = 0.0) -> float:
        """How long to wait now. ``at_least_s`` is what the other side asked for."""
        ceiling_s = min(self.most_s, self.first_s * 2.0**self.tries)
        self.tries = min(self.tries + 1, 32)
        return max(at_least_s, ceiling_s * self.chance.uniform(0.5, 1.0))

    def reset(self) -> None:
        """It went well: the next wait is short again."""
        self.tries = 0
