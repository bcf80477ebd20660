"""Moves a slot of a Cluster from one primary to another, while it is in use."""

import asyncio

from core.address import Endpoint
from core.ensemble import Ensemble
from core.slots import slot_of

AT_ONCE = 4
"""Keys in one MIGRATE: few, so that a slot is in two places for a while."""


async def owner(ensemble: Ensemble, key: str) -> Endpoint:
    """Who has a key's slot."""
    found, slot = await ensemble.slots(), slot_of(key)
    return next(one for one, ranges in found.items() if any(a <= slot <= z for a, z in ranges))


async def next_primary(ensemble: Ensemble, key: str) -> Endpoint:
    """Another one than has it."""
    primaries = sorted(await ensemble.slots())
    return primaries[(primaries.index(await owner(ensemble, key)) + 1) % len(primaries)]


async def move_key_by_key(ensemble: Ensemble, key: str, *, pause_s: float) -> int:
    """As ``valkey-cli --cluster reshard`` does; returns how many keys went."""
    slot, primaries = slot_of(key), list(await ensemble.slots())
    source, target = await owner(ensemble, key), await next_primary(ensemble, key)
    from_id, to_id = [await ensemble.ask(one, "CLUSTER", "MYID") for one in (source, target)]
    await ensemble.ask(target, "CLUSTER", "SETSLOT", slot, "IMPORTING", str(from_id))
    await ensemble.ask(source, "CLUSTER", "SETSLOT", slot, "MIGRATING", str(to_id))
    moved = 0
    while keys := await _some_keys(ensemble, source, slot):
        where = (target.host, target.port, "", 0, 2000)
        await ensemble.ask(source, "MIGRATE", *where, "KEYS", *keys)
        moved += len(keys)
        await asyncio.sleep(pause_s)
    for one in (target, *(one for one in primaries if one != target)):
        await ensemble.ask(one, "CLUSTER", "SETSLOT", slot, "NODE", str(to_id))
    return moved


async def move_whole(ensemble: Ensemble, key: str) -> None:
    """As Valkey 9 can."""
    slot = slot_of(key)
    source, target = await owner(ensemble, key), await next_primary(ensemble, key)
    to_id = await ensemble.ask(target, "CLUSTER", "MYID")
    words = ("SLOTSRANGE", slot, slot, "NODE", str(to_id))
    await ensemble.ask(source, "CLUSTER", "MIGRATESLOTS", *words)
    async with asyncio.timeout(10):
        while await owner(ensemble, key) != target:
            await asyncio.sleep(0.05)


async def _some_keys(ensemble: Ensemble, source: Endpoint, slot: int) -> list[str]:
    found = await ensemble.ask(source, "CLUSTER", "GETKEYSINSLOT", slot, AT_ONCE)
    assert isinstance(found, list)
    return [str(key) for key in found]
