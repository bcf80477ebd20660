"""A stream in words, and a sink that remembers, for tests of what is told."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from core.errors import Unreachable
from core.redis import Store
from readyup.events.envelope import Record
from readyup.events.streams import Stream

QUEUE = Stream("queue/duel", "{q:arena}:duel")
FLEET = Stream("fleet/arena", "{f:arena}")
NOW = 1_795_338_640_000


async def say(store: Store, stream: Stream, kind: str, *, at: str = "*", **fields: object) -> str:
    said = json.dumps({"t": NOW, **fields})
    return str(await store.call("XADD", stream.key, at, "k", kind, "d", said))


async def tickets(store: Store, many: int, *, first: int = 0) -> list[str]:
    """So many tickets entered; the ids of those events."""
    return [
        await say(store, QUEUE, "ticket.enqueued", ticket=f"t{n}", players=[f"p{n}"], mmr=1500)
        for n in range(first, first + many)
    ]


class Remembers:
    """A sink that keeps what it was told, and fails when it is asked to."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.away = False
        self.asked = 0
        self.gate: asyncio.Event | None = None

    async def tell(self, records: Sequence[Record]) -> None:
        self.asked += 1
        if self.gate:
            await self.gate.wait()
        if self.away:
            raise Unreachable("gone fishing")
        self.records += records

    async def aclose(self) -> None:
        pass

    def said(self) -> list[dict[str, Any]]:
        return [json.loads(record.value) for record in self.records]

    async def has(self, many: int) -> list[dict[str, Any]]:
        async with asyncio.timeout(10):
            while len(self.records) < many:
                await asyncio.sleep(0.005)
        return self.said()
