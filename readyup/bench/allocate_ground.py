"""A benchmark's fleets in a cluster: made, brought back to Ready, deleted."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator

from prometheus_client import CollectorRegistry

from core.errors import NotFound, Unreachable
from core.game_server import State
from fleets.agones.backend import AGONES
from fleets.agones.kube import Kube, Object, namespaced
from fleets.agones.manifests import apply
from fleets.agones.metrics import AgonesMetrics
from fleets.agones.settings import KubernetesSettings
from fleets.agones.view import FLEET_LABEL
from fleets.metrics import FleetMetrics
from fleets.spec import FleetSpec

READY_S = 2.0
"""Patience for each server; a loaded machine of two cores needs a quarter of a second."""

AT_ONCE = 16


def say(how_far: str) -> None:
    """Tell whoever waits at a terminal how far it is."""
    print(how_far, file=sys.stderr, flush=True)


@contextlib.asynccontextmanager
async def ground(settings: KubernetesSettings) -> AsyncIterator["Ground"]:
    """The cluster; fleets made there are gone when the block is left."""
    metrics = AgonesMetrics(CollectorRegistry(), FleetMetrics(CollectorRegistry()))
    async with Kube.open(settings, metrics) as kube:
        here = Ground(kube)
        try:
            yield here
        finally:
            await here.clear()


class Ground:
    """Speaks to the API server for the benchmark, never while something is timed."""

    def __init__(self, kube: Kube) -> None:
        self.kube = kube
        self._fleets: set[str] = set()

    async def make(self, spec: FleetSpec) -> None:
        """A Fleet of a fixed size, all of it Ready."""
        self.promise(spec.name)
        await apply(self.kube, spec)
        replicas = spec.replicas or 0
        await self.kube.patch(self._fleet(spec.name, "scale"), {"spec": {"replicas": replicas}})
        await self.until_ready(spec.name, replicas)

    def promise(self, fleet: str) -> None:
        """Somebody else makes this fleet; it is to be deleted all the same."""
        self._fleets.add(fleet)

    async def until_ready(self, fleet: str, count: int) -> None:
        """Wait until Agones says that so many are Ready.

        Raises:
            Unreachable: they are not in time.
        """
        ready = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(30 + READY_S * count):
                while ready != count:
                    await asyncio.sleep(0.1)
                    if not await self.has(fleet):
                        continue
                    said = await self.kube.get(self._fleet(fleet))
                    ready = int((said.get("status") or {}).get("readyReplicas") or 0)
        if ready != count:
            raise Unreachable(f"{ready} of {count} servers of {fleet} are Ready, and no more come")

    async def has(self, fleet: str) -> bool:
        """Whether there is such a Fleet."""
        with contextlib.suppress(NotFound):
            return bool(await self.kube.get(self._fleet(fleet)))
        return False

    async def replicas(self, fleet: str) -> int:
        """What a Fleet was last asked to have."""
        said = await self.kube.get(self._fleet(fleet))
        return int((said.get("spec") or {}).get("replicas") or 0)

    async def servers(self, fleet: str) -> list[Object]:
        """Its GameServers."""
        path = namespaced(AGONES, self.kube.settings.namespace, "gameservers")
        found = await self.kube.get(path, labelSelector=f"{FLEET_LABEL}={fleet}")
        return list(found.get("items") or ())

    async def free(self, fleet: str, count: int) -> None:
        """Set what was allocated back to Ready, as servers do that play one match after another."""
        taken = [
            one
            for one in await self.servers(fleet)
            if (one.get("status") or {}).get("state") == State.ALLOCATED
        ]
        await self.change(taken, {"status": {"state": State.READY.value}})
        await self.until_ready(fleet, count)

    async def change(self, servers: list[Object], patch: Object) -> None:
        """The same change to each of these GameServers."""
        rest = iter(servers)

        async def work() -> None:
            for one in rest:
                await self.kube.patch(self.server(one["metadata"]["name"]), patch)

        async with asyncio.TaskGroup() as group:
            for n in range(AT_ONCE):
                group.create_task(work(), name=f"change-{n}")

    async def clear(self) -> None:
        """Delete the fleets, and wait until none of their servers is left."""
        for fleet in self._fleets:
            with contextlib.suppress(NotFound):
                await self.kube.delete(self._fleet(fleet))
        say("the fleets are deleted …")
        for fleet in self._fleets:
            async with asyncio.timeout(600):
                while await self.servers(fleet):
                    await asyncio.sleep(0.5)
        self._fleets.clear()

    def server(self, name: str) -> str:
        """Path of a GameServer."""
        return namespaced(AGONES, self.kube.settings.namespace, "gameservers", name)

    def _fleet(self, name: str, sub: str = "") -> str:
        return namespaced(AGONES, self.kube.settings.namespace, "fleets", name, sub)
