"""Which game servers have a match, as the allocator's rooms in Redis tell it."""

from core.ids import FleetName, ServerUid
from core.lua import LuaScript
from core.redis import Store

SERVERS_IN_USE = LuaScript.load("fleets.lua", "servers_in_use")


async def servers_in_use(store: Store, fleet: FleetName) -> frozenset[ServerUid]:
    """Servers of which a room is held or suspect; one round trip.

    Raises:
        StoreUnreachable: nobody knows now.
    """
    uids = await SERVERS_IN_USE(store, keys={"fleet": f"{{f:{fleet}}}"}, args={})
    return frozenset(ServerUid(uid) for uid in uids)
