"""The role ``fleets`` on one machine: its parts, put together, started and ended in order."""

import asyncio
import random
from collections.abc import Sequence

import structlog

from core.clock import Clock
from core.redis import Store
from fleets.local.backend import LocalBackend
from fleets.local.orphans import Registry
from fleets.local.recipe import LocalSettings
from fleets.local.size import SingleServers
from fleets.mirror import RedisMirror
from fleets.orders import Orders
from fleets.ports import ServerStates
from fleets.reconcile import Reconciler
from fleets.spec import FleetSpec

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
    ) -> None:
        self._specs = tuple(specs)
        self._store = store
        self._states = states
        self._settings = settings
        self._clock = clock
        self._chance = chance

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
                mirror,
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
        sizing = SingleServers(spec, backend, self._clock)
        return Reconciler(spec.name, sizing, self._store, self._clock)

    def _orders(self, spec: FleetSpec, backend: LocalBackend) -> Orders:
        return Orders(spec.name, backend, self._store, chance=self._chance)
