"""What the scripts of queues and fleets write, in the moment that they make it true."""

from typing import Literal

import msgspec

from readyup.history.event import Event


class QueueEvent(Event):
    """From a queue's stream, written by the scripts that make it true."""

    roles = ("queue",)


class FleetEvent(Event):
    """From a fleet's stream."""

    roles = ("fleet",)


class FleetHold(FleetEvent):
    """A fleet's word on which match holds a room, and at which session epoch."""

    match: str
    room: str
    session_epoch: int


class LeaderElected(Event, tag="leader.elected"):
    """A new term began."""

    roles = ("queue", "fleet")
    epoch: int


class TicketEnqueued(QueueEvent, tag="ticket.enqueued"):
    """A ticket entered its queue."""

    ticket: str
    players: list[str]
    key: str | None = None


class TicketCancelled(QueueEvent, tag="ticket.cancelled"):
    """A ticket left at its owner's wish."""

    ticket: str


class TicketExpired(QueueEvent, tag="ticket.expired"):
    """A ticket left because its time was over or its owner gone."""

    ticket: str


class TicketUnmatched(QueueEvent, tag="ticket.unmatched"):
    """A ticket that still waits was told that there is no match for it yet."""

    ticket: str


class TicketAccepted(QueueEvent, tag="ticket.accepted"):
    """Players of a ticket accepted the match that asked them."""

    ticket: str
    match: str
    players: list[str]


class TicketDeclined(TicketAccepted, tag="ticket.declined"):
    """They declined it; their ticket is cancelled with it."""


class MatchAccepted(QueueEvent, tag="match.accepted"):
    """All players of a match have accepted it."""

    match: str


class MatchProposed(QueueEvent, tag="match.proposed"):
    """A match took its tickets, for now."""

    match: str
    epoch: int
    tickets: list[str]
    accept_by_ms: int | None = None
    """There when its players are asked to accept it first."""
    of: str | None = None
    """The running match, where these are newcomers to one; so with those below."""


class MatchCommitted(QueueEvent, tag="match.committed"):
    """A match stands; its tickets have left the queue."""

    match: str
    epoch: int
    tickets: list[str]
    teams: dict[str, list[tuple[str, str]]]
    of: str | None = None


class MatchClosed(QueueEvent, tag="match.closed"):
    """A proposed match came to nothing; ``tickets`` wait again."""

    match: str
    # Left out when nobody goes back; cjson would write an empty list as {}.
    tickets: list[str] | dict[str, str] = []  # noqa: RUF012 - msgspec copies it for each


class MatchMoved(QueueEvent, tag="match.moved"):
    """A committed match got another place."""

    match: str
    fleet: str
    room: str
    server: str
    session_epoch: int


class MatchAnnounced(MatchMoved, tag="match.announced"):
    """Players may know where their match is."""

    tickets: list[str]
    of: str | None = None


class MatchEnded(QueueEvent, tag="match.ended"):
    """A match is over, for its queue."""

    match: str
    reason: str


class RoomAdded(FleetEvent, tag="room.added"):
    """A room joined the pool, free."""

    room: str
    server: str


class MatchWaiting(FleetEvent, tag="match.waiting"):
    """No room was free; the match stands in line."""

    match: str


class ClaimLeft(FleetEvent, tag="claim.left"):
    """A match left the line without a room."""

    match: str


class RoomClaimed(FleetHold, tag="room.claimed"):
    """A free room is held by a match from here on."""

    server: str


class RoomAcked(FleetHold, tag="room.acked"):
    """A server's acknowledgement was accepted; it may admit players.

    ``by`` says whose word it was: a server that speaks only an Agones SDK writes no events,
    and a label of it, or the cluster that took what was written for it, speaks in its place.
    """

    server: str
    by: Literal["server", "label", "patch"] = "server"


class RoomReleased(FleetHold, tag="room.released"):
    """The room is free again."""


class SessionMoved(FleetHold, tag="session.moved"):
    """A match holds another room, at a higher epoch. ``origin`` is the room it had."""

    origin: str = msgspec.field(name="from")
    server: str


class SessionHandover(FleetHold, tag="session.handover"):
    """A match in play has lost its server; another one is looked for.

    ``snapshot_ms`` is when what the next server gets was said; 0 when nothing was.
    """

    server: str
    snapshot_ms: int


class Seated(msgspec.Struct):
    """A newcomer and the seat they get."""

    player: str
    ticket: str
    team: str
    seat: int


class SessionFilled(FleetHold, tag="session.filled"):
    """Newcomers have seats in a match that runs; ``out`` have them no more."""

    fill: str
    """The newcomers' own match."""

    players: list[Seated]
    out: list[str] = []  # noqa: RUF012 - msgspec copies it for each


class SessionUnfilled(FleetHold, tag="session.unfilled"):
    """They do not come: whoever had the seats before has those again that nobody else has now."""

    fill: str


class SessionResult(FleetEvent, tag="session.result"):
    """What came of a match was recorded, as this server told it at this epoch."""

    match: str
    server: str
    session_epoch: int


class SessionEnded(FleetEvent, tag="session.ended"):
    """A session is over, for its fleet."""

    match: str
    session_epoch: int
    reason: Literal["finished", "no-join", "failed", "lost", "abandoned", "stopped", "closed"]


class RoomRemoved(FleetEvent, tag="room.removed"):
    """A room left the pool."""

    room: str


class ServerDeleted(FleetEvent, tag="server.deleted"):
    """A game server is gone. Only ``scale`` was our own wish."""

    server: str
    reason: Literal["scale", "unhealthy", "exited", "shutdown", "stop"]


BackfillAsked = msgspec.defstruct(
    "BackfillAsked", [("match", str)], bases=(QueueEvent,), tag="backfill.asked"
)
BackfillEnded = msgspec.defstruct(
    "BackfillEnded", [("match", str)], bases=(QueueEvent,), tag="backfill.ended"
)
TicketUpdated = msgspec.defstruct("TicketUpdated", [], bases=(QueueEvent,), tag="ticket.updated")
PlayerPenalised = msgspec.defstruct(
    "PlayerPenalised", [("player", str)], bases=(QueueEvent,), tag="player.penalised"
)
"""Tell a reader something, and no invariant anything."""
