"""One term of leadership over one fleet of pods: its mirror, its orders, its size."""

import asyncio
import contextlib
import random
from dataclasses import dataclass

from core.clock import Clock
from core.errors import Exhausted, StoreUnreachable
from core.eventlog import last_id, tail
from core.ids import ServerUid
from core.redis import Store
from fleets.agones.backend import PodServers
from fleets.agones.kube import Kube
from fleets.agones.metrics import AgonesMetrics
from fleets.agones.scale import FleetSize
from fleets.agones.starts import Starts
from fleets.agones.view import PodFleet, PodServer
from fleets.agones.watch import Informer
from fleets.backoff import Backoff
from fleets.capacity.keeper import Keeper
from fleets.counted import CountedSizing, count_servers
from fleets.mirror import RedisMirror
from fleets.orders import Orders
from fleets.ports import Reason
from fleets.reconcile import Reconciler
from fleets.spec import FleetSpec

ALIGN_S = 10.0
"""How often the mirror is compared with the cluster as a whole."""

RETRY_S = 0.5

DEMAND = frozenset(
    {"match.waiting", "room.claimed", "claim.left", "session.moved", "session.ended"}
)
"""Events of the fleet's log that change what servers are wanted for."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """What the fleets of one namespace share."""

    kube: Kube
    servers: Informer[PodServer]
    fleets: Informer[PodFleet]
    metrics: AgonesMetrics


class PodHands:
    """Obeys the allocator's orders for one fleet."""

    def __init__(self, servers: PodServers, size: FleetSize) -> None:
        self._servers = servers
        self._size = size

    async def take(self, uid: ServerUid, claim: str) -> bool:
        return await self._servers.take(uid, claim)

    async def tell(self, uid: ServerUid, letter: str) -> None:
        await self._servers.tell(uid, letter)

    async def give_up(self, uid: ServerUid) -> None:
        view = self._servers.get(uid)
        if view is None:
            return
        self._servers.leaving[uid] = Reason.SCALE
        await self._size.shrink()
        await self._servers.end(view)


class Term:
    """One fleet, from the moment when we lead it. Made anew for each term: nothing is carried."""

    def __init__(
        self,
        spec: FleetSpec,
        cluster: Cluster,
        store: Store,
        *,
        clock: Clock,
        chance: random.Random,
    ) -> None:
        self.began_s = clock.elapsed_s()
        self._spec = spec
        self._cluster = cluster
        self._store = store
        metrics = cluster.metrics
        self._mirror = RedisMirror(store, clock)
        self._servers = PodServers(
            spec, cluster.kube, cluster.servers, metrics=metrics, clock=clock
        )
        there = (view.uid for view in self._servers.observe())
        self._starts = Starts(there, metrics.fleets, clock)
        size = FleetSize(
            spec,
            cluster.kube,
            self._servers,
            cluster.fleets,
            metrics=metrics,
            clock=clock,
            backoff=Backoff(chance, first_s=0.25, most_s=5.0),
        )
        self.sizing = CountedSizing(spec, size, metrics.fleets, clock)
        keeper = Keeper(spec, store, clock, metrics.fleets)
        self._reconciler = Reconciler(spec.name, self.sizing, store, clock, keeper)
        self._orders = Orders(
            spec.name,
            PodHands(self._servers, size),
            store,
            chance=chance,
            at_once=cluster.kube.settings.take_concurrency,
        )

    async def run(self, over: asyncio.Event) -> None:
        """Until ``over``, then show what is left to be shown; a cancelled term says no more."""
        unlisten = self._cluster.servers.listen(self._heard)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._mirror.run(over), name="mirror")
                working = [
                    group.create_task(work, name=f"{name}-{self._spec.name}")
                    for name, work in (
                        ("align", self._align()),
                        ("orders", self._orders.run()),
                        ("reconcile", self._reconcile()),
                        ("demand", self._follow_demand()),
                        ("version", self._show_version()),
                    )
                ]
                await over.wait()
                for task in working:
                    task.cancel()
        finally:
            unlisten()

    def _heard(self, server: PodServer, gone: bool) -> None:
        view = server.view
        if view.fleet != self._spec.name:
            return
        self._starts.heard(view, gone=gone)
        if gone:
            reason = self._servers.leaving.get(view.uid, server.gone_as)
            self._cluster.metrics.fleets.deletes.labels(view.fleet, reason).inc()
            self._mirror.remove(view, reason)
        else:
            self._mirror.put(view)
        self._servers.heard(server, gone)

    async def _reconcile(self) -> None:
        await self._cluster.fleets.synced.wait()
        await self._reconciler.run()

    async def _align(self) -> None:
        """Have the mirror show the cluster, whatever was written to it before or by others."""
        repairs = self._cluster.metrics.mirror_repairs.labels(self._spec.name)
        while True:
            try:
                repairs.inc(await self._mirror.align(self._spec.name, self._servers.observe))
                self._measure()
                await asyncio.sleep(ALIGN_S)
            except (StoreUnreachable, Exhausted):
                await asyncio.sleep(RETRY_S)

    async def _follow_demand(self) -> None:
        """A match that waits, or ends, changes the size at once and not at the next look."""
        key = f"{{f:{self._spec.name}}}:log"
        after = ""
        while not after:
            with contextlib.suppress(StoreUnreachable, Exhausted):
                after = await last_id(self._store, key)
                break
            await asyncio.sleep(RETRY_S)
        async for event in tail(self._store, key, after, asyncio.Event()):
            if event["k"] in DEMAND:
                self._servers.wake()

    async def _show_version(self) -> None:
        """Tell the allocator which version the Fleet starts, whoever applied it."""
        news = asyncio.Event()
        unlisten = self._cluster.fleets.listen(lambda _, __: news.set())
        told: str | None = None
        try:
            await self._cluster.fleets.synced.wait()
            while True:
                news.clear()
                there = {one.name: one.version for one in self._cluster.fleets.values()}
                version = there.get(self._spec.name, told)
                if version == told:
                    await news.wait()
                    continue
                try:
                    await self._store.call("SET", f"{{f:{self._spec.name}}}:version", version or "")
                    told = version
                except (StoreUnreachable, Exhausted):
                    await asyncio.sleep(RETRY_S)
        finally:
            unlisten()

    def _measure(self) -> None:
        count_servers(self._cluster.metrics.fleets, self._spec.name, self._servers.observe())
