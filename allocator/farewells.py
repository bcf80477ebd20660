"""How a server went that speaks only an Agones SDK, and so never said what became of its match.

One that shut itself down through the SDK has finished; one that vanished was lost. The
backend knows which, once the server is gone.
"""

import msgspec

from allocator.pool import Pool
from allocator.ports import Servers
from core.ids import ServerUid

LOOK_BACK = 5_000
"""Events of the fleet's log among which the server's end is looked for, the newest first."""

STAYS, FINISHED, LOST = "", "finished", "lost"

_decode = msgspec.json.Decoder(dict[str, object]).decode


class Farewells:
    """One fleet's."""

    def __init__(self, pool: Pool, servers: Servers) -> None:
        self._pool = pool
        self._servers = servers

    async def of(self, server: ServerUid) -> str:
        """``finished`` or ``lost``; empty while the server is there, or is still going."""
        if any(one.uid == server for one in await self._servers.running()):
            return STAYS
        newest = await self._pool.store.call(
            "XREVRANGE", self._pool.key("log"), "+", "-", "COUNT", LOOK_BACK
        )
        for _, fields in newest:
            if fields["k"] != "server.deleted":
                continue
            event = _decode(fields["d"])
            if event["server"] == server:
                return FINISHED if event["reason"] == "shutdown" else LOST
        return LOST
