"""A match of the arena as bytes: all that another server needs to go on with it."""

import msgspec

from core.errors import Invalid
from gameserver.arena.world import World

VERSION = 1


class Kept(msgspec.Struct, array_like=True):
    """The world after so many ticks. Its players are in the order of the seats."""

    version: int
    ticks: int
    world: World


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Kept).decode


def keep(ticks: int, world: World) -> bytes:
    """The match now: about 40 bytes for each player."""
    return _encode(Kept(VERSION, ticks, world))


def restored(state: bytes, *, players: int) -> Kept:
    """The match as it was kept.

    Raises:
        Invalid: it was made by another version, or for another match.
    """
    try:
        kept = _decode(state)
    except msgspec.MsgspecError as wrong:
        raise Invalid(f"this snapshot is none of the arena's: {wrong}") from wrong
    if kept.version != VERSION or len(kept.world.players) != players:
        raise Invalid(
            f"a snapshot of version {kept.version} for {len(kept.world.players)} players; "
            f"here are version {VERSION} and {players} players"
        )
    return kept
