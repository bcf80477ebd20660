"""One fleet's size by forecast, as the service has it: the backtest's planner, fed with the past.

A function of the counts that went in and of the facts of the moment, so two processes that read
the same store come to the same size.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fleets.capacity.events import Event
from fleets.capacity.forecast import Forecast
from fleets.capacity.planner import LOOKS, Bounds, Sizing, critical_ratio, size_fleet
from fleets.capacity.survival import Survival

BINS = 18
"""Bins of one lead time, of a second at least."""

STEPS_PER_DOUBLING = 2
"""Lead times are planned with in steps, so that the forecast need not begin anew with each start
that took a little longer."""

STEP_SPARE = 2 ** (1 / 4)
"""A shorter step is gone back to when a lead time longer by so much would still fit it: one on
the edge, measured now on this side and now on that, stays with the longer. Who begins anew has
no longer one, and may be a step below until the lead time has moved."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a fleet's settings allow and ask for."""

    size_min: int
    size_max: int
    rooms: int
    """Matches that one server hosts at a time."""

    free_min: int
    """Rooms kept free whatever the forecast says."""

    reserve_min: int
    """Of those, rooms kept claimed."""

    cold_cost: float


@dataclass(frozen=True, slots=True)
class Facts:
    """A fleet at one moment."""

    size: int
    """Servers that were wanted last, or are there."""

    in_use: int
    """Servers with a session."""

    waiting: int = 0
    """Matches in line for a room."""

    ages_s: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    """Of the sessions that run."""

    refill_s: float = 1.0
    """From asking for a Ready server to its rooms being free in the reserve."""

    survival: Survival = field(default_factory=Survival)
    event: Event | None = None
    """What an operator announced, while its servers are wanted."""


@dataclass(frozen=True, slots=True)
class Target:
    """A size: ``replicas`` = in use + reserve + ready, in servers, where each hosts one match."""

    replicas: int
    reserve_rooms: int
    """Free rooms to be kept claimed."""

    ready: int
    """Servers Ready behind them."""

    sizing: Sizing
    """In rooms."""


class Sizer:
    """Forecasts over one lead time."""

    def __init__(self, limits: Limits, *, lead_s: float) -> None:
        self.lead_s = lead_s
        self.bin_s = max(1.0, lead_s / BINS)
        bins = math.ceil(lead_s / self.bin_s) + 1
        self.horizon_s = bins * self.bin_s
        self._limits = limits
        chance = critical_ratio(limits.cold_cost)
        self._forecast = Forecast(bin_s=self.bin_s, horizon=bins, chance=chance)

    def observe(self, counts: Sequence[float] | NDArray[np.float64]) -> None:
        """Claims of the next bins that are over."""
        for count in counts:
            self._forecast.observe(float(count))

    def target(self, facts: Facts) -> Target:
        """The size that the fleet should have now."""
        limits, rooms = self._limits, self._limits.rooms
        demand = self._forecast.demand()
        looks = [self.horizon_s * look / LOOKS for look in range(1, LOOKS + 1)]
        running = [facts.survival.still_running(facts.ages_s, after_s) for after_s in looks]
        event_min = facts.event.servers if facts.event else 0
        sizing = size_fleet(
            demand,
            [mean for mean, _ in running],
            size=facts.size * rooms,
            in_use=len(facts.ages_s),
            waiting=facts.waiting,
            bounds=Bounds(
                size_min=max(limits.size_min, event_min) * rooms,
                size_max=limits.size_max * rooms,
                ready_min=limits.free_min,
            ),
            doubt=[variance for _, variance in running],
        )
        replicas = max(math.ceil(sizing.replicas / rooms), facts.in_use)
        replicas = min(replicas, max(limits.size_max, facts.in_use))
        free = max(0, replicas * rooms - len(facts.ages_s))
        soon = demand.enough(min(1.0, facts.refill_s / self.horizon_s))
        reserve = min(free, max(math.ceil(soon), limits.reserve_min))
        return Target(replicas, reserve, (free - reserve) // rooms, sizing)


def lead_step_s(lead_s: float, before_s: float = 0.0) -> float:
    """The lead time that is planned with: the next step that is no shorter.

    ``before_s`` is the step that was planned with until now.
    """
    step_s = _step_s(lead_s)
    return step_s if step_s >= before_s else min(before_s, _step_s(STEP_SPARE * lead_s))


def _step_s(lead_s: float) -> float:
    steps = math.ceil(STEPS_PER_DOUBLING * math.log2(max(lead_s, 1.0)) - 1e-9)
    return float(2 ** (steps / STEPS_PER_DOUBLING))
