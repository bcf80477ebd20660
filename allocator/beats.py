"""When each game server was last heard: the third witness, beside the store and the backend."""

from collections.abc import Iterable

import msgspec

from allocator.pool import Pool
from core.ids import RoomId, ServerUid, server_of


class Tick(msgspec.Struct, frozen=True):
    """How regular a server's simulation steps were, since its last heartbeat."""

    p50_ms: float = 0.0
    p99_ms: float = 0.0
    p999_ms: float = 0.0
    instability: float = 0.0
    rate_hz: float = 0.0


class Beat(msgspec.Struct, frozen=True):
    """What one server said last."""

    uid: ServerUid
    name: str
    connected_ms: int
    beat_ms: int
    tick: Tick = Tick()
    players: int = 0
    rooms: int = 1
    version: str = ""
    holding: tuple[RoomId, ...] = ()
    """Rooms in which it has a match."""


_decode = msgspec.json.Decoder(Beat).decode


class Beats:
    """The last words of a fleet's servers, in ``{f:F}:servers``."""

    def __init__(self, pool: Pool) -> None:
        self._store = pool.store
        self._key = pool.key("servers")

    async def write(self, beat: Beat) -> None:
        """Remember; the newest stands."""
        await self._store.call("HSET", self._key, beat.uid, msgspec.json.encode(beat).decode())

    async def read(self) -> list[Beat]:
        """Every server that was ever heard and not forgotten."""
        return [_decode(value) for value in await self._store.call("HVALS", self._key)]


class Listening:
    """Since when this process has been able to hear anybody.

    A process that was stopped, or whose store was away, has heard nobody meanwhile; that is
    its own silence, so the judgement of others starts afresh.
    """

    def __init__(self, *, gap_ms: int = 3_000) -> None:
        self._gap_ms = gap_ms
        self._since_ms = 0
        self._last_ms = 0

    def note(self, now_ms: int) -> int:
        """Say that we listen now; returns since when we do without a gap."""
        if not self._since_ms or not 0 <= now_ms - self._last_ms <= self._gap_ms:
            self._since_ms = now_ms
        self._last_ms = now_ms
        return self._since_ms


def silent(beats: Iterable[Beat], *, now_ms: int, silent_ms: int) -> list[Beat]:
    """Servers not heard for ``silent_ms``."""
    return [beat for beat in beats if now_ms - beat.beat_ms > silent_ms]


def heard_again(
    suspects: dict[RoomId, int], beats: Iterable[Beat], *, rest_ms: int, now_ms: int
) -> list[RoomId]:
    """Suspect rooms that have rested, whose server was heard since and says they are empty."""
    by_uid = {beat.uid: beat for beat in beats}
    again = []
    for room, since_ms in suspects.items():
        beat = by_uid.get(server_of(room))
        if (
            beat is not None
            and now_ms - since_ms >= rest_ms
            and beat.beat_ms > since_ms
            and now_ms - beat.beat_ms < rest_ms
            and room not in beat.holding
        ):
            again.append(room)
    return again
