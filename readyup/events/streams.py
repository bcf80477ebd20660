"""Which streams are told, and how far each was told: a place in the store, beside the stream.

The place lies in the stream's own slot and is written after what it covers, so a failover
that forgets events forgets that they were told, too.
"""

import contextlib
from dataclasses import dataclass
from typing import Any

import msgspec

from core.errors import StoreUnreachable
from core.eventlog import Event, last_id
from core.redis import Store
from readyup.settings import Config

BEGINNING = "0-0"


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream of events: ``base`` begins the keys of its queue or fleet."""

    source: str
    base: str

    @property
    def key(self) -> str:
        """The stream."""
        return f"{self.base}:log"


def streams_of(config: Config) -> list[Stream]:
    """Every queue's and fleet's."""
    queues = [Stream(f"queue/{name}", queue.base()) for name, queue in config.queues.items()]
    return queues + [Stream(f"fleet/{name}", f"{{f:{name}}}") for name in config.fleet_names()]


@dataclass(frozen=True, slots=True)
class Position:
    """How far one teller of this name has told one stream."""

    store: Store
    stream: Stream
    name: str

    @property
    def key(self) -> str:
        """Where that is kept."""
        return f"{self.stream.base}:events:{self.name}"

    async def begin(self, *, from_now: bool) -> str:
        """The id after which to go on. Of a new name: the beginning, or the end as it is now,
        which is kept at once.

        Raises:
            StoreUnreachable: ask again.
        """
        if kept := await self.store.call("GET", self.key):
            return str(kept)
        if not from_now:
            return BEGINNING
        newest = await last_id(self.store, self.stream.key)
        await self.store.call("SET", self.key, newest)
        return newest

    async def keep(self, place: str) -> None:
        """Everything up to this id was told. A store that is away is not waited for: what
        comes next is kept with it, or told once more.
        """
        with contextlib.suppress(StoreUnreachable):
            await self.store.call("SET", self.key, place)


async def with_result(store: Store, stream: Stream, event: Event) -> Event:
    """The event with what the server said of the match, which lies in the session's record.

    Raises:
        StoreUnreachable: ask again.
    """
    said: Any = await store.call("HGET", f"{stream.base}:session:{event['match']}", "result")
    return event | {"result": msgspec.json.decode(said) if said else None}
