"""Reads streams, and waits for what comes, on connections of its own: nobody waits behind it."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

import redis.asyncio as aioredis
from redis.exceptions import RedisError

from core import clients
from core.address import Address, Endpoint
from core.reasons import Peer, as_ours

READERS_MAX = 64
"""Connections to one server that wait for streams."""

READ_S = 30.0
"""A blocking read ends by itself within its block_ms; half a minute means a dead peer."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a stream."""

    id: str
    fields: dict[str, str]


class Readers:
    """One store's."""

    def __init__(self, address: Address, *, connect_s: float, trouble: Callable[[], None]) -> None:
        self._address = address
        self._connect_s = connect_s
        self._trouble = trouble
        self._readers: dict[Endpoint, aioredis.Redis] = {}

    async def read(
        self, endpoint: Endpoint, key: str, after: str, *, block_ms: int, count: int
    ) -> list[Entry]:
        """Entries after an id, waiting up to ``block_ms`` for the first."""
        try:
            reply = await self.of(endpoint).execute_command(  # type: ignore[no-untyped-call]
                "XREAD", "COUNT", count, "BLOCK", block_ms, "STREAMS", key, after
            )
        except (RedisError, OSError) as lost:
            self._trouble()
            raise as_ours(lost, Peer.server(self._address, endpoint)) from lost
        if (task := asyncio.current_task()) is not None and task.cancelling():
            raise asyncio.CancelledError  # redis-py swallows one that comes while it connects
        if not reply:
            return []
        return [Entry(entry_id, fields or {}) for entry_id, fields in reply[0][1]]

    def of(self, endpoint: Endpoint) -> aioredis.Redis:
        """The client of one server."""
        if (reader := self._readers.get(endpoint)) is None:
            reader = self._readers[endpoint] = clients.client(
                self._address,
                endpoint,
                connections=READERS_MAX,
                patience_s=READ_S,
                connect_s=self._connect_s,
            )
        return reader

    def leave(self, primaries: Mapping[Endpoint, Any]) -> list[Coroutine[Any, Any, None]]:
        """Let go of all but these; closing is what the caller awaits, when it likes."""
        left = [self._readers.pop(one) for one in self._readers.keys() - primaries.keys()]
        return [clients.close(reader) for reader in left]
