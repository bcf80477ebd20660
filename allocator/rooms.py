"""Rooms as values, and what the pool's state looks like at one moment."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from core.game_server import Pinned, ServerView, pinned_states
from core.ids import FleetName, MatchId, RoomId, ServerUid, room_id, server_of
from core.placement import Placement

UNPROVEN_MS = 10**13
"""What ``fleet.lua`` adds to the score of a free room whose server did not prove its cores."""


@dataclass(frozen=True, slots=True)
class NewRoom:
    """A room that the reserve may have."""

    room: RoomId
    server: ServerUid
    address: str
    port: int
    version: str
    proven: bool = False
    """Whether its server's cores are proven to be its own; such rooms are handed out first."""


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

    proven: frozenset[RoomId] = frozenset()
    """Free rooms that stand before the others, for the cores of their servers."""

    reserve_target: int | None = None
    """Free rooms that the plan asks for; None while nobody plans."""

    version: str = ""
    """What servers of this fleet should be; empty where any version will do."""


def rooms_of(server: ServerView, *, proven: bool = False) -> list[NewRoom]:
    """A server's rooms, in the order in which they are added."""
    return [
        NewRoom(
            room_id(server.uid, n),
            server.uid,
            server.address,
            server.port,
            server.version,
            proven=proven,
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


def proven_of(reply: Sequence[str]) -> frozenset[RoomId]:
    """The free rooms of servers that proved their cores, from member, score, member, score ..."""
    return frozenset(
        RoomId(room)
        for room, score in zip(reply[::2], reply[1::2], strict=True)
        if float(score) < UNPROVEN_MS
    )


def misplaced(census: Census, running: Collection[ServerView]) -> dict[RoomId, bool]:
    """Free rooms that stand among the proven and are not, or the other way round."""
    known = pinned_states(running)
    return {
        room: proven
        for room in sorted(census.free)
        if server_of(room) in known
        and (proven := known[server_of(room)] is Pinned.PROVEN) != (room in census.proven)
    }
