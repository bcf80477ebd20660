"""Fleets as tests ask for them, and ways to wait for what Agones makes of them."""

import asyncio
import time
from collections import Counter
from typing import Any

from tests.cluster.plane.api import ALLOCATIONS, FLEETS, GAME_SERVERS, Api
from tests.cluster.plane.nodes import REAL

_HEALTH = {"initialDelaySeconds": 1, "periodSeconds": 1, "failureThreshold": 2}
"""Strict, so that a test sees a silent server fail within seconds."""


def fleet(name: str, replicas: int, *, real: tuple[str, ...] = ()) -> dict[str, Any]:
    """A fleet of simulated servers; with a command, of real ones on the node for those."""
    container: dict[str, Any] = {"name": "game", "image": "stand-in"}
    pod: dict[str, Any] = {"metadata": {"labels": {}}, "spec": {"containers": [container]}}
    if real:
        container["command"] = list(real)
        pod["metadata"]["labels"][REAL] = "true"
        pod["spec"] |= {"nodeSelector": {REAL: "true"}, "terminationGracePeriodSeconds": 2}
    port = {"name": "default", "portPolicy": "Dynamic", "containerPort": 7777}
    server = {"ports": [port], "health": _HEALTH, "template": pod}
    return {
        "apiVersion": "agones.dev/v1",
        "kind": "Fleet",
        "metadata": {"name": name},
        "spec": {"replicas": replicas, "template": {"spec": server}},
    }


async def create_fleet(api: Api, name: str, replicas: int, *, real: tuple[str, ...] = ()) -> None:
    """In ``default``, as all here are."""
    await api.create(FLEETS.format("default"), fleet(name, replicas, real=real))


async def until_ready(api: Api, name: str, count: int, *, timeout_s: float = 60.0) -> None:
    """Wait until the fleet says that so many are Ready: cheap for a thousand."""
    async with asyncio.timeout(timeout_s):
        while True:
            told = await api.get(f"{FLEETS.format('default')}/{name}")
            if told.get("status", {}).get("readyReplicas", 0) == count:
                return
            await asyncio.sleep(0.1)


async def delete_fleet(api: Api, name: str, *, timeout_s: float = 60.0) -> None:
    """And wait until none of its servers is left."""
    await api.delete(f"{FLEETS.format('default')}/{name}")
    async with asyncio.timeout(timeout_s):
        while await servers(api, name, limit=1):
            await asyncio.sleep(0.1)


async def servers(api: Api, name: str, *, limit: int = 0) -> list[dict[str, Any]]:
    """The game servers of a fleet; all of them with no limit."""
    query = f"labelSelector=agones.dev/fleet%3D{name}&limit={limit}"
    return await api.items(f"{GAME_SERVERS.format('default')}?{query}")


async def until_states(
    api: Api, name: str, wanted: dict[str, int], *, timeout_s: float = 60.0
) -> list[dict[str, Any]]:
    """Wait for exactly so many servers in these states, and return them."""
    until = time.monotonic() + timeout_s
    while True:
        there = await servers(api, name)
        states = Counter(server.get("status", {}).get("state", "") for server in there)
        if states == wanted:
            return there
        if time.monotonic() > until:
            raise TimeoutError(f"{name} is {dict(states)} after {timeout_s} s, not {wanted}")
        await asyncio.sleep(0.1)


async def allocate(api: Api, name: str, **labels: str) -> dict[str, Any]:
    """One allocation through the aggregated API; the answer's status."""
    request = {
        "apiVersion": "allocation.agones.dev/v1",
        "kind": "GameServerAllocation",
        "spec": {
            "selectors": [{"matchLabels": {"agones.dev/fleet": name}}],
            "metadata": {"labels": labels},
        },
    }
    answer = await api.create(ALLOCATIONS.format("default"), request)
    return dict(answer["status"])
