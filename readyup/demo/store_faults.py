"""Faults of the store: a primary is killed, or stopped and let go on, while the bots play.

Whatever keeps a server running in production starts a killed one again after a while, and
so do we: a Cluster's shard that lost one of its two servers keeps nothing until then.
"""

import asyncio
import contextlib

from core.address import Endpoint
from core.clock import Clock
from core.ensemble import Ensemble
from core.errors import Exhausted, StoreUnreachable
from core.slots import slot_of
from readyup.demo.stack import Stack

AWAY_S = 3.0
"""How long a killed server stays away. Longer than it takes to be given up, so that another
one is the primary when it comes back, empty."""

BACK_S = 45.0


async def harm_primary(stack: Stack, kind: str, *, clock: Clock) -> tuple[float, bool]:
    """Kill or stop the primary that has the first queue, and let it come back.

    Returns:
        Seconds until every queue and fleet could be written durably again, and whether they
        could at all.
    """
    ensemble = stack.ensemble
    assert ensemble is not None
    victim = await primary_of(stack, ensemble)
    began_s = clock.elapsed_s()
    async with asyncio.TaskGroup() as group:
        if kind == "kill":
            await ensemble.kill(victim)
        else:
            ensemble.pause(victim)
        coming = group.create_task(_come_back(ensemble, victim, kind), name="comes back")
        came_back = await _within(BACK_S, stack)
        gone_s = clock.elapsed_s() - began_s
        await coming
    # It must have caught up with its successor, else the next fault would be a second one.
    await ensemble.until_replicated()
    return gone_s, came_back


async def primary_of(stack: Stack, ensemble: Ensemble) -> Endpoint:
    """Who has the first queue."""
    queue = next(iter(stack.config.queues.values()))
    slot = slot_of(f"{queue.base()}:log")
    found = await ensemble.slots()
    return next(one for one, ranges in found.items() if any(a <= slot <= z for a, z in ranges))


async def _come_back(ensemble: Ensemble, victim: Endpoint, kind: str) -> None:
    await asyncio.sleep(AWAY_S)
    if kind == "kill":
        await ensemble.start(victim)
    else:
        ensemble.go_on(victim)


async def _within(patience_s: float, stack: Stack) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(patience_s):
            while True:
                with contextlib.suppress(StoreUnreachable, Exhausted):
                    await _write(stack)
                    return True
                await asyncio.sleep(0.02)
    return False


async def _write(stack: Stack) -> None:
    queues = {queue.base().partition("}")[0] + "}" for queue in stack.config.queues.values()}
    fleets = {f"{{f:{name}}}" for name in stack.config.fleet_names()}
    for tag in sorted(queues | fleets):
        await stack.store.durably.call("SET", f"{tag}:kept", 1, "EX", 60)
