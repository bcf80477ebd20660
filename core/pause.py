"""A pause of a queue or a fleet: one key that lasts until somebody takes it away again.

Whoever hands something out asks for the key in the same script, so nothing is handed out
once ``pause`` has returned, and a restart of anything changes nothing.
"""

import msgspec

from core.lua import as_json
from core.redis import Store


class Pause(msgspec.Struct, frozen=True):
    """Who paused it, since when, and why."""

    by: str
    since_ms: int
    reason: str = ""


_decode = msgspec.json.Decoder(Pause).decode


class PauseKey:
    """The pause of one thing, at one key."""

    def __init__(self, store: Store, key: str) -> None:
        self._store = store
        self.key = key

    async def set(self, pause: Pause) -> bool:
        """Pause it; False when it was paused already, and then the first pause stands."""
        return await self._store.call("SET", self.key, as_json(pause), "NX") is not None

    async def clear(self) -> bool:
        """Let it go on; False when it was not paused."""
        return bool(await self._store.call("DEL", self.key))

    async def get(self) -> Pause | None:
        """The pause; None while there is none."""
        return pause_of(await self._store.call("GET", self.key))


def pause_of(stored: str | None) -> Pause | None:
    """What is stored at a pause's key, as a value. Something unreadable is a pause too."""
    if not stored:
        return None
    try:
        return _decode(stored)
    except msgspec.DecodeError:
        return Pause("", 0)
