"""What is told to others: each kind of event, with the fields that are promised.

The streams hold more, for ourselves: other kinds and other fields, which may change with any
release. A field here is only added; taking one away, or giving it another meaning, is a new
``VERSION``.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

VERSION = 1


class Seat(msgspec.Struct):
    """One player of a team, in order of seats."""

    ticket: str
    player: str


class Place(msgspec.Struct, kw_only=True):
    """Where a match is played. ``session_epoch`` rises when it gets another place."""

    match: str
    fleet: str
    room: str
    server: str
    session_epoch: int


class Ticket(msgspec.Struct, kw_only=True):
    """What every event of a ticket says."""

    ticket: str


class TicketEnqueued(Ticket):
    """A ticket waits. ``mmr`` is its rating, that of a party as its queue reckons it."""

    players: list[str]
    mmr: float | None = None


class TicketUpdated(Ticket):
    """A ticket that waits has new wishes."""

    mmr: float | None = None


class TicketUnmatched(Ticket):
    """A ticket has waited long, and was told ``why``; it waits on."""

    waited_ms: int
    why: str = ""


class TicketAnswered(Ticket):
    """Players of a ticket accepted, or declined, the match that asked them."""

    match: str
    players: list[str]


class TicketCancelled(Ticket):
    """A ticket left: at its owner's wish, or with the ``reason`` declined or unanswered."""

    reason: str = ""


class TicketExpired(Ticket):
    """A ticket left: ``reason`` is lifetime (no match was found) or absent (nobody asked)."""

    reason: str = ""
    why: str = ""


class PlayerPenalised(msgspec.Struct, kw_only=True):
    """Who declined, did not answer or left may not ask for a match until ``until_ms``."""

    player: str
    why: str
    count: int
    until_ms: int


class MatchProposed(msgspec.Struct, kw_only=True):
    """A match took these tickets, for now; ``of`` is the running match they are to join."""

    match: str
    tickets: list[str]
    accept_by_ms: int | None = None
    of: str | None = None


class MatchAccepted(msgspec.Struct, kw_only=True):
    """Everybody who was asked has accepted."""

    match: str
    tickets: list[str] = msgspec.field(default_factory=list)


class MatchCommitted(msgspec.Struct, kw_only=True):
    """A match stands; its tickets have left the queue for good."""

    match: str
    tickets: list[str]
    teams: dict[str, list[Seat]]
    of: str | None = None


class MatchClosed(msgspec.Struct, kw_only=True):
    """A match came to nothing before it stood; ``tickets`` wait again."""

    match: str
    reason: str
    tickets: list[str] = msgspec.field(default_factory=list)
    of: str | None = None


class MatchAnnounced(Place):
    """Its players were told where to go."""

    tickets: list[str]
    of: str | None = None


class MatchMoved(Place):
    """A match that stands got another place."""


class MatchEnded(msgspec.Struct, kw_only=True):
    """A match is over, for its queue."""

    match: str
    reason: str


class Backfill(msgspec.Struct, kw_only=True):
    """A running match asks for players, or no more (``reason`` says why)."""

    match: str
    backfill: str
    reason: str | None = None


class Session(msgspec.Struct, kw_only=True):
    """What every event of a session says: a match at one server."""

    match: str
    server: str
    session_epoch: int


class SessionPlaced(Session):
    """A room is held for a match; or its server took it, and lets players in."""

    room: str


class SessionMoved(SessionPlaced):
    """A match holds another room; the one it had stands in ``from``."""

    origin: str = msgspec.field(name="from")


class Newcomer(msgspec.Struct):
    """A player who joins a match that runs."""

    player: str
    ticket: str
    team: str


class SessionFilled(SessionPlaced):
    """Newcomers have seats in a match that runs; those who are ``out`` lost theirs."""

    fill: str
    players: list[Newcomer]
    out: list[str] | None = None


class SessionUnfilled(SessionPlaced):
    """The newcomers of this ``fill`` have their seats no more."""

    fill: str


class SessionHandover(SessionPlaced):
    """A match in play has lost this server; another one is looked for.

    ``snapshot_ms`` is when what the next one gets was said; 0 when nothing was.
    """

    snapshot_ms: int


class SessionResult(Session):
    """What came of a match, as its server told it; ``null`` once its record was gone (an hour
    after the match).
    """

    result: Any = None


class SessionEnded(msgspec.Struct, kw_only=True):
    """A session is over."""

    match: str
    session_epoch: int
    reason: str


class StreamSkipped(msgspec.Struct, kw_only=True):
    """Whatever came between these two ids was trimmed before it could be told."""

    after: str
    first: str


class StreamWithdrawn(msgspec.Struct, kw_only=True):
    """A failover of the store took back what was told under these ids: it never was."""

    ids: list[str]


KINDS: Mapping[str, type[msgspec.Struct]] = {
    "ticket.enqueued": TicketEnqueued,
    "ticket.updated": TicketUpdated,
    "ticket.unmatched": TicketUnmatched,
    "ticket.accepted": TicketAnswered,
    "ticket.declined": TicketAnswered,
    "ticket.cancelled": TicketCancelled,
    "ticket.expired": TicketExpired,
    "player.penalised": PlayerPenalised,
    "match.proposed": MatchProposed,
    "match.accepted": MatchAccepted,
    "match.committed": MatchCommitted,
    "match.closed": MatchClosed,
    "match.announced": MatchAnnounced,
    "match.moved": MatchMoved,
    "match.ended": MatchEnded,
    "backfill.asked": Backfill,
    "backfill.ended": Backfill,
    "room.claimed": SessionPlaced,
    "room.acked": SessionPlaced,
    "session.moved": SessionMoved,
    "session.filled": SessionFilled,
    "session.unfilled": SessionUnfilled,
    "session.handover": SessionHandover,
    "session.result": SessionResult,
    "session.ended": SessionEnded,
    "stream.skipped": StreamSkipped,
    "stream.withdrawn": StreamWithdrawn,
}
"""Kind of an event to what it says. The last two are said by whoever tells, not by a stream."""

SUBJECTS = ("match", "ticket", "player")
"""What an event is about: the first of these that it has; for an event of a ticket, the ticket."""
