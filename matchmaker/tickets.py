"""A ticket: one request for a match, from one player or one party."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from core.ids import FleetName, MatchId, PlayerId, QueueName, TicketId
from core.placement import Placement

Teams = dict[str, list[tuple[TicketId, PlayerId]]]
"""Team to its players, in the order of their seats."""


class Status(StrEnum):
    """Where a ticket is; the words on the wire are FlexMatch's."""

    QUEUED = "QUEUED"
    REQUIRES_ACCEPTANCE = "REQUIRES_ACCEPTANCE"
    PLACING = "PLACING"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    TIMED_OUT = "TIMED_OUT"
    FAILED = "FAILED"

    def is_final(self) -> bool:
        """Whether the ticket has left its queue for good."""
        return self not in (Status.QUEUED, Status.REQUIRES_ACCEPTANCE, Status.PLACING)


@dataclass(frozen=True, slots=True)
class TicketPlayer:
    """One player of a ticket, as the engine sees them."""

    id: PlayerId
    rating: float
    """Skill on the ladder's own scale; 1500 is a new player."""

    attributes: Mapping[str, Any] = field(default_factory=dict)
    """What a rule set may look at; of the types it declares."""

    latency_ms: Mapping[str, float] = field(default_factory=dict)
    """Region to round trip."""


@dataclass(frozen=True, slots=True)
class NewTicket:
    """A request that was checked and may enter its queue."""

    id: TicketId
    queue: QueueName
    players: tuple[TicketPlayer, ...]
    owner: str
    """Who may ask about it besides its players, e.g. ``backend:shop``."""

    expires_ms: int
    presence_ms: int
    """Until when its owner counts as present; 0 when nobody has to be."""

    key: str = ""
    """The idempotency key within the owner's scope; empty for none."""

    digest: str = ""
    """Digest of the request that came with the key."""

    traceparent: str = ""
    """Of the ticket's trace; empty when it is not traced."""

    apart: Mapping[PlayerId, int] = field(default_factory=dict)
    """As in ``WaitingTicket``."""

    def mmr(self) -> float:
        """The party's mean rating."""
        return sum(player.rating for player in self.players) / len(self.players)

    def members(self) -> list[TicketPlayer]:
        """The players, where there is more to know of them than their rating."""
        known = any(player.attributes or player.latency_ms for player in self.players)
        return list(self.players) if known else []


@dataclass(frozen=True, slots=True)
class WaitingTicket:
    """A ticket as the matching engine holds it."""

    id: TicketId
    players: tuple[PlayerId, ...]
    mmr: float
    enqueued_ms: int
    traceparent: str = ""
    members: tuple[TicketPlayer, ...] = ()
    """The players with what a rule set looks at; empty where only ratings count."""

    apart: Mapping[PlayerId, int] = field(default_factory=dict, hash=False)
    """Players with whom it is in no match, and until when in milliseconds; 0 is always."""

    def avoids(self, now_ms: int) -> frozenset[PlayerId]:
        """Those of them who count now."""
        return frozenset(one for one, until in self.apart.items() if not until or now_ms < until)

    def keeps_from(self, other: "WaitingTicket", now_ms: int) -> bool:
        """Whether no match has both now, because one avoids somebody of the other."""
        return bool(self.apart or other.apart) and not (
            self.avoids(now_ms).isdisjoint(other.players)
            and other.avoids(now_ms).isdisjoint(self.players)
        )

    def size(self) -> int:
        """Players in the party; all of them go to the same team."""
        return len(self.players)

    def each(self) -> tuple[TicketPlayer, ...]:
        """The players as a rule set reads them, bare ones where only ratings are known."""
        return self.members or tuple(TicketPlayer(one, self.mmr) for one in self.players)


@dataclass(frozen=True, slots=True)
class OpenMatch:
    """A running match that asks for players, as its request says it. Stored and logged whole."""

    id: str
    """Of the request; a newer one of the same match has another."""

    match: MatchId
    asked_ms: int
    fleet: FleetName
    epoch: int
    """Session epoch at which it is played. Once it is played elsewhere the request is over."""

    open: dict[str, int]
    """Team to seats that may be given to somebody."""

    gone: tuple[PlayerId, ...]
    """Players whose seats are open; they keep them until somebody else has them."""

    teams: Teams
    """Everybody who has a seat, those among them who have gone too."""

    present: dict[str, tuple[WaitingTicket, ...]]
    """Team to those who play, by ticket; each as old as it was when it was matched, and older by
    the time that the request has waited."""


@dataclass(frozen=True, slots=True)
class Fill:
    """What a match that is made of newcomers knows of the running match that they go to."""

    of: MatchId
    backfill: str
    """The request that it answers."""

    fleet: FleetName
    epoch: int
    out: tuple[PlayerId, ...]
    """Whose seats the newcomers get."""

    after: str
    """JSON of the running match's ``Teams`` with the newcomers in them."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A match that a ticket's players are asked to accept."""

    match: MatchId
    by_ms: int
    """Who has not answered by then has not come."""

    accepted: tuple[PlayerId, ...]
    """Those of the ticket's players who have accepted it."""


@dataclass(frozen=True, slots=True)
class TicketRecord:
    """A ticket as it is stored, for those who ask about it."""

    id: TicketId
    queue: QueueName
    status: Status
    ver: int
    """Rises with every change."""

    players: tuple[PlayerId, ...]
    owner: str
    enqueued_ms: int
    expires_ms: int
    match: MatchId | None
    reason: str
    why: str = ""
    """What kept it waiting, in a sentence, when it had waited long and the director looked."""

    acceptance: Acceptance | None = None
    """While its status is REQUIRES_ACCEPTANCE."""


@dataclass(frozen=True, slots=True)
class MatchRecord:
    """A match as it is stored."""

    id: MatchId
    state: str
    """asking (its players are asked to accept it), proposed, committed or closed."""

    tickets: tuple[TicketId, ...]
    teams: Teams
    deadline_ms: int
    placement: Placement | None
    ended: str
    """Why it is over; empty while it is not."""

    fleets: tuple[FleetName, ...] = ()
    """Fleets that may give it a room; only the first may be asked."""

    fill: Fill | None = None
    """Where its players are newcomers to a match that runs."""

    fills: int = 0
    """How often newcomers came to it."""

    def seat_of(self, player: PlayerId) -> tuple[TicketId, str, int] | None:
        """A player's ticket, team and seat; None for a stranger."""
        for team, seats in self.teams.items():
            for seat, (ticket, member) in enumerate(seats):
                if member == player:
                    return ticket, team, seat
        return None
