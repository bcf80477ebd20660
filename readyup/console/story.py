"""What the streams have told so far: who waits, which matches are forming, and how long it took.

Pure: events go in, in the order of their streams, and time is theirs. Everything here is
bounded, so that a console may watch for weeks.
"""

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from itertools import islice

from core.eventlog import Event
from core.ids import MatchId, queue_of
from matchmaker.engine.receipt import Receipt, receipt_of
from readyup.console.goodness import RECENT
from readyup.console.window import Window

TICKETS_MAX = 20_000
"""Waiting tickets remembered of one queue, for drawing; the counts come from the queue."""

MATCHES_MAX = 400
"""Matches remembered of one queue, the newest."""

RATINGS_MAX = 1_000
"""Newest ratings from which the rating axis is laid."""

Seats = dict[str, list[list[str]]]
"""Teams as match.committed carries them: team to [ticket, player] pairs."""


@dataclass(slots=True)
class Waiting:
    """A ticket in its queue."""

    mmr: float | None
    size: int
    enqueued_ms: int


@dataclass(slots=True)
class Forming:
    """A match and when each step of it was taken, in milliseconds since 1970; 0 is not yet."""

    match: str
    queue: str
    tickets: tuple[str, ...] = ()
    players: int = 0
    teams: tuple[float | None, ...] = ()
    receipt: Receipt | None = None
    """Why it was made."""

    asks_until_ms: int = 0
    """While its players are asked to accept it."""

    server: str = ""
    """uid."""

    proposed_ms: int = 0
    in_line_ms: int = 0
    held_ms: int = 0
    announced_ms: int = 0
    acked_ms: int = 0
    closed: str = ""
    ended: bool = False


@dataclass(slots=True)
class QueueStory:
    """One queue's tickets and matches."""

    name: str
    waiting: dict[str, Waiting] = field(default_factory=dict)
    matches: OrderedDict[str, Forming] = field(default_factory=OrderedDict)
    ratings: OrderedDict[str, float] = field(default_factory=OrderedDict)
    arrivals: Window = field(default_factory=Window)
    waits_ms: Window = field(default_factory=Window)
    """A ticket's time from enqueued to announced."""

    places_ms: Window = field(default_factory=Window)
    """A match's time from formed to announced."""

    announced: Window = field(default_factory=Window)
    receipts: deque[Receipt] = field(default_factory=lambda: deque(maxlen=RECENT))
    """Of the matches announced last."""

    def apply(self, event: Event) -> None:
        """Take one event of the queue's stream."""
        match event["k"]:
            case "ticket.enqueued":
                self._enqueued(event)
            case "ticket.updated":
                self._updated(event)
            case "ticket.cancelled" | "ticket.expired":
                self.waiting.pop(event["ticket"], None)
            case "match.proposed" | "match.committed" if event.get("of"):
                pass  # newcomers to a match that runs are no other match
            case "match.proposed":
                forming = self.match(event["match"])
                forming.proposed_ms = event["t"]
                forming.receipt = receipt_of(event.get("receipt"))
                forming.asks_until_ms = int(event.get("accept_by_ms") or 0)
                self._seat(forming, tuple(event["tickets"]))
            case "match.committed":
                forming = self.match(event["match"])
                forming.teams = tuple(
                    self._mean_mmr(seats) for _, seats in sorted(event.get("teams", {}).items())
                )
            case "match.announced":
                self._announced(event)
            case kind:
                if (known := self.matches.get(event.get("match", ""))) is not None:
                    _follow(known, kind, event)

    def match(self, match: str) -> Forming:
        """The match of this id; one that is new to us begins here."""
        found = self.matches.get(match)
        if found is None:
            found = self.matches[match] = Forming(match, self.name)
            if len(self.matches) > MATCHES_MAX:
                self.matches.popitem(last=False)
        return found

    def newest(self, many: int) -> list[Forming]:
        """The matches that came last, the newest first."""
        return list(islice(reversed(self.matches.values()), many))

    def _enqueued(self, event: Event) -> None:
        mmr = event.get("mmr")
        size = int(event.get("size") or len(event.get("players", ())) or 1)
        ticket = event["ticket"]
        self.waiting[ticket] = Waiting(None if mmr is None else float(mmr), size, event["t"])
        self.arrivals.add(event["t"], 1.0)
        if mmr is not None:
            self.ratings[ticket] = float(mmr)
        if len(self.ratings) > RATINGS_MAX:
            self.ratings.popitem(last=False)
        if len(self.waiting) > TICKETS_MAX:
            del self.waiting[next(iter(self.waiting))]

    def _updated(self, event: Event) -> None:
        waiting = self.waiting.get(event["ticket"])
        if waiting is not None and event.get("mmr") is not None:
            waiting.mmr = float(event["mmr"])

    def _announced(self, event: Event) -> None:
        if not event.get("of"):
            self._placed(event)
        for ticket in event["tickets"]:
            gone = self.waiting.pop(ticket, None)
            if gone is not None:
                self.waits_ms.add(event["t"], max(0, event["t"] - gone.enqueued_ms))

    def _placed(self, event: Event) -> None:
        forming = self.match(event["match"])
        forming.announced_ms = event["t"]
        forming.server = event.get("server") or forming.server
        self.announced.add(event["t"], 1.0)
        if forming.receipt is not None:
            self.receipts.append(forming.receipt)
            forming.receipt = None
        self._seat(forming, tuple(event["tickets"]))
        formed_us = int(event.get("formed_us") or forming.proposed_ms * 1000)
        if formed_us:
            # The two clocks are one machine's; the announcement is stamped in whole
            # milliseconds, so a quick one may seem to come before its own forming.
            self.places_ms.add(event["t"], max(0.0, event["t"] - formed_us / 1000))

    def _seat(self, forming: Forming, tickets: tuple[str, ...]) -> None:
        forming.tickets = tickets
        known = [self.waiting[t] for t in tickets if t in self.waiting]
        forming.players = sum(t.size for t in known) or forming.players or len(tickets)

    def _mean_mmr(self, seats: list[list[str]]) -> float | None:
        found = [self.waiting[ticket].mmr for ticket, _ in seats if ticket in self.waiting]
        rated = [mmr for mmr in found if mmr is not None]
        return sum(rated) / len(rated) if rated else None


@dataclass(slots=True)
class Story:
    """All queues' stories; fleets' events find their match's queue by its id."""

    queues: dict[str, QueueStory]

    @classmethod
    def of(cls, queues: list[str]) -> "Story":
        """An empty story of these queues."""
        return cls({name: QueueStory(name) for name in queues})

    def apply_fleet(self, event: Event) -> None:
        """Take one event of a fleet's stream; what concerns no match of ours is passed over."""
        queue = self.queues.get(queue_of(MatchId(event.get("match", ""))))
        if queue is None:
            return
        # A queue's stream and its fleet's are not read in step, so a match may begin here.
        if event["k"] in {"match.waiting", "room.claimed"}:
            queue.match(event["match"])
        if (known := queue.matches.get(event["match"])) is not None:
            _follow(known, event["k"], event)


def _follow(forming: Forming, kind: str, event: Event) -> None:
    """What happens to a match once it is there; one that was forgotten does not come back."""
    match kind:
        case "match.accepted":
            forming.asks_until_ms = 0
        case "match.waiting":
            forming.in_line_ms = event["t"]
        case "room.claimed" | "session.moved":
            forming.server = event.get("server", "")
            forming.held_ms = forming.held_ms or event["t"]
        case "room.acked":
            forming.acked_ms = event["t"]
        case "match.closed":
            forming.closed = event.get("reason") or "closed"
        case "match.ended" | "session.ended":
            forming.ended = True
        case _:
            pass
