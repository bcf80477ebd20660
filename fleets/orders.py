"""What the allocator orders: servers taken into the reserve, and servers given up.

Both orders may be obeyed twice without harm, and are: after a crash those after the
last id that was noted come again. Servers of an earlier life are unknown by then.
"""

import asyncio

import msgspec
import structlog

from core.errors import Exhausted, Invalid, Unreachable
from core.eventlog import Event, decode
from core.ids import FleetName, ServerUid
from core.redis import Store
from fleets.in_use import servers_in_use
from fleets.ports import Backend, Reason

BLOCK_MS = 1000
RETRY_S = 0.2

log = structlog.get_logger("readyup.fleets")


class Orders:
    """Obeys the orders for one fleet, in their order."""

    def __init__(self, fleet: FleetName, backend: Backend, store: Store) -> None:
        self._fleet = fleet
        self._backend = backend
        self._store = store
        self._stream = f"{{f:{fleet}}}:orders"
        self._noted = f"{{f:{fleet}}}:orders-seen"

    async def run(self) -> None:
        """Until cancelled; waits while the store is away."""
        after: str | None = None
        while True:
            try:
                if after is None:
                    after = await self._store.call("GET", self._noted) or "0"
                after = await self.step(after)
            except (Unreachable, Exhausted):
                await asyncio.sleep(RETRY_S)

    async def step(self, after: str, *, block_ms: int = BLOCK_MS) -> str:
        """Obey what came after an id, waiting a while for the first; the id of the last.

        Raises:
            StoreUnreachable: some may be obeyed already; asking again is safe.
        """
        entries = await self._store.read_stream(self._stream, after, block_ms=block_ms)
        for entry in entries:
            try:
                await self._obey(decode(entry))
            except (KeyError, msgspec.MsgspecError, Invalid) as wrong:
                log.warning("order.refused", fleet=self._fleet, order=entry.id, reason=str(wrong))
        if entries:
            after = entries[-1].id
            await self._store.call("SET", self._noted, after)
            # Whoever only appends has no reason to trim, so the one who reads does.
            await self._store.call("XTRIM", self._stream, "MINID", after)
        return after

    async def _obey(self, order: Event) -> None:
        uid = ServerUid(str(order["uid"]))
        if order["k"] == "take":
            await self._backend.take(uid, str(order["claim"]))
        elif order["k"] == "give_up":
            if uid in await servers_in_use(self._store, self._fleet):
                log.warning("order.refused", fleet=self._fleet, server=uid, reason="in use")
            else:
                self._backend.stop(uid, Reason.SCALE)
        else:
            raise Invalid(f"no such order: {order['k']!r}", field="$.k")
