"""What the matchmaker asks of the allocator, and what it gets: an order and a placement."""

from dataclasses import dataclass

from core.ids import FleetName, MatchId, PlayerId, QueueName, RoomId, ServerUid, TicketId


@dataclass(frozen=True, slots=True)
class SeatedPlayer:
    """One player of a match and the place kept for them."""

    player: PlayerId
    ticket: TicketId
    team: str
    seat: int
    """Place in the team, counted from 0."""


@dataclass(frozen=True, slots=True)
class ClaimOrder:
    """A match that wants a room."""

    match: MatchId
    queue: QueueName
    players: tuple[SeatedPlayer, ...]
    deadline_ms: int
    """Until when the match may wait in line, and an uncommitted claim may stand."""


@dataclass(frozen=True, slots=True)
class Placement:
    """A match and the room that is held for it."""

    match: MatchId
    fleet: FleetName
    server: ServerUid
    room: RoomId
    address: str
    port: int
    epoch: int
    """Session epoch: 1 for the first room, higher each time the match is moved."""
