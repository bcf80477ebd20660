"""What a large fleet costs the role that looks after it, and how fast demand reaches the cluster.

The role is a process of its own on a Valkey of its own; nobody else of ours runs. It makes a
fleet, sees it grow to its size, is then left alone, is told of changes, and gets bursts of
matches that find no room. Everything is seen from outside: the API server by a watch of
the benchmark's own, the mirror in Valkey, memory and processor time in /proc.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from allocator.pool import Pool
from core.clock import SystemClock
from core.errors import Unreachable
from core.game_server import State
from core.ids import FleetName, MatchId
from fleets.agones.backend import AGONES
from fleets.agones.kube import namespaced
from fleets.pod import PodSpec
from fleets.spec import FleetSpec, PortRange
from readyup.bench.allocate_asked import ClusterAsked
from readyup.bench.allocate_busy import Busy
from readyup.bench.allocate_ground import READY_S, Ground, ground, say
from readyup.bench.allocate_ours import House, Ours, house
from readyup.bench.machine import machine
from readyup.bots.report import percentiles
from readyup.settings import Config

SERVERS = 2_000
FLEET = FleetName("bench-large")

BURST = 10
"""Matches that find no room, all at one moment."""

TOUCHED = 200
"""Servers that are changed, one after another, to see each change in the mirror."""

SCALE_DOWN_S = 1.0
LABEL = "readyup/touched"

_CLOCK = SystemClock()


async def bench_fleet(
    config: Config, asked: ClusterAsked, run_dir: Path, *, seconds: float
) -> dict[str, Any]:
    """Run it; milliseconds, MiB and cores. Raises as ``bench_allocate``."""
    ran_on, servers = machine(), asked.size(SERVERS)
    pod = PodSpec(asked.image, host_network=False, node_labels={}, tolerations=(), arch="")
    spec = FleetSpec(
        FLEET,
        (),
        PortRange(7000, 8000),
        buffer=servers,
        scale_down_after_s=SCALE_DOWN_S,
        pod=pod,
    )
    async with ground(asked.settings()) as here:
        here.promise(FLEET)
        empty = replace(spec, buffer=0)
        async with house(config, empty, here.kube.settings, ("fleets",), run_dir) as home:
            await _until_applied(here)
            before_mib = _mib(home.pids["fleets"])
        async with house(config, spec, here.kube.settings, ("fleets",), run_dir) as home:
            say(f"the fleet grows to {servers} …")
            grown = await _grown(here, home, servers)
            say(f"Ready after {grown['ready_s']:.0f} s; the role is idle …")
            idle = await _idle(home, seconds)
            mirrored = await _mirrored(here, home)
            say("bursts of matches find no room …")
            scaled = await _bursts(here, home, servers, 7 * asked.rounds)
            last_mib = _mib(home.pids["fleets"])
    return {
        "machine": ran_on,
        "servers": servers,
        "memory_mib": {"no servers": before_mib, **grown.pop("mib"), "at the end": last_mib},
        "growing": grown,
        "idle": idle,
        "touched": TOUCHED,
        "to_mirror_ms": percentiles(mirrored, 50, 95, 99),
        "bursts": len(scaled),
        "burst_matches": BURST,
        "burst_to_scale_ms": {**percentiles(scaled, 50, 95, 99), "max": round(max(scaled), 3)},
    }


async def _until_applied(here: Ground) -> None:
    async with asyncio.timeout(60):
        while not await here.has(FLEET):
            await asyncio.sleep(0.1)
    await asyncio.sleep(2.0)


async def _grown(here: Ground, home: House, servers: int) -> dict[str, Any]:
    """From nothing to all Ready, in the API server and in the mirror."""
    began_s, busy = _CLOCK.elapsed_s(), Busy(home.pids)
    with busy:
        await here.until_ready(FLEET, servers)
        ready_s = _CLOCK.elapsed_s() - began_s
        async with asyncio.timeout(30):
            while await _shown_ready(home) < servers:
                await asyncio.sleep(0.05)
        mirrored_s = _CLOCK.elapsed_s() - began_s
    return {
        "ready_s": round(ready_s, 1),
        "mirror_behind_s": round(mirrored_s - ready_s, 2),
        "cores": busy.cores(),
        "us_each_server": busy.us_each(servers),
        "mib": {"all Ready": _mib(home.pids["fleets"])},
    }


async def _shown_ready(home: House) -> int:
    shown = await home.store.call("HVALS", f"{{f:{FLEET}}}:backend")
    return sum(f'"state":"{State.READY}"' in view for view in shown)


async def _idle(home: House, seconds: float) -> dict[str, Any]:
    await asyncio.sleep(2.0)
    with Busy(home.pids) as busy:
        await asyncio.sleep(seconds)
    own = {name: us / 1e6 / seconds for name, us in busy.us_each(1).items()}
    return {
        "seconds": seconds,
        "cores_of_ours": {name: round(cores, 4) for name, cores in own.items()},
        "cores": busy.cores(),
    }


async def _mirrored(here: Ground, home: House) -> list[float]:
    """From a change that the API server has answered to the mirror that shows it."""
    took_ms = []
    servers = (await here.servers(FLEET))[:TOUCHED]
    for n, server in enumerate(servers):
        name, word = server["metadata"]["name"], f'"{LABEL}":"{n}"'
        await here.change([server], {"metadata": {"labels": {LABEL: str(n)}}})
        began_s = _CLOCK.elapsed_s()
        async with asyncio.timeout(30):
            while word not in str(await home.store.call("HGET", f"{{f:{FLEET}}}:backend", name)):
                await asyncio.sleep(0.0005)
        took_ms.append((_CLOCK.elapsed_s() - began_s) * 1000)
    return took_ms


async def _bursts(here: Ground, home: House, servers: int, bursts: int) -> list[float]:
    """From the first of some matches that find no room to the Fleet that was made larger."""
    ours = Ours(Pool(home.store, FLEET), "burst")
    took_ms = []
    for _ in range(bursts):
        await _calm(here, servers)
        async with _sizes(here) as sizes:
            began_s = _CLOCK.elapsed_s()
            orders = [ours.order() for _ in range(BURST)]
            async with asyncio.TaskGroup() as group:
                for order in orders:
                    group.create_task(ours.pool.claim(order, now_ms=_CLOCK.wall_ms()))
            await _larger(sizes, servers)
            took_ms.append((_CLOCK.elapsed_s() - began_s) * 1000)
        for order in orders:
            match, now_ms = MatchId(order.match), _CLOCK.wall_ms()
            await ours.pool.withdraw(match, reason="bench", now_ms=now_ms)
    return took_ms


async def _larger(sizes: "asyncio.Queue[int]", servers: int) -> None:
    try:
        async with asyncio.timeout(30):
            while await sizes.get() <= servers:
                pass
    except TimeoutError:
        raise Unreachable(f"{FLEET} does not grow for {BURST} matches that wait") from None


async def _calm(here: Ground, servers: int) -> None:
    """Wait until the fleet has its size again, and what was too many is gone."""
    try:
        async with asyncio.timeout(60 + READY_S * BURST):
            while await here.replicas(FLEET) != servers:
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise Unreachable(f"{FLEET} did not become {servers} again") from None
    await here.until_ready(FLEET, servers)
    await asyncio.sleep(0.25)


@contextlib.asynccontextmanager
async def _sizes(here: Ground) -> AsyncIterator["asyncio.Queue[int]"]:
    """What the Fleet is asked to have, each time that it changes."""
    sizes: asyncio.Queue[int] = asyncio.Queue()
    path = namespaced(AGONES, here.kube.settings.namespace, "fleets")
    version = str((await here.kube.get(path))["metadata"]["resourceVersion"])

    async def follow() -> None:
        async for event in here.kube.watch(path, version, timeout_s=60):
            fleet = event["object"]
            if fleet["metadata"].get("name") == FLEET:
                sizes.put_nowait(int(fleet["spec"].get("replicas") or 0))

    async with asyncio.TaskGroup() as group:
        following = group.create_task(follow(), name="sizes")
        await asyncio.sleep(0.1)  # the watch stands
        try:
            yield sizes
        finally:
            following.cancel()


def _mib(pid: int) -> float:
    """Resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)
