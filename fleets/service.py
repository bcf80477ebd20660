"""The role ``fleets`` on one machine: its parts, put together, started and ended in order."""

import asyncio
import random
from collections.abc import Sequence

import structlog
from prometheus_client import CollectorRegistry

from core.clock import Clock
from core.health import Condition
from core.ids import FleetName
from core.redis import Store
from fleets.capacity.keeper import Keeper
from fleets.counted import CountedMirror, CountedSizing
from fleets.local.backend import LocalBackend
from fleets.local.orphans import Registry
from fleets.local.recipe import LocalSettings
from fleets.local.size import SingleServers
from fleets.metrics import FleetMetrics
from fleets.mirror import RedisMirror
from fleets.orders import Orders
from fleets.ports import ServerStates
from fleets.reconcile import Reconciler
from fleets.spec import FleetSpec

LOOKED_S = 10.0
"""A fleet that was not looked at for so long is looked after by nobody."""

log = structlog.get_logger("readyup.fleets")


class LocalFleets:
    """Fleets of local processes. ``run`` is the service; it must be on the main thread."""

    def __init__(
        self,
        specs: Sequence[FleetSpec],
        store: Store,
        states: ServerStates,
        settings: LocalSettings,
        *,
        clock: Clock,
        chance: random.Random,
        metrics: FleetMetrics | None = None,
    ) -> None:
        self._metrics = metrics or FleetMetrics(CollectorRegistry())
        self._sizings: dict[FleetName, CountedSizing] = {}
        self._specs = tuple(specs)
        self._store = store
        self._states = states
        self._settings = settings
        self._clock = clock
        self._chance = chance

    def condition(self) -> Condition:
        """Ready while every fleet was looked at a moment ago."""
        now_s = self._clock.elapsed_s()
        looked = {name: sizing.looked_s for name, sizing in self._sizings.items()}
        if len(looked) < len(self._specs) or None in looked.values():
            return Condition(ready=False, says="takes its first look")
        late = [name for name, at_s in looked.items() if now_s - (at_s or 0.0) > LOOKED_S]
        says = f"no look for {LOOKED_S:g} s at {', '.join(late)}" if late else "reconciles"
        return Condition(not late, says)

    async def run(self, stop: asyncio.Event) -> None:
        """Keep the fleets until ``stop``, then end every server, each within its grace.

        Raises:
            Conflict: another fleets role lives in the same run folder.
            StoreUnreachable: the store was not there at the start.
        """
        registry = Registry(self._settings.run_dir / "servers")
        try:
            orphans = registry.sweep()
            mirror = RedisMirror(self._store, self._clock)
            shown = [await mirror.clear(spec.name) for spec in self._specs]
            if orphans or any(shown):
                log.info("predecessor.cleared", processes=orphans, servers=sum(shown))
            backend = LocalBackend(
                self._states,
                CountedMirror(mirror, self._metrics, self._clock),
                registry,
                self._settings,
                clock=self._clock,
                chance=self._chance,
            )
            await self._serve(backend, mirror, stop)
        finally:
            registry.close()

    async def _serve(self, backend: LocalBackend, mirror: RedisMirror, stop: asyncio.Event) -> None:
        leave, done = asyncio.Event(), asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(mirror.run(done), name="mirror")
            servers = group.create_task(backend.run(leave), name="servers")
            async with asyncio.TaskGroup() as loops:
                working = [
                    loops.create_task(work, name=name)
                    for spec in self._specs
                    for name, work in (
                        (f"reconcile-{spec.name}", self._reconciler(spec, backend).run()),
                        (f"orders-{spec.name}", self._orders(spec, backend).run()),
                    )
                ]
                await stop.wait()
                # Nothing they hold half-done outlives them, so they need no grace.
                for task in working:
                    task.cancel()
            leave.set()
            await servers
            done.set()

    def _reconciler(self, spec: FleetSpec, backend: LocalBackend) -> Reconciler:
        sizing = CountedSizing(
            spec, SingleServers(spec, backend, self._clock), self._metrics, self._clock
        )
        self._sizings[spec.name] = sizing
        keeper = Keeper(spec, self._store, self._clock, self._metrics)
        return Reconciler(spec.name, sizing, self._store, self._clock, keeper)

    def _orders(self, spec: FleetSpec, backend: LocalBackend) -> Orders:
        return Orders(spec.name, backend, self._store, chance=self._chance)
