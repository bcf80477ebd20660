"""Counts what becomes of fleets: game servers on their way to the mirror, and looks at sizes."""

from collections import Counter

from core.clock import Clock
from core.game_server import ServerView, State
from core.ids import FleetName, ServerUid
from fleets.metrics import FleetMetrics
from fleets.ports import Decision, Demand, Mirror, Reason, Sizing

UP = frozenset({State.READY, State.ALLOCATED, State.RESERVED})


class CountedMirror:
    """A mirror that passes everything on to another."""

    def __init__(self, mirror: Mirror, metrics: FleetMetrics, clock: Clock) -> None:
        self._mirror = mirror
        self._metrics = metrics
        self._clock = clock
        self._states: dict[ServerUid, tuple[FleetName, State]] = {}
        self._was_up: set[ServerUid] = set()

    def put(self, view: ServerView) -> None:
        """Show a server as it is now."""
        if view.uid not in self._states:
            self._metrics.starts.labels(view.fleet).inc()
        if view.state in UP and view.uid not in self._was_up:
            self._was_up.add(view.uid)
            took_s = max(0, self._clock.wall_ms() - view.created_ms) / 1000
            self._metrics.ready_seconds.labels(view.fleet).observe(took_s)
        self._states[view.uid] = (view.fleet, view.state)
        self._count(view.fleet)
        self._mirror.put(view)

    def remove(self, view: ServerView, reason: Reason) -> None:
        """A server is gone."""
        self._was_up.discard(view.uid)
        if self._states.pop(view.uid, None) is not None:
            self._metrics.deletes.labels(view.fleet, reason).inc()
            self._count(view.fleet)
        self._mirror.remove(view, reason)

    def _count(self, fleet: FleetName) -> None:
        """Every state, those without a server too: a gauge that nobody sets keeps its value."""
        there = Counter(state for of, state in self._states.values() if of == fleet)
        for state in State:
            self._metrics.servers.labels(fleet, state).set(there[state])


class CountedSizing:
    """Whoever sizes one fleet, and when that was done last."""

    def __init__(
        self, fleet: FleetName, sizing: Sizing, metrics: FleetMetrics, clock: Clock
    ) -> None:
        self.looked_s: float | None = None
        """When the last look ended, on the clock's elapsed time; None before the first."""

        self._fleet = fleet
        self._sizing = sizing
        self._metrics = metrics
        self._clock = clock

    async def step(self, demand: Demand | None, *, now_ms: int) -> Decision:
        decision = await self._sizing.step(demand, now_ms=now_ms)
        self._metrics.replicas_wanted.labels(self._fleet).set(decision.replicas)
        self.looked_s = self._clock.elapsed_s()
        return decision

    async def changed(self, *, timeout_s: float) -> None:
        await self._sizing.changed(timeout_s=timeout_s)
