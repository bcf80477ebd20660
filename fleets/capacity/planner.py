"""How many servers a fleet should have: a pure function of demand, sessions and costs.

A server that is ordered now is ready after the lead time, and must last until what the next
decision orders is ready too: that is the horizon. Wanted at its end are the sessions that
will still run, and the quantile of new demand at the critical ratio of what a cold start
costs to what an idle server costs (the newsvendor's rule). A server that is free now is kept
while it may be wanted within the horizon: to remove it and order another costs just that
much idle time. Sources: Arrow, Harris and Marschak 1951 (critical ratio); the same rule makes
the oracle of the backtest.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from fleets.capacity.forecast import Demand

LOOKS = 6
"""Instants within the horizon, evenly apart, at which the fleet must suffice; the last is its
end."""

RELUCTANCE = 1.25
"""The margin for keeping a server, in margins for ordering one. Measured: fewer scale actions
by half, and fewer cold starts at the same idle time."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What an operator allows."""

    size_min: int = 0
    size_max: int = 10_000
    ready_min: int = 1
    """Servers kept free whatever the forecast says."""


@dataclass(frozen=True, slots=True)
class Sizing:
    """A decision with what it came from."""

    replicas: int
    wanted: int
    """Servers wanted at the horizon; fewer than ``replicas`` while some are still kept."""

    in_use: int
    still_running: float
    """Of those in use, how many will be at the horizon."""

    expected: float
    """Claims expected until then."""

    margin: float
    """Servers beyond those, against the forecast's own errors."""

    chance: float
    """With which all of it will suffice: the critical ratio."""

    def why(self) -> str:
        """The decision in one sentence."""
        return (
            f"{self.replicas} servers: {self.still_running:.0f} of {self.in_use} in use will still "
            f"be after the lead time, {self.expected:.1f} claims are expected within it, "
            f"and {self.margin:.1f} more make it enough in {self.chance:.2%} of cases"
        )


def critical_ratio(cold_cost: float) -> float:
    """The chance of having enough that is worth its price.

    ``cold_cost``: what one cold start costs, in idle servers over one lead time.
    """
    return cold_cost / (cold_cost + 1.0)


def size_fleet(
    demand: Demand,
    still_running: Sequence[float],
    *,
    size: int,
    in_use: int,
    waiting: int,
    bounds: Bounds,
    doubt: Sequence[float] = (0.0,) * LOOKS,
) -> Sizing:
    """The size a fleet should have now.

    Args:
        demand: Claims over the horizon from now.
        still_running: Of the sessions now running, how many will be at each of the ``LOOKS``.
        size: Servers there are, those that are starting included.
        in_use: Sessions now running.
        waiting: Claims that have no server yet.
        bounds: What an operator allows; a server in use is kept even beyond them.
        doubt: The variance of each of ``still_running``.
    """
    later = still_running[-1]
    enough = max(demand.enough(besides=doubt[-1]), float(bounds.ready_min))
    wanted = math.ceil(later + enough) + waiting
    replicas = wanted
    if wanted < size:
        kept = max(
            running + demand.enough(look / LOOKS, RELUCTANCE, unsure)
            for look, (running, unsure) in enumerate(zip(still_running, doubt, strict=True), 1)
        )
        replicas = max(wanted, min(size, math.ceil(kept) + waiting))
    least = max(bounds.size_min, in_use)
    most = max(bounds.size_max, in_use)
    return Sizing(
        replicas=min(max(replicas, least), most),
        wanted=min(max(wanted, least), most),
        in_use=in_use,
        still_running=later,
        expected=demand.mean,
        margin=enough - demand.mean,
        chance=demand.chance,
    )
