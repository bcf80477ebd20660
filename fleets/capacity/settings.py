"""What an operator may choose about a fleet's size by forecast."""

from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

Mode = Literal["act", "recommend", "off"]

LOCAL_LEAD_S = 5.0
POD_LEAD_S = 90.0
"""Until it was measured: a process of this machine, and a pod whose node has its image."""


@dataclass(frozen=True, slots=True)
class CapacitySettings:
    """One fleet's table `[fleets.NAME.capacity]`."""

    mode: Mode = "act"
    """`act` sizes the fleet by forecast, with `reserve` and `buffer` as the least that is kept
    free. `recommend` only stores what it would do, and `off` is as if the table were not there."""

    cold_cost: Annotated[float, msgspec.Meta(ge=0.001, le=1e9)] = 1000.0
    """What a match that has to wait for a server costs, in idle servers over one lead time:
    higher means fewer cold starts and more idle servers. `readyup capacity backtest --sweep`
    shows the bargain."""

    lead_time_s: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 0.0
    """From ordering a server to its being Ready, until ten starts were measured. 0 = five
    seconds on one machine, ninety for pods."""

    def lead_s(self, *, pods: bool) -> float:
        """The lead time until one is measured."""
        return self.lead_time_s or (POD_LEAD_S if pods else LOCAL_LEAD_S)
