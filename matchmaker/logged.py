"""Who waits in a queue, by the queue's own log: one event after the other, and nothing else.

The director that leads and a replay of what it did hold the same tickets at the same place
in the log, because this is what both of them ask.
"""

from collections.abc import Iterable

from core.eventlog import Event
from core.ids import MatchId, TicketId
from matchmaker.backfills import open_match
from matchmaker.engine.pool import Pool
from matchmaker.records import waiting_ticket
from matchmaker.tickets import OpenMatch, WaitingTicket


class LoggedQueue:
    """The live tickets of one queue, as far as its log was applied."""

    def __init__(
        self,
        held: Iterable[tuple[str, WaitingTicket]] = (),
        asked: Iterable[tuple[OpenMatch, bool]] = (),
    ) -> None:
        """``held``: the live tickets where the log begins to be applied, each with its status.

        ``asked``: the requests of running matches, and whether newcomers are on their way.
        """
        tickets = list(held)
        self.pool = Pool()
        """Those of whom a pass may make matches."""

        self.pool.replace([ticket for status, ticket in tickets if status == "QUEUED"])
        self.in_hand: dict[TicketId, WaitingTicket] = {}
        """Those that wait too, but are in a match that their director is about to propose."""

        self.requests_in_hand: dict[MatchId, OpenMatch] = {}
        """Of running matches to which their director is about to propose newcomers."""

        self._filling: dict[MatchId, OpenMatch] = {}
        """Of running matches to which newcomers are on their way."""

        for one, filling in asked:
            if filling:
                self._filling[one.match] = one
            else:
                self.pool.ask(one)
        self._taken = {ticket.id: ticket for status, ticket in tickets if status != "QUEUED"}
        """Those in a match that was proposed and is not decided yet."""

    def apply(self, event: Event) -> bool:
        """Take note of an event; True when somebody came of whom a match may be made."""
        match event["k"]:
            case "ticket.enqueued":
                self.pool.add(waiting_ticket(event["ticket"], event["body"], event["t"]))
                return True
            case "ticket.updated":
                return self._update(event)
            case "ticket.cancelled" | "ticket.expired":
                self._leave([event["ticket"]])
            case "match.committed":
                self._leave(event["tickets"])
            case "backfill.asked" | "backfill.ended":
                return self._hear_request(event)
            case "match.proposed":
                self._propose(event)
            case "match.closed":
                return self._close(event)
            case _:
                pass
        return False

    def _hear_request(self, event: Event) -> bool:
        self._end_request(event["match"])
        if event["k"] == "backfill.ended":
            return False
        self.pool.ask(open_match(event["request"]))
        return True

    def _propose(self, event: Event) -> None:
        if (request := self._end_request(event.get("of", ""))) is not None:
            self._filling[request.match] = request
        self._taken |= {ticket.id: ticket for ticket in self._leave(event["tickets"])}

    def _close(self, event: Event) -> bool:
        if (request := self._filling.pop(MatchId(event.get("of", "")), None)) is not None:
            self.pool.ask(request)
        back = event.get("tickets", ())
        for ticket in [self._taken.pop(name) for name in back if name in self._taken]:
            self.pool.add(ticket)
        return bool(back)

    def hold(self, tickets: Iterable[TicketId]) -> None:
        """Keep tickets out of further passes until they are let go, or the log moves them."""
        for name in tickets:
            if (ticket := self.pool.get(name)) is not None:
                self.in_hand[name] = ticket
                self.pool.remove(name)

    def let_go(self, tickets: Iterable[TicketId]) -> None:
        """Have passes look at these again, as far as they wait."""
        for name in tickets:
            if (ticket := self.in_hand.pop(name, None)) is not None:
                self.pool.add(ticket)

    def hold_requests(self, matches: Iterable[MatchId]) -> None:
        """Keep requests out of further passes until they are let go, or the log moves them."""
        for match in matches:
            if (request := self.pool.unask(match)) is not None:
                self.requests_in_hand[match] = request

    def let_go_requests(self, matches: Iterable[MatchId]) -> None:
        """Have passes look at these again, as far as they live."""
        for match in matches:
            if (request := self.requests_in_hand.pop(match, None)) is not None:
                self.pool.ask(request)

    def _end_request(self, name: str) -> OpenMatch | None:
        match = MatchId(name)
        held = self.requests_in_hand.pop(match, None) or self._filling.pop(match, None)
        return self.pool.unask(match) or held

    def _update(self, event: Event) -> bool:
        name = event["ticket"]
        if (held := self.in_hand.get(name)) is not None:
            self.in_hand[name] = waiting_ticket(name, event["body"], held.enqueued_ms)
        elif (held := self.pool.get(name)) is not None:
            self.pool.add(waiting_ticket(name, event["body"], held.enqueued_ms))
            return True
        return False

    def _leave(self, names: Iterable[TicketId]) -> list[WaitingTicket]:
        """Remove tickets, wherever they are; returns those that were somewhere."""
        left = []
        for name in names:
            ticket = self.pool.get(name) or self.in_hand.get(name) or self._taken.get(name)
            self.pool.remove(name)
            self.in_hand.pop(name, None)
            self._taken.pop(name, None)
            if ticket is not None:
                left.append(ticket)
        return left
