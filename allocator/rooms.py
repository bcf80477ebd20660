"""Rooms as values, and what the pool's state looks like at one moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.game_server import ServerView
from core.ids import FleetName, MatchId, RoomId, ServerUid, room_id
from core.placement import Placement


@dataclass(frozen=True, slots=True)
class NewRoom:
    """A room that the reserve may have."""

    room: RoomId
    server: ServerUid
    address: str
    port: int
    version: str


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


def rooms_of(server: ServerView) -> list[NewRoom]:
    """A server's rooms, in the order in which they are added."""
    return [
        NewRoom(room_id(server.uid, n), server.uid, server.address, server.port, server.version)
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
