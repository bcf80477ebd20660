"""Counts what becomes of fleets: game servers on their way to the mirror, and looks at sizes."""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from core.clock import Clock
from core.game_server import Pinned, ServerView, State, pinned_states
from core.ids import FleetName, ServerUid
from fleets.metrics import FleetMetrics
from fleets.ports import Decision, Demand, Mirror, Reason, Sizing
from fleets.spec import FleetSpec

UP = frozenset({State.READY, State.ALLOCATED, State.RESERVED})


class CountedMirror:
    """A mirror that passes everything on to another."""

    def __init__(self, mirror: Mirror, metrics: FleetMetrics, clock: Clock) -> None:
        self._mirror = mirror
        self._metrics = metrics
        self._clock = clock
        self._views: dict[ServerUid, ServerView] = {}
        self._was_up: set[ServerUid] = set()

    def put(self, view: ServerView) -> None:
        """Show a server as it is now."""
        if view.uid not in self._views:
            self._metrics.starts.labels(view.fleet).inc()
        if view.state in UP and view.uid not in self._was_up:
            self._was_up.add(view.uid)
            took_s = max(0, self._clock.wall_ms() - view.created_ms) / 1000
            self._metrics.ready_seconds.labels(view.fleet).observe(took_s)
        self._views[view.uid] = view
        self._count(view.fleet)
        self._mirror.put(view)

    def remove(self, view: ServerView, reason: Reason) -> None:
        """A server is gone."""
        self._was_up.discard(view.uid)
        if self._views.pop(view.uid, None) is not None:
            self._metrics.deletes.labels(view.fleet, reason).inc()
            self._count(view.fleet)
        self._mirror.remove(view, reason)

    def _count(self, fleet: FleetName) -> None:
        there = [view for view in self._views.values() if view.fleet == fleet]
        count_servers(self._metrics, fleet, there)


def count_servers(metrics: FleetMetrics, fleet: FleetName, servers: Collection[ServerView]) -> None:
    """Every state, those without a server too: a gauge that nobody sets keeps its value."""
    states = Counter(view.state for view in servers)
    for state in State:
        metrics.servers.labels(fleet, state).set(states[state])
    pinned = Counter(pinned_states(servers).values())
    for known in Pinned:
        metrics.servers_pinned.labels(fleet, known).set(pinned[known])


def count_decision(metrics: FleetMetrics, fleet: FleetName, told: Mapping[str, Any]) -> None:
    """A decision of the capacity plan, as ``{f:F}:decisions`` keeps it."""
    for family, parts in (
        (metrics.decision_servers, ("there", "in_use", "recommended", "ready_target")),
        (metrics.decision_rooms, ("reserve_target", "waiting", "expected", "margin")),
        (metrics.decision_seconds, ("lead_s", "refill_s", "horizon_s")),
    ):
        for part in parts:
            family.labels(fleet, part).set(told[part])


class CountedSizing:
    """Whoever sizes one fleet, and when that was done last."""

    def __init__(
        self, spec: FleetSpec, sizing: Sizing, metrics: FleetMetrics, clock: Clock
    ) -> None:
        self.looked_s: float | None = None
        """When the last look ended, on the clock's elapsed time; None before the first."""

        self._fleet = spec.name
        self._sizing = sizing
        self._metrics = metrics
        self._clock = clock
        if spec.replicas is None:
            metrics.replicas_max.labels(spec.name).set(spec.ceiling())

    async def step(self, demand: Demand | None, *, now_ms: int) -> Decision:
        decision = await self._sizing.step(demand, now_ms=now_ms)
        self._metrics.replicas_wanted.labels(self._fleet).set(decision.replicas)
        if demand is not None:
            self._metrics.decided.labels(self._fleet).set(now_ms / 1000)
        self.looked_s = self._clock.elapsed_s()
        return decision

    async def changed(self, *, timeout_s: float) -> None:
        await self._sizing.changed(timeout_s=timeout_s)
