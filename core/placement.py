"""What the matchmaker asks of the allocator, and what it gets: an order and a placement."""

from dataclasses import dataclass

import msgspec

from core.ids import FleetName, MatchId, PlayerId, QueueName, RoomId, ServerUid, TicketId


class SeatedPlayer(msgspec.Struct, frozen=True, omit_defaults=True):
    """One player of a match and the place kept for them. Stored and sent as it stands here."""

    player: PlayerId
    ticket: TicketId
    team: str
    seat: int
    """Place in the team, counted from 0."""

    traceparent: str = ""
    """Of the ticket's trace; empty when it is not traced."""


@dataclass(frozen=True, slots=True)
class ClaimOrder:
    """A match that wants a room."""

    match: MatchId
    queue: QueueName
    players: tuple[SeatedPlayer, ...]
    deadline_ms: int
    """Until when the match may wait in line, and an uncommitted claim may stand."""


@dataclass(frozen=True, slots=True)
class SeatOrder:
    """Newcomers who want seats in a match that runs."""

    match: MatchId
    """That they go to."""

    fill: MatchId
    """The newcomers' own; the same again is the same order."""

    fleet: FleetName
    epoch: int
    """Session epoch at which the seats are open."""

    players: tuple[SeatedPlayer, ...]
    out: tuple[PlayerId, ...]
    """Players who have gone, and whose seats are given to newcomers."""


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
