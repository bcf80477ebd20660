"""A forecast on its way through the past: the last hour at once, the last weeks at leisure.

A look at the fleet must not take long, and two weeks are up to 1.2 million bins. So one forecast
begins with the newest of them and is asked meanwhile; a second one begins where the counts do,
goes through some at each look, and takes its place when it has caught up.
"""

import math

from fleets.capacity.history import Floats, History
from fleets.capacity.sizer import Limits, Sizer

AT_ONCE = 600
"""Bins, at most a tenth of a second of work."""

A_STEP = 100
"""Bins that are caught up with together; the other tasks of the process wait so long."""


class Course:
    """Sizers for one lead time."""

    def __init__(self, limits: Limits, past: History, *, lead_s: float) -> None:
        self.lead_s = lead_s
        self._past = past
        self.sizer = Sizer(limits, lead_s=lead_s)
        """Whom to ask."""

        first = math.ceil(past.begin_s() / self.sizer.bin_s)
        self._next = max(first, self._over() - AT_ONCE)
        self._behind = Sizer(limits, lead_s=lead_s) if self._next > first else None
        self._behind_next = first
        self._feed()

    def until_s(self) -> int:
        """Up to when the past is known, in whole seconds since 1970."""
        return int(self._past.end_s())

    def go_on(self, seconds: Floats) -> None:
        """The counts of the next seconds, in order; none is fine too."""
        if len(seconds):
            self._past = self._past.then(self.until_s(), seconds)
        self._feed()
        self._forget()

    def catch_up(self) -> bool:
        """Go through a step of the past that was left out; whether there is more of it."""
        if self._behind is None:
            return False
        count = min(A_STEP, self._next - self._behind_next)
        self._behind.observe(self._past.bins(self._behind_next, count, self.sizer.bin_s))
        self._behind_next += count
        if self._behind_next < self._next:
            return True
        self.sizer, self._behind = self._behind, None
        self._forget()
        return False

    def _over(self) -> int:
        """The number of the first bin that is not over."""
        return math.floor(self._past.end_s() / self.sizer.bin_s)

    def _feed(self) -> None:
        over = max(self._over(), self._next)
        self.sizer.observe(self._past.bins(self._next, over - self._next, self.sizer.bin_s))
        self._next = over

    def _forget(self) -> None:
        if self._behind is None:
            self._past = self._past.since(self._next * self.sizer.bin_s)
