"""A cluster in this process, the role beside it, and an allocator that claims from it."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
from prometheus_client import CollectorRegistry

from allocator.handover import Handover
from allocator.metrics import AllocatorMetrics
from allocator.pool import Pool
from allocator.reserve import Reserve
from allocator.sessions import Sessions
from allocator.settings import AllocatorSettings
from core.clock import SystemClock
from core.game_server import ServerView
from core.ids import FleetName
from core.lua import as_json
from core.redis import Store
from fleets.agones.metrics import AgonesMetrics
from fleets.agones.service import AgonesFleets
from fleets.agones.settings import KubernetesSettings
from fleets.metrics import FleetMetrics
from fleets.pod import PodSpec
from fleets.spec import FleetSpec, PortRange
from readyup.wiring.mirrored_servers import MirroredServers
from tests.allocator.worlds import FakeMatches
from tests.fleets.agones.api_server import FLEETS, SERVERS, FakeApi, game_server

ARENA = FleetName("arena")


def arena(**changes: Any) -> FleetSpec:  # noqa: ANN401 - fields of a spec
    spec: dict[str, Any] = {
        "name": ARENA,
        "command": (),
        "ports": PortRange(7000, 8000),
        "reserve": 2,
        "buffer": 1,
        "size_max": 20,
        "scale_down_after_s": 0.2,
        "pod": PodSpec("game:1", priority_class=""),
    }
    return FleetSpec(**{**spec, **changes})


class World:
    """A cluster whose controller keeps each fleet's size, and a store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.api = FakeApi()
        self.metrics = AgonesMetrics(CollectorRegistry(), FleetMetrics(CollectorRegistry()))
        self.made = 0

    async def control(self) -> None:
        """As Agones' controller does: only what is not Allocated is deleted for the size."""
        while True:
            await asyncio.sleep(0.05)  # Agones thinks in several steps, each in its own time
            fleet = self.api.objects.get(FLEETS, {}).get(ARENA)
            if fleet is None:
                continue
            there = self.api.objects.setdefault(SERVERS, {})
            missing = int(fleet["spec"].get("replicas", 0)) - len(there)
            for _ in range(missing):
                self.made += 1
                self.api.put(SERVERS, game_server(f"arena-{self.made}"))
            idle = [name for name, one in there.items() if one["status"]["state"] == "Ready"]
            for name in idle[: max(0, -missing)]:
                self.api.delete(SERVERS, name)

    def replicas(self) -> int:
        fleet = self.api.objects.get(FLEETS, {}).get(ARENA, {"spec": {}})
        return int(fleet["spec"].get("replicas", -1))

    def claims(self) -> dict[str, str]:
        """Server to the claim that it carries."""
        return {
            name: one["metadata"]["labels"]["readyup/claim"]
            for name, one in self.api.objects.get(SERVERS, {}).items()
            if "readyup/claim" in one["metadata"]["labels"]
        }

    async def mirror(self) -> dict[str, ServerView]:
        shown = await self.store.call("HVALS", "{f:arena}:backend")
        views = [_view(text) for text in shown if text.startswith("{")]
        return {view.name: view for view in views}

    async def shows(self, count: int) -> bool:
        """Whether so many servers are in the mirror."""
        return len(await self.mirror()) == count

    async def deleted(self) -> dict[str, str]:
        entries = await self.store.call("XRANGE", "{f:arena}:log", "-", "+")
        events = [(f["k"], msgspec.json.decode(f["d"])) for _, f in entries]
        return {one["name"]: one["reason"] for k, one in events if k == "server.deleted"}

    async def order(self, kind: str, **fields: str) -> None:
        said = ("XADD", "{f:arena}:orders", "*", "k", kind, "d", as_json(fields))
        await self.store.call(*said)


_view = msgspec.json.Decoder(ServerView).decode


@contextlib.asynccontextmanager
async def role(
    world: World, spec: FleetSpec, *, holder: str = "one", seed: int = 1
) -> AsyncIterator[AgonesFleets]:
    fleets = AgonesFleets(
        [spec],
        world.store,
        KubernetesSettings(),
        holder=holder,
        clock=SystemClock(),
        chance=random.Random(seed),
        metrics=world.metrics,
    )
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(fleets.run(stop))
        try:
            yield fleets
        finally:
            stop.set()
            if asyncio.current_task().cancelling():  # type: ignore[union-attr]  # there is one
                running.cancel()


async def until(seen: Callable[[], Awaitable[object] | object]) -> None:
    async with asyncio.timeout(10):
        while True:
            found = seen()
            if await found if isinstance(found, Awaitable) else found:
                return
            await asyncio.sleep(0.01)


def reserve_of(world: World, *, rooms: int = 2) -> Reserve:
    settings = AllocatorSettings(ARENA, reserve_rooms=rooms, surplus_patience_ms=100)
    pool = Pool(world.store, ARENA)
    metrics = AllocatorMetrics(CollectorRegistry())
    handover = Handover(Sessions(pool), FakeMatches(), settings, metrics)
    return Reserve(pool, MirroredServers(world.store, ARENA), handover, settings, metrics)


@contextlib.asynccontextmanager
async def refilled(world: World, *, rooms: int = 2) -> AsyncIterator[Pool]:
    """An allocator that keeps the reserve."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        reserve = reserve_of(world, rooms=rooms)
        group.create_task(reserve.run(SystemClock(), stop))
        try:
            yield Pool(world.store, ARENA)
        finally:
            stop.set()
