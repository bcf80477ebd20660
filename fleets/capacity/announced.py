"""Sizes that operators announced, in Redis: a hash of events by id."""

import msgspec

from core.ids import FleetName
from core.lua import as_json
from core.redis import Store
from fleets.capacity.events import Event

_decode = msgspec.json.Decoder(Event).decode


class Announced:
    """One fleet's, in ``{f:F}:events``."""

    def __init__(self, store: Store, fleet: FleetName) -> None:
        self._store = store
        self._key = f"{{f:{fleet}}}:events"

    async def all(self) -> dict[str, Event]:
        """Every event that was announced and not taken back, by id, the earliest first."""
        reply = await self._store.call("HGETALL", self._key)
        flat = (
            list(reply) if not isinstance(reply, dict) else [x for xy in reply.items() for x in xy]
        )
        found: dict[str, Event] = {}
        for name, body in zip(flat[::2], flat[1::2], strict=True):
            try:
                found[name] = _decode(body)
            except msgspec.MsgspecError:  # another version of this program wrote it
                continue
        return dict(sorted(found.items(), key=lambda one: one[1].at))

    async def heeded(self, *, now_ms: int) -> list[Event]:
        """Those that are still to come or going on; the others are taken out."""
        there = await self.all()
        for name, event in there.items():
            if event.over(now_ms):
                await self.remove(name)
        return [event for event in there.values() if not event.over(now_ms)]

    async def add(self, name: str, event: Event) -> None:
        """Announce one; one of the same id is replaced."""
        await self._store.call("HSET", self._key, name, as_json(event))

    async def remove(self, name: str) -> bool:
        """Take one back; False when there is none."""
        return bool(await self._store.call("HDEL", self._key, name))
