"""The role for pods and an allocator for its fleet in this process, beside a cluster.

The servers are simulated, so nobody plays; matches are claimed from the pool and ended in
it as their sessions would be.
"""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from allocator.handover import Handover
from allocator.metrics import AllocatorMetrics
from allocator.pool import Pool
from allocator.reserve import Reserve
from allocator.sessions import Sessions
from allocator.settings import AllocatorSettings
from core.clock import SystemClock
from core.ids import FleetName
from core.placement import Placement
from core.redis import Store
from fleets.agones.metrics import AgonesMetrics
from fleets.agones.service import AgonesFleets
from fleets.agones.settings import KubernetesSettings
from fleets.metrics import FleetMetrics
from fleets.pod import PodSpec
from fleets.spec import FleetSpec, PortRange
from readyup.wiring.mirrored_servers import MirroredServers
from tests.allocator.worlds import FakeMatches, order
from tests.cluster.gameservers import delete_fleet
from tests.cluster.meddler import Meddler, meddling
from tests.cluster.plane.api import Api
from tests.cluster.plane.plane import Plane
from tests.cluster.seen import Seen, until

ARENA = FleetName("arena-g")
CLOCK = SystemClock()
SPEC = FleetSpec(
    ARENA,
    (),
    PortRange(7000, 8000),
    reserve=4,
    buffer=2,
    size_max=60,
    scale_down_after_s=1.0,
    pod=PodSpec("game:1", node_labels={}, tolerations=(), arch=""),
)


class World(Seen):
    """The role for pods and an allocator for its fleet, beside a cluster."""

    def __init__(self, plane: Plane, api: Api, store: Store, meddler: Meddler) -> None:
        super().__init__(api, store, ARENA)
        self.plane = plane
        self.meddler = meddler
        self.pool = Pool(store, ARENA)
        self.metrics = AgonesMetrics(CollectorRegistry(), FleetMetrics(CollectorRegistry()))
        self.matches = 0

    @classmethod
    @contextlib.asynccontextmanager
    async def beside(cls, plane: Plane, store: Store, folder: Path) -> AsyncIterator["World"]:
        """As long as the block lasts; then its fleet is deleted."""
        async with (
            plane.api() as api,
            meddling(plane, folder) as meddler,
            asyncio.TaskGroup() as group,
        ):
            restarting = group.create_task(restart_what_ends(plane), name="restarts")
            yield cls(plane, api, store, meddler)
            await delete_fleet(api, ARENA)
            restarting.cancel()

    @contextlib.asynccontextmanager
    async def running(self, spec: FleetSpec = SPEC, *, holder: str = "one") -> AsyncIterator[None]:
        fleets = AgonesFleets(
            [spec],
            self.store,
            KubernetesSettings(kubeconfig=str(self.meddler.kubeconfig), request_timeout_s=5.0),
            holder=holder,
            clock=CLOCK,
            chance=random.Random(holder),
            metrics=self.metrics,
        )
        settings = AllocatorSettings(
            ARENA, reserve_rooms=spec.reserve, surplus_patience_ms=1_000, take_patience_ms=3_000
        )
        metrics = AllocatorMetrics(CollectorRegistry())
        handover = Handover(Sessions(self.pool), FakeMatches(), settings, metrics)
        mirrored = MirroredServers(self.store, ARENA)
        reserve = Reserve(self.pool, mirrored, handover, settings, metrics)
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(fleets.run(stop))
            group.create_task(reserve.run(CLOCK, stop))
            try:
                yield
            finally:
                stop.set()

    async def claim(self) -> Placement | None:
        self.matches += 1
        now_ms = CLOCK.wall_ms()
        asked = order(f"m{self.matches}", deadline_ms=now_ms + 60_000)
        return await self.pool.claim(asked, now_ms=now_ms)

    async def end(self, placement: Placement) -> None:
        """As a server that ended its match cleanly and is there for the next."""
        sessions, now_ms = Sessions(self.pool), CLOCK.wall_ms()
        match, server, epoch = placement.match, placement.server, placement.epoch
        await sessions.ack(match, placement.room, server, epoch, now_ms=now_ms)
        await sessions.joined(match, server, epoch, now_ms=now_ms)
        await sessions.release(
            match, placement.room, server, epoch, reason="finished", now_ms=now_ms
        )

    async def full(self, rooms: int = SPEC.reserve) -> None:
        try:
            await until(lambda: self._has_free(rooms))
        except TimeoutError:
            shown = Counter(str(view.state) for view in (await self.mirror()).values())
            free, there = await self.free(), await self.states()
            pytest.fail(f"{free} free; the mirror has {shown}, the API server {there}")

    async def _has_free(self, rooms: int) -> bool:
        return await self.free() == rooms


async def restart_what_ends(plane: Plane) -> None:
    """As the kubelet of Agones' own pods: 1.60's controller panics at a Fleet that was deleted
    while the API server was away.
    """
    while True:
        for name in ("agones-controller", "agones-extensions"):
            if plane.program(name).pid is None:
                plane.restart(name)
        await asyncio.sleep(0.5)
