"""The role ``fleets`` in a cluster: any number of processes, one of them looks after each fleet.

All follow the cluster, so whoever is next to lead knows it already. The one that holds a
fleet's lease writes its mirror, obeys its orders and sets its size; the servers themselves
run on whatever becomes of us.
"""

import asyncio
import contextlib
import random
from collections.abc import Sequence

import structlog

from core.clock import Clock
from core.errors import Exhausted, StoreUnreachable
from core.health import Condition
from core.ids import FleetName
from core.lease import RENEW_S, Lease
from core.redis import Store
from fleets.agones.autoscaler import StoredPlans
from fleets.agones.backend import AGONES
from fleets.agones.kube import Kube, namespaced
from fleets.agones.metrics import AgonesMetrics
from fleets.agones.settings import KubernetesSettings
from fleets.agones.term import Cluster, Term
from fleets.agones.tls import serve_tls
from fleets.agones.view import PodFleet, PodServer, pod_fleet, pod_server
from fleets.agones.watch import Informer, Kind
from fleets.agones.webhooks import webhooks_app
from fleets.spec import FleetSpec

LOOKED_S = 10.0
"""A fleet that was not looked at for so long is looked after by nobody."""

ASK_S = 0.5
"""How often one that does not lead asks for the lease."""

log = structlog.get_logger("readyup.fleets")


class AgonesFleets:
    """Fleets of pods. ``run`` is the service."""

    def __init__(
        self,
        specs: Sequence[FleetSpec],
        store: Store,
        settings: KubernetesSettings,
        *,
        holder: str,
        clock: Clock,
        chance: random.Random,
        metrics: AgonesMetrics,
    ) -> None:
        self._specs = tuple(specs)
        self._store = store
        self._settings = settings
        self._holder = holder
        self._clock = clock
        self._chance = chance
        self._metrics = metrics
        self._cluster: Cluster | None = None
        self._terms: dict[FleetName, Term] = {}

    def condition(self) -> Condition:
        """Ready while the cluster is known, and every fleet we lead was looked at lately."""
        if self._cluster is None or not self._cluster.servers.synced.is_set():
            return Condition(ready=False, says="lists the cluster")
        if not self._terms:
            return Condition(ready=True, says="follows; another process leads")
        now_s = self._clock.elapsed_s()
        late = [
            name
            for name, term in self._terms.items()
            if now_s - (term.sizing.looked_s or term.began_s) > LOOKED_S
        ]
        says = f"no look for {LOOKED_S:g} s at {', '.join(late)}" if late else "reconciles"
        return Condition(not late, says)

    async def run(self, stop: asyncio.Event) -> None:
        """Look after the fleets until ``stop``; their servers stay.

        Raises:
            Invalid: there are no credentials for the API server, or wrong ones.
        """
        async with Kube.open(self._settings, self._metrics) as kube:
            cluster = self._cluster = self._of(kube)
            async with asyncio.TaskGroup() as group:
                following = [
                    group.create_task(cluster.servers.run(), name="watch-gameservers"),
                    group.create_task(cluster.fleets.run(), name="watch-fleets"),
                    group.create_task(self._webhooks(), name="webhooks"),
                ]
                async with asyncio.TaskGroup() as terms:
                    for spec in self._specs:
                        terms.create_task(self._keep(spec, cluster, stop), name=f"keep-{spec.name}")
                for task in following:
                    task.cancel()

    async def _keep(self, spec: FleetSpec, cluster: Cluster, stop: asyncio.Event) -> None:
        """Lead whenever the lease can be had, until ``stop``; then give it up."""
        key = f"{{f:{spec.name}}}"
        lease = Lease(self._store, f"{key}:keeper", f"{key}:log", self._holder, self._clock)
        while not stop.is_set():
            with contextlib.suppress(StoreUnreachable, Exhausted):
                if cluster.servers.synced.is_set() and await lease.renew():
                    await self._lead(spec, cluster, lease, stop)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ASK_S):
                    await stop.wait()
        with contextlib.suppress(StoreUnreachable, Exhausted):
            await lease.give_up()

    async def _lead(
        self, spec: FleetSpec, cluster: Cluster, lease: Lease, stop: asyncio.Event
    ) -> None:
        log.info("fleet.led", fleet=spec.name, epoch=lease.epoch)
        leads = self._metrics.leads.labels(spec.name)
        leads.set(1)
        over = asyncio.Event()
        term = Term(spec, cluster, self._store, clock=self._clock, chance=self._chance)
        self._terms[spec.name] = term
        try:
            async with asyncio.TaskGroup() as group:
                working = group.create_task(term.run(over), name=f"term-{spec.name}")
                await self._hold(lease, stop)
                if stop.is_set():  # the last words are ours to say; else somebody else's
                    over.set()
                    await asyncio.wait([working])
                working.cancel()
        finally:
            del self._terms[spec.name]
            leads.set(0)
            log.info("fleet.left", fleet=spec.name, epoch=lease.epoch)

    async def _hold(self, lease: Lease, stop: asyncio.Event) -> None:
        """Return when the lease is lost, or ``stop`` is set."""
        epoch = lease.epoch
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RENEW_S):
                    await stop.wait()
            with contextlib.suppress(StoreUnreachable, Exhausted):
                if await lease.renew() != epoch:
                    return
            if not lease.leads():
                return

    async def _webhooks(self) -> None:
        settings = self._settings
        if settings.webhook_port:
            plans = StoredPlans(self._specs, self._store, self._clock, namespace=settings.namespace)
            await serve_tls(webhooks_app(plans), settings)

    def _of(self, kube: Kube) -> Cluster:
        def path(plural: str) -> str:
            return namespaced(AGONES, self._settings.namespace, plural)

        servers: Informer[PodServer] = Informer(
            kube,
            Kind("gameservers", path("gameservers"), pod_server),
            chance=self._chance,
            metrics=self._metrics,
        )
        fleets: Informer[PodFleet] = Informer(
            kube,
            Kind("fleets", path("fleets"), pod_fleet),
            chance=self._chance,
            metrics=self._metrics,
        )
        return Cluster(kube, servers, fleets, self._metrics)
