"""One outage of whatever a loop depends on: told when it begins, and when it is over."""

from core.clock import Clock


class Outage:
    """Of one dependency, as one loop sees it: whoever fails four times a second says so once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since_s: float | None = None

    def begins(self) -> bool:
        """It failed. True for the first time since it worked."""
        first = self._since_s is None
        if first:
            self._since_s = self._clock.elapsed_s()
        return first

    def ends(self) -> float | None:
        """It worked. How long it had not, in seconds; None when it had."""
        if self._since_s is None:
            return None
        away_s, self._since_s = self._clock.elapsed_s() - self._since_s, None
        return round(away_s, 1)
