"""What one process counts: its roles' figures, and those that every process has."""

import asyncio
import platform
from functools import cached_property
from importlib import metadata
from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Gauge,
    GCCollector,
    Histogram,
    ProcessCollector,
)

from core.supervise import every

if TYPE_CHECKING:
    from allocator.metrics import AllocatorMetrics
    from fleets.agones.metrics import AgonesMetrics
    from fleets.metrics import FleetMetrics
    from matchmaker.metrics import MatchmakerMetrics

LOOK_S = 0.5
"""Between two looks at how late the event loop is."""

# Seconds. A healthy loop is late by less than a millisecond; at half a second creates are shed.
LAG_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)


class Counted:
    """What this process counts: each package's metrics once, however many roles share them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()

    @cached_property
    def matchmaker(self) -> "MatchmakerMetrics":
        """Of the API and of directors."""
        from matchmaker.metrics import MatchmakerMetrics

        return MatchmakerMetrics(self.registry)

    @cached_property
    def allocator(self) -> "AllocatorMetrics":
        """Of the warm pool and the sessions API."""
        from allocator.metrics import AllocatorMetrics

        return AllocatorMetrics(self.registry)

    @cached_property
    def fleets(self) -> "FleetMetrics":
        """Of the fleets."""
        from fleets.metrics import FleetMetrics

        return FleetMetrics(self.registry)

    @cached_property
    def agones(self) -> "AgonesMetrics":
        """Of the fleets of pods."""
        from fleets.agones.metrics import AgonesMetrics

        return AgonesMetrics(self.registry, self.fleets)


class ProcessMetrics:
    """What every process tells Prometheus, beside its roles' own figures."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.build = Gauge(
            "readyup_build_info",
            "1, with the version that runs and the Python that runs it.",
            ["version", "python"],
            registry=registry,
        )
        self.build.labels(metadata.version("readyup"), platform.python_version()).set(1)
        self.lag_seconds = Histogram(
            "readyup_process_loop_lag_seconds",
            "How late the event loop woke whoever looks twice a second.",
            buckets=LAG_BUCKETS_S,
            registry=registry,
        )
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)

    async def run(self, stop: asyncio.Event) -> None:
        """Measure the loop's lateness until ``stop``."""
        now_s = asyncio.get_running_loop().time
        due_s = now_s()

        async def look() -> None:
            nonlocal due_s
            self.lag_seconds.observe(max(0.0, now_s() - due_s))
            due_s = now_s() + LOOK_S

        await every(LOOK_S, look, stop=stop)
