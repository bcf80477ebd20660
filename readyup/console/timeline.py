"""Which steps each of the newest tickets and matches took, and when.

Pure: events go in, in the order of their streams. The oldest are forgotten, so that a
console may watch for weeks; ``readyup.console.stored`` knows some of those. What is forgotten
does not come back in part, which would hide the stored whole.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

from core.eventlog import Event
from core.words import many
from matchmaker.engine.receipt import Receipt, receipt_of

MATCHES_MAX = 5_000
TICKETS_MAX = 10_000
STEPS_MAX = 60
"""Steps kept of one ticket or match: one that moves from server to server for ever is cut."""

JOINED = "joined"
"""Why newcomers' own match is over: they play in the one that ran."""

ENDING_MIN = 8
"""So many last characters of an id are enough to find it."""

RANK = {
    kind: rank
    for rank, kind in enumerate(
        (
            "ticket.enqueued",
            "ticket.updated",
            "match.proposed",
            "match.waiting",
            "room.claimed",
            "match.committed",
            "match.announced",
            "server.assigned",
            "server.acked",
            "room.acked",
        )
    )
}
"""The order of steps of one millisecond: streams share no clock that is finer."""

TICKET_KINDS = frozenset(
    {
        "ticket.enqueued",
        "ticket.updated",
        "ticket.unmatched",
        "ticket.accepted",
        "ticket.declined",
        "ticket.cancelled",
        "ticket.expired",
    }
)

MATCH_BEGINS = frozenset(
    {"match.proposed", "match.waiting", "room.claimed", "match.committed", "match.announced"}
)
"""What a match may be heard of first by: two streams tell of it, and they are not read in step."""


@dataclass(frozen=True, slots=True)
class Step:
    """One event in the life of a ticket or a match."""

    t_ms: int
    src: str
    kind: str
    words: str
    server: str = ""
    """uid, where the event names one."""


@dataclass(slots=True)
class TicketLine:
    """One ticket, as its queue's stream told it."""

    ticket: str
    players: tuple[str, ...] = ()
    mmr: float | None = None
    enqueued_ms: int = 0
    matches: list[str] = field(default_factory=list)
    """Every match that was proposed with it, the last one last."""

    steps: list[Step] = field(default_factory=list)


@dataclass(slots=True)
class MatchLine:
    """One match, as its queue's and its fleet's streams told it."""

    match: str
    tickets: tuple[str, ...] = ()
    teams: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """Team to (ticket, player)."""

    fleet: str = ""
    room: str = ""
    server: str = ""
    epochs: list[int] = field(default_factory=list)
    """Session epochs, in the order of the rooms it held."""

    state: str = "forming"
    """forming, playing, ended or closed."""

    reason: str = ""
    receipt: Receipt | None = None
    """Why it was made."""

    of: str = ""
    """The running match that its players joined; empty for a match of its own."""

    steps: list[Step] = field(default_factory=list)


class Timelines:
    """The newest tickets and matches by id."""

    def __init__(self) -> None:
        self.tickets: OrderedDict[str, TicketLine] = OrderedDict()
        self.matches: OrderedDict[str, MatchLine] = OrderedDict()

    def take(self, src: str, event: Event) -> None:
        """Take one event of ``src``, a queue's or a fleet's."""
        kind = event["k"]
        if kind in TICKET_KINDS:
            self._ticket_event(src, event)
        elif event.get("match"):
            self._match_event(src, event)

    def ticket(self, name: str) -> TicketLine | None:
        """By id, or by queue and the end of the id: ``duel.…`` with eight characters or more."""
        return self.tickets.get(_full(name, self.tickets))

    def match(self, name: str) -> MatchLine | None:
        """As ``ticket``."""
        return self.matches.get(_full(name, self.matches))

    def on_server(self, uid: str, many: int) -> list[MatchLine]:
        """The newest matches that hold, or held last, a room of a server."""
        found: list[MatchLine] = []
        for line in reversed(self.matches.values()):
            if line.server == uid:
                found.append(line)
                if len(found) == many:
                    break
        return found

    def _ticket_event(self, src: str, event: Event) -> None:
        name = event["ticket"]
        line = self.tickets.get(name)
        if line is None:
            if event["k"] != "ticket.enqueued":
                return
            line = self.tickets[name] = TicketLine(name)
            if len(self.tickets) > TICKETS_MAX:
                self.tickets.popitem(last=False)
        if event["k"] == "ticket.enqueued":
            line.players = tuple(event.get("players") or ())
            line.enqueued_ms = event["t"]
        if event.get("mmr") is not None:
            line.mmr = float(event["mmr"])
        _put(line.steps, src, event)

    def _match_event(self, src: str, event: Event) -> None:
        name = event["match"]
        line = self.matches.get(name)
        if line is None:
            if event["k"] not in MATCH_BEGINS:
                return
            line = self.matches[name] = MatchLine(name)
            if len(self.matches) > MATCHES_MAX:
                self.matches.popitem(last=False)
        follow(line, src, event)
        if event["k"] == "match.proposed":
            for ticket in line.tickets:
                known = self.tickets.get(ticket)
                if known is not None and len(known.matches) < STEPS_MAX:
                    known.matches.append(name)
        _put(line.steps, src, event)


def follow(line: MatchLine, src: str, event: Event) -> None:
    """What an event changes in a match."""
    match event["k"]:
        case "match.proposed":
            line.tickets = tuple(event["tickets"])
            line.receipt = receipt_of(event.get("receipt"))
            line.of = event.get("of") or ""
        case "match.committed":
            line.tickets = tuple(event["tickets"])
            line.teams = {
                team: [(ticket, player) for ticket, player in seats]
                for team, seats in sorted(event["teams"].items())
            }
        case "room.claimed" | "session.moved":
            line.fleet = src.partition("/")[2]
            line.room, line.server = event["room"], event["server"]
            line.epochs.append(int(event["session_epoch"]))
        case "match.announced" if line.of:
            line.state, line.reason = "ended", JOINED
        case "match.announced":
            line.fleet, line.room = event.get("fleet", ""), event.get("room", "")
            line.server = event.get("server", "")
            line.state = "playing"
        case "match.closed":
            line.state, line.reason = "closed", event.get("reason") or ""
        case "match.ended" | "session.ended":
            line.state = "closed" if line.state == "closed" else "ended"
            line.reason = line.reason or event.get("reason") or ""
        case _:
            pass


def in_order(steps: Iterable[Step]) -> list[Step]:
    """Steps of several sources by time."""
    return sorted(steps, key=lambda step: (step.t_ms, RANK.get(step.kind, len(RANK))))


WORDS: dict[str, str] = {
    "ticket.enqueued": "enqueued: {players}{rated}",
    "ticket.updated": "rating corrected{rated}",
    "ticket.cancelled": "cancelled{why}",
    "ticket.expired": "expired{why}",
    "ticket.unmatched": "no match yet",
    "ticket.accepted": "{players} accepted the match",
    "ticket.declined": "{players} declined the match",
    "backfill.asked": "asks for players",
    "backfill.ended": "asks for them no more{why}",
    "session.filled": "newcomers have seats: {players}",
    "session.unfilled": "the newcomers' seats are given back",
    "match.accepted": "all players have accepted",
    "match.proposed": "match found: {tickets}, by the director of epoch {epoch}{asks}",
    "match.waiting": "no room is free: in line for one",
    "claim.left": "left the line{why}",
    "room.claimed": "{place} is held",
    "match.committed": "committed: the tickets have left their queue",
    "match.announced": "announced to the players",
    "room.acked": "the server acknowledged room {room}",
    "session.handover": "in play, and its server is gone: another one is looked for",
    "session.moved": "moved: {place} is held",
    "session.result": "its result is recorded",
    "match.moved": "the players were told of the move",
    "room.released": "room {room} is free again",
    "session.ended": "the session is over{why}",
    "match.ended": "ended{why}",
    "match.closed": "given up{why}",
}


def words_of(event: Event) -> str:
    """One event as a sentence for a reader."""
    kind = str(event["k"])
    if kind not in WORDS:
        return kind.replace(".", " ")
    room = str(event.get("room") or "").rpartition("/")[2]
    mmr, why = event.get("mmr"), event.get("reason")
    return WORDS[kind].format(
        players=many(len(event.get("players") or ()), "player"),
        tickets=many(len(event.get("tickets") or ()), "ticket"),
        rated="" if mmr is None else f", MMR {float(mmr):.0f}",
        why=f": {why}" if why else "",
        epoch=event.get("epoch"),
        asks="; its players are asked to accept it" if event.get("accept_by_ms") else "",
        room=room,
        place=f"room {room}, session epoch {event.get('session_epoch')},",
    )


def _put(steps: list[Step], src: str, event: Event) -> None:
    if len(steps) < STEPS_MAX:
        server = str(event.get("server") or "")
        steps.append(Step(event["t"], src, event["k"], words_of(event), server))


def _full(name: str, known: OrderedDict[str, TicketLine] | OrderedDict[str, MatchLine]) -> str:
    if name in known:
        return name
    queue, _, ending = name.rpartition(".")
    if len(ending) < ENDING_MIN:
        return ""
    prefix = f"{queue}."
    return next((n for n in reversed(known) if n.endswith(ending) and n.startswith(prefix)), "")
