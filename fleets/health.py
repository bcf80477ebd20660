"""When a silent game server counts as dead."""

from dataclasses import dataclass
from typing import Annotated

import msgspec

Positive = Annotated[int, msgspec.Meta(ge=1, le=10_000)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]


@dataclass(frozen=True, slots=True)
class Health:
    """When a silent game server counts as Unhealthy; the names and defaults are Agones' own."""

    period_s: Seconds = 5.0
    """Seconds within which a health ping is expected."""

    failure_threshold: Positive = 3
    """Periods in a row without a ping after which the server is Unhealthy."""

    initial_delay_s: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 5.0
    """Seconds after the start during which nobody counts."""

    def as_tuple(self) -> tuple[float, int, float]:
        """As the SDK server takes it."""
        return (self.period_s, self.failure_threshold, self.initial_delay_s)
