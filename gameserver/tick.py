"""The fixed-rate loop of a game server, which measures its own lateness.

Tick ``n`` is due at ``start + n / rate``, so lateness never adds up. After a stall one tick
runs at once and the missed ones are skipped and counted: catching up would make the next
ticks late as well.
"""

import asyncio
import itertools
from array import array
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TickFigures:
    """How punctual the ticks of the last ``window_s`` were."""

    p50_ms: float
    p99_ms: float
    p999_ms: float
    """Lateness: from when a tick was due to when it began."""

    instability: float
    """Instability Ratio, see ``instability_ratio``; 0 is a metronome."""

    rate_hz: float
    """What the loop aims at."""

    skipped: int
    """Ticks that never ran, since the start."""


@dataclass(frozen=True, slots=True)
class Pace:
    """When each tick is due, and which comes after one that ran. Pure."""

    start_s: float
    rate_hz: float

    def due_s(self, tick: int) -> float:
        """When a tick should begin, on the clock of ``start_s``."""
        return self.start_s + tick / self.rate_hz

    def after(self, tick: int, now_s: float) -> int:
        """The next tick once ``tick`` has ended: the first that is not overdue by a period.

        >>> Pace(0.0, 10.0).after(3, now_s=0.35)
        4
        >>> Pace(0.0, 10.0).after(3, now_s=0.95)
        9
        """
        return max(tick + 1, int((now_s - self.start_s) * self.rate_hz))


def instability_ratio(intervals_s: list[float], period_s: float) -> float:
    """Jitter from one tick to the next, normalised to the length of what was watched.

    ``ISR = sum(|t_i - t_(i-1)|) / (2 * b * N)``, where ``t_i`` is the time from the start of
    tick ``i`` to the start of the next, ``b`` the period and ``N`` how many ticks were expected
    in that time. It is 0 when all intervals are alike and nears 1 when a few long stalls hold
    all of it. After the Instability Ratio of Meterstick (Eickhoff, Donkervliet, Iosup: ICPE
    2023), which takes a tick's duration, never below ``b``, for ``t_i``: what we take adds the
    lateness of waking up, which players feel alike.

    >>> instability_ratio([0.05, 0.05, 0.05], 0.05)
    0.0
    """
    expected = sum(intervals_s) / period_s
    if expected == 0:
        return 0.0
    steps = itertools.pairwise(intervals_s)
    return sum(abs(after - before) for before, after in steps) / (2 * period_s * expected)


class Lateness:
    """The last ``size`` ticks: two rings of floats, sorted only when somebody asks."""

    def __init__(self, size: int) -> None:
        self._late_s = array("d", bytes(8 * size))
        self._interval_s = array("d", bytes(8 * size))
        self.size = size
        self._count = 0
        self._began = 0

    def began(self, interval_s: float) -> None:
        """A tick began this long after the one before."""
        self._interval_s[self._began % self.size] = interval_s
        self._began += 1

    def late(self, late_s: float) -> None:
        """A tick began this late, or did not run and would have begun this late."""
        self._late_s[self._count % self.size] = late_s
        self._count += 1

    def figures(self, rate_hz: float, skipped: int) -> TickFigures:
        """The window's figures, in ms."""
        late = sorted(self._late_s[: min(self._count, self.size)])
        return TickFigures(
            p50_ms=_quantile_ms(late, 0.5),
            p99_ms=_quantile_ms(late, 0.99),
            p999_ms=_quantile_ms(late, 0.999),
            instability=round(instability_ratio(self._intervals(), 1 / rate_hz), 5),
            rate_hz=rate_hz,
            skipped=skipped,
        )

    def _intervals(self) -> list[float]:
        """In the order they were measured."""
        if self._began <= self.size:
            return list(self._interval_s[: self._began])
        oldest = self._began % self.size
        return list(self._interval_s[oldest:] + self._interval_s[:oldest])


def _quantile_ms(in_order_s: list[float], share: float) -> float:
    """Nearest rank: the smallest value that at least ``share`` of all do not exceed."""
    if not in_order_s:
        return 0.0
    rank = -int(-share * len(in_order_s) // 1)  # ceiling
    return round(1000 * in_order_s[max(rank, 1) - 1], 3)


class TickLoop:
    """Calls a function ``rate_hz`` times a second, on the running loop's clock."""

    def __init__(self, rate_hz: float = 60.0, *, window_s: float = 30.0) -> None:
        self.rate_hz = rate_hz
        self.skipped = 0
        """Ticks left out because the process was late by more than a period."""

        self._lateness = Lateness(max(2, round(rate_hz * window_s)))

    def figures(self) -> TickFigures:
        """How punctual the last ``window_s`` were; costs about 0.2 ms."""
        return self._lateness.figures(self.rate_hz, self.skipped)

    async def run(self, tick: Callable[[int], None], stop: asyncio.Event) -> None:
        """Call ``tick(n)`` with a rising number (with gaps where ticks were skipped) until stop.

        What ``tick`` raises ends the loop.
        """
        time_s = asyncio.get_running_loop().time
        pace = Pace(time_s(), self.rate_hz)
        n, before_s = 0, None
        while not stop.is_set():
            now_s = time_s()
            self._lateness.late(now_s - pace.due_s(n))
            if before_s is not None:
                self._lateness.began(now_s - before_s)
            before_s = now_s
            tick(n)
            now_s = time_s()
            after = pace.after(n, now_s)
            self._skip(range(n + 1, after), pace, now_s)
            n = after
            await asyncio.sleep(max(0.0, pace.due_s(n) - now_s))

    def _skip(self, missed: range, pace: Pace, now_s: float) -> None:
        """A skipped tick counts as late as if it began now: no stall hides behind one tick."""
        self.skipped += len(missed)
        for tick in missed[-self._lateness.size :]:
            self._lateness.late(now_s - pace.due_s(tick))
