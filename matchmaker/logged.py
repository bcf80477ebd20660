"""Who waits in a queue, by the queue's own log: one event after the other, and nothing else.

The director that leads and a replay of what it did hold the same tickets at the same place
in the log, because this is what both of them ask.
"""

from collections.abc import Iterable

from core.eventlog import Event
from core.ids import TicketId
from matchmaker.engine.pool import Pool
from matchmaker.records import waiting_ticket
from matchmaker.tickets import WaitingTicket


class LoggedQueue:
    """The live tickets of one queue, as far as its log was applied."""

    def __init__(self, held: Iterable[tuple[str, WaitingTicket]] = ()) -> None:
        """``held``: the live tickets where the log begins to be applied, each with its status."""
        tickets = list(held)
        self.pool = Pool()
        """Those of whom a pass may make matches."""

        self.pool.replace([ticket for status, ticket in tickets if status == "QUEUED"])
        self.in_hand: dict[TicketId, WaitingTicket] = {}
        """Those that wait too, but are in a match that their director is about to propose."""

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
            case "match.proposed":
                self._taken |= {ticket.id: ticket for ticket in self._leave(event["tickets"])}
            case "match.closed":
                back = event.get("tickets", ())
                for ticket in [self._taken.pop(name) for name in back if name in self._taken]:
                    self.pool.add(ticket)
                return bool(back)
            case _:
                pass
        return False

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
