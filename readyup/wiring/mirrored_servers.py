"""Game servers as the allocator sees them: a mirror to read, a stream of orders to write."""

from collections.abc import Sequence

import msgspec

from core.game_server import ServerView
from core.ids import FleetName, ServerUid
from core.redis import Store

ORDERS_KEPT = 10_000
"""Orders are read within a second; more than this waiting means that nobody reads them."""

_decode = msgspec.json.Decoder(ServerView).decode


class MirroredServers:
    """One fleet, local or of pods.

    Reads ``{f:F}:backend``, which fleets writes; writes ``{f:F}:orders``.
    """

    def __init__(self, store: Store, fleet: FleetName) -> None:
        self._store = store
        self._mirror = f"{{f:{fleet}}}:backend"
        self._orders = f"{{f:{fleet}}}:orders"

    async def running(self) -> Sequence[ServerView]:
        return [_decode(view) for view in await self._store.call("HVALS", self._mirror)]

    async def find(self, name: str, uid: ServerUid) -> ServerView | None:
        view = await self._store.call("HGET", self._mirror, name)
        if view is None:
            return None
        server = _decode(view)
        return server if server.uid == uid else None

    async def take(self, server: ServerUid, claim: str) -> None:
        await self._order("take", {"uid": server, "claim": claim})

    async def tell(self, server: ServerUid, letter: str) -> None:
        await self._order("tell", {"uid": server, "letter": letter})

    async def give_up(self, server: ServerUid) -> None:
        await self._order("give_up", {"uid": server})

    async def _order(self, kind: str, order: dict[str, str]) -> None:
        said = msgspec.json.encode(order).decode()
        await self._store.call(
            "XADD", self._orders, "MAXLEN", "~", ORDERS_KEPT, "*", "k", kind, "d", said
        )
