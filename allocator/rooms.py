"""Rooms as values, and what the pool's state looks like at one moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core.game_server import ServerView
from core.ids import FleetName, MatchId, RoomId, ServerUid, room_id
from core.placement import Placement

RANK_MS = 10**13
"""What ``fleet.lua`` adds to the score of a free room for each step of its rank."""


@dataclass(frozen=True, slots=True)
class NewRoom:
    """A room that the reserve may have."""

    room: RoomId
    server: ServerUid
    address: str
    port: int
    version: str
    rank: int = 0
    """Rooms of a lower rank are handed out before it; see ``allocator.rank``."""


@dataclass(frozen=True, slots=True)
class Census:
    """Every room of a fleet at one moment, and how many matches want one."""

    rooms: frozenset[RoomId]
    free: frozenset[RoomId]
    retiring: frozenset[RoomId]
    suspect: Mapping[RoomId, int]
    """Since when, in milliseconds."""

    waiting: int
    greeted: frozenset[ServerUid]
    """Servers that said hello and were not forgotten since, with rooms or without."""

    ranks: Mapping[RoomId, int] = field(default_factory=dict)
    """Of the free rooms."""

    reserve_target: int | None = None
    """Free rooms that the plan asks for; None while nobody plans."""

    version: str = ""
    """What servers of this fleet should be; empty where any version will do."""


def rooms_of(server: ServerView, *, rank: int = 0) -> list[NewRoom]:
    """A server's rooms, in the order in which they are added."""
    return [
        NewRoom(
            room_id(server.uid, n),
            server.uid,
            server.address,
            server.port,
            server.version,
            rank=rank,
        )
        for n in range(server.rooms)
    ]


def placement_of(fleet: FleetName, match: MatchId, reply: Sequence[str]) -> Placement | None:
    """A script's ``{room, server, address, port, epoch}`` as a value; None for less."""
    if len(reply) < 5:
        return None
    room, server, address, port, epoch = reply
    return Placement(match, fleet, ServerUid(server), RoomId(room), address, int(port), int(epoch))


def suspects(reply: Sequence[str]) -> dict[RoomId, int]:
    """The suspect rooms and since when, from member, score, member, score ..."""
    return {
        RoomId(room): int(float(since)) for room, since in zip(reply[::2], reply[1::2], strict=True)
    }


def ranks_of(reply: Sequence[str]) -> dict[RoomId, int]:
    """The rank of each free room, from member, score, member, score ..."""
    return {
        RoomId(room): int(float(score)) // RANK_MS
        for room, score in zip(reply[::2], reply[1::2], strict=True)
    }
