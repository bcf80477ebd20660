"""What the events of a run tell, replayed: tickets, matches, rooms, sessions, players.

Each part is moved by one source only (a queue's stream, a fleet's, a bot's file), so the
story is the same however the lines of different sources are interleaved. A handler of an
invariant sees the story as it was before its event, and may lean on the part of that
event's own source; what takes two sources is judged at the end.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from readyup.history import store_events as store, witness_events as own
from readyup.history.event import Event

Handlers = Mapping[type[Event], Callable[[Any], None]]
"""What to do on which kind. ``Any``: the key says which event the function takes."""


class Place(NamedTuple):
    """A room of a fleet, held at a session epoch."""

    fleet: str
    room: str
    server: str
    epoch: int


@dataclass(slots=True)
class Ticket:
    """One ticket, as its queue's stream tells it."""

    players: tuple[str, ...]
    enqueued_ms: int
    gone: str = ""
    """``cancelled`` or ``expired``."""
    match: str = ""
    """The match it was committed to."""

    @property
    def has_left(self) -> bool:
        """Whether it waits no more."""
        return bool(self.gone or self.match)


@dataclass(slots=True)
class Match:
    """One match, as its queue's stream tells it."""

    tickets: tuple[str, ...] = ()
    proposed: bool = False
    asks: bool = False
    """Its players must accept it before it is committed."""
    accepted: set[str] = field(default_factory=set)
    """Those of them who have."""
    closed: bool = False
    committed: bool = False
    announced_ms: int | None = None
    ended: str = ""
    ended_ms: int | None = None
    seats: dict[str, str] = field(default_factory=dict)
    """Player to ticket, of a committed match."""
    seated: set[tuple[str, str]] = field(default_factory=set)
    """Players and the tickets by which they had a seat at some time."""
    came_ms: dict[str, int] = field(default_factory=dict)
    """When newcomers to it were told."""
    of: str = ""
    """The running match that its players are newcomers to."""
    told: set[Place] = field(default_factory=set)
    """Every place that was announced, or moved to."""


@dataclass(slots=True)
class Room:
    """One room of the pool, as its fleet's stream tells it."""

    server: str
    holder: str = ""
    epoch: int = 0
    suspect: bool = False
    """Its match went elsewhere or its server is lost: neither free nor held."""

    @property
    def is_held(self) -> bool:
        return bool(self.holder) and not self.suspect


@dataclass(slots=True)
class Session:
    """One match's life in one fleet."""

    now: Place
    live: bool = True
    reason: str = ""
    held: dict[int, Place] = field(default_factory=dict)
    acked: set[int] = field(default_factory=set)
    spoken_for: set[int] = field(default_factory=set)
    """Epochs of ``acked`` that somebody else acked for a server which tells nothing itself."""


@dataclass(slots=True)
class Fleet:
    """One fleet's stream so far."""

    rooms: dict[str, Room] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    in_use: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Server uid to the matches that live there."""
    in_line: set[str] = field(default_factory=set)


class Story:
    """Everything above, by name, and the run's own words."""

    def __init__(self) -> None:
        self.tickets: dict[str, Ticket] = {}
        self.matches: dict[str, Match] = {}
        self.fleets: dict[str, Fleet] = {}
        self.started = False
        self.crowd = ""
        """What the run's own players are called; empty where the log does not tell."""

        self.drained = False
        self.ended: own.RunEnded | None = None

    def sessions_of(self, match: str) -> list[Session]:
        """A match's sessions; more than one only if two fleets gave it a room."""
        return [s for fleet in self.fleets.values() if (s := fleet.sessions.get(match))]

    def handlers(self) -> Handlers:
        """How each kind of event moves the story on."""
        return {
            store.TicketEnqueued: self._enqueued,
            store.TicketCancelled: self._cancelled,
            store.TicketExpired: self._expired,
            store.MatchProposed: self._proposed,
            store.TicketAccepted: self._accepted,
            store.TicketDeclined: self._declined,
            store.MatchCommitted: self._committed,
            store.MatchClosed: self._closed,
            store.MatchAnnounced: self._announced,
            store.MatchMoved: self._told,
            store.MatchEnded: self._match_ended,
            store.RoomAdded: self._added,
            store.MatchWaiting: self._waiting,
            store.ClaimLeft: self._left_line,
            store.RoomClaimed: self._claimed,
            store.SessionMoved: self._moved,
            store.RoomAcked: self._acked,
            store.RoomReleased: self._released,
            store.SessionEnded: self._session_ended,
            store.RoomRemoved: self._removed,
            own.RunStarted: self._run_started,
            own.RunDrained: self._run_drained,
            own.RunEnded: self._run_ended,
        }

    def fleet(self, src: str) -> Fleet:
        """The fleet whose stream ``fleet/<name>`` is."""
        name = src.partition("/")[2]
        found = self.fleets.get(name)
        if found is None:
            found = self.fleets[name] = Fleet()
        return found

    def played(self, name: str) -> Match:
        """The match in which those of a match play: the running one, for newcomers."""
        match = self.matches[name]
        return self.matches.get(match.of, match)

    def _match(self, name: str) -> Match:
        found = self.matches.get(name)
        if found is None:
            found = self.matches[name] = Match()
        return found

    def _enqueued(self, e: store.TicketEnqueued) -> None:
        self.tickets.setdefault(e.ticket, Ticket(tuple(e.players), e.t))

    def _cancelled(self, e: store.TicketCancelled) -> None:
        if ticket := self.tickets.get(e.ticket):
            ticket.gone = ticket.gone or "cancelled"

    def _expired(self, e: store.TicketExpired) -> None:
        if ticket := self.tickets.get(e.ticket):
            ticket.gone = ticket.gone or "expired"

    def _proposed(self, e: store.MatchProposed) -> None:
        match = self._match(e.match)
        match.proposed = True
        match.tickets = tuple(e.tickets)
        match.of = e.of or ""
        match.asks = e.accept_by_ms is not None

    def _accepted(self, e: store.TicketAccepted) -> None:
        self._match(e.match).accepted.update(e.players)

    def _declined(self, e: store.TicketDeclined) -> None:
        self._match(e.match).accepted.difference_update(e.players)

    def _committed(self, e: store.MatchCommitted) -> None:
        match = self._match(e.match)
        match.committed = True
        match.seats = {player: ticket for team in e.teams.values() for ticket, player in team}
        match.seated = {(player, ticket) for player, ticket in match.seats.items()}
        for name in e.tickets:
            if ticket := self.tickets.get(name):
                ticket.match = ticket.match or e.match

    def _closed(self, e: store.MatchClosed) -> None:
        self._match(e.match).closed = True

    def _announced(self, e: store.MatchAnnounced) -> None:
        match = self._match(e.match)
        if match.announced_ms is None:
            match.announced_ms = e.t
        if e.of is None:
            self._told(e)
            return
        running = self._match(e.of)
        running.seats |= match.seats
        running.seated |= match.seated
        running.came_ms |= dict.fromkeys(match.seats, e.t)
        running.told.add(Place(e.fleet, e.room, e.server, e.session_epoch))

    def _told(self, e: store.MatchAnnounced | store.MatchMoved) -> None:
        self._match(e.match).told.add(Place(e.fleet, e.room, e.server, e.session_epoch))

    def _match_ended(self, e: store.MatchEnded) -> None:
        match = self._match(e.match)
        match.ended, match.ended_ms = e.reason, e.t

    def _added(self, e: store.RoomAdded) -> None:
        self.fleet(e.src).rooms[e.room] = Room(e.server)

    def _waiting(self, e: store.MatchWaiting) -> None:
        fleet = self.fleet(e.src)
        fleet.in_line.add(e.match)
        if session := fleet.sessions.get(e.match):  # its room is given up, another not yet found
            fleet.in_use[session.now.server].discard(e.match)

    def _left_line(self, e: store.ClaimLeft) -> None:
        self.fleet(e.src).in_line.discard(e.match)

    def _claimed(self, e: store.RoomClaimed) -> None:
        fleet = self.fleet(e.src)
        fleet.in_line.discard(e.match)
        place = self._hold(fleet, e)
        session = fleet.sessions.setdefault(e.match, Session(place))
        session.now, session.live = place, True
        session.held[place.epoch] = place

    def _moved(self, e: store.SessionMoved) -> None:
        fleet = self.fleet(e.src)
        fleet.in_line.discard(e.match)
        session = fleet.sessions.get(e.match)
        if session is not None:
            self._suspect(fleet, e.match, session.now)
            fleet.in_use[session.now.server].discard(e.match)
        place = self._hold(fleet, e)
        if session is None:
            session = fleet.sessions[e.match] = Session(place)
        session.now, session.live = place, True
        session.held[place.epoch] = place

    def _hold(self, fleet: Fleet, e: store.RoomClaimed | store.SessionMoved) -> Place:
        room = fleet.rooms.setdefault(e.room, Room(e.server))
        room.holder, room.epoch, room.suspect = e.match, e.session_epoch, False
        fleet.in_use[e.server].add(e.match)
        return Place(e.src.partition("/")[2], e.room, e.server, e.session_epoch)

    @staticmethod
    def _suspect(fleet: Fleet, match: str, place: Place) -> None:
        room = fleet.rooms.get(place.room)
        if room and (room.holder, room.epoch) == (match, place.epoch):
            room.suspect = True

    def _acked(self, e: store.RoomAcked) -> None:
        if session := self.fleet(e.src).sessions.get(e.match):
            session.acked.add(e.session_epoch)
            if e.by != "server":
                session.spoken_for.add(e.session_epoch)

    def _released(self, e: store.RoomReleased) -> None:
        if room := self.fleet(e.src).rooms.get(e.room):
            room.holder, room.epoch, room.suspect = "", 0, False

    def _session_ended(self, e: store.SessionEnded) -> None:
        fleet = self.fleet(e.src)
        session = fleet.sessions.get(e.match)
        if session is None:
            return
        session.live, session.reason = False, e.reason
        fleet.in_use[session.now.server].discard(e.match)
        if e.reason in ("lost", "stopped"):  # only a new room.added makes its room free
            self._suspect(fleet, e.match, session.now)

    def _removed(self, e: store.RoomRemoved) -> None:
        self.fleet(e.src).rooms.pop(e.room, None)

    def _run_started(self, e: own.RunStarted) -> None:
        self.started, self.crowd = True, e.crowd

    def _run_drained(self, _: own.RunDrained) -> None:
        self.drained = True

    def _run_ended(self, e: own.RunEnded) -> None:
        self.ended = e
