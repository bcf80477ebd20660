"""The tickets that wait, as columns: what a pass reads at numpy speed."""

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.ids import MatchId, TicketId
from matchmaker.tickets import OpenMatch, WaitingTicket


@dataclass(frozen=True, slots=True)
class PoolView:
    """Tickets sorted by rating; row ``i`` of every column is the same ticket."""

    tickets: tuple[WaitingTicket, ...]
    mmr: NDArray[np.float64]
    size: NDArray[np.int64]
    enqueued_ms: NDArray[np.int64]
    open: tuple[OpenMatch, ...] = ()
    """Running matches that ask for players, by their ids."""

    @classmethod
    def of(cls, tickets: "list[WaitingTicket]") -> "PoolView":
        """Columns of these tickets; equal ratings stand in the order of their ids."""
        ordered = tuple(sorted(tickets, key=lambda ticket: (ticket.mmr, ticket.id)))
        return cls(
            ordered,
            np.array([ticket.mmr for ticket in ordered], dtype=np.float64),
            np.array([ticket.size() for ticket in ordered], dtype=np.int64),
            np.array([ticket.enqueued_ms for ticket in ordered], dtype=np.int64),
        )

    def without(self, gone: Collection[TicketId]) -> "PoolView":
        """The others."""
        if not gone:
            return self
        kept = np.array([ticket.id not in gone for ticket in self.tickets], dtype=bool)
        tickets = tuple(ticket for ticket in self.tickets if ticket.id not in gone)
        return replace(
            self,
            tickets=tickets,
            mmr=self.mmr[kept],
            size=self.size[kept],
            enqueued_ms=self.enqueued_ms[kept],
        )


class Pool:
    """The director's own copy of the queue, kept in step by the log stream."""

    def __init__(self) -> None:
        self._tickets: dict[TicketId, WaitingTicket] = {}
        self._open: dict[MatchId, OpenMatch] = {}
        self._view: PoolView | None = None

    def ask(self, match: OpenMatch) -> None:
        """Hold a running match's request; an older one of the same match is replaced."""
        self._open[match.match] = match
        self._view = None

    def asks(self, match: MatchId) -> OpenMatch | None:
        """The request of a running match that is held here."""
        return self._open.get(match)

    def unask(self, match: MatchId) -> OpenMatch | None:
        """Forget a running match's request; returns it if there was one."""
        if (held := self._open.pop(match, None)) is not None:
            self._view = None
        return held

    def add(self, ticket: WaitingTicket) -> None:
        """Hold a ticket; one that is held already is replaced."""
        self._tickets[ticket.id] = ticket
        self._view = None

    def replace(self, tickets: list[WaitingTicket]) -> None:
        """Hold exactly these."""
        self._tickets = {ticket.id: ticket for ticket in tickets}
        self._view = None

    def remove(self, ticket: TicketId) -> None:
        """Forget a ticket; one that is not held is fine."""
        if self._tickets.pop(ticket, None) is not None:
            self._view = None

    def get(self, ticket: TicketId) -> WaitingTicket | None:
        """A ticket that waits here."""
        return self._tickets.get(ticket)

    def view(self) -> PoolView:
        """The pool as it is now; safe to read in another thread while this one goes on."""
        if self._view is None:
            open_ = tuple(self._open[match] for match in sorted(self._open))
            self._view = replace(PoolView.of(list(self._tickets.values())), open=open_)
        return self._view

    def __len__(self) -> int:
        return len(self._tickets)

    def players(self) -> int:
        """Players behind the tickets."""
        return sum(ticket.size() for ticket in self._tickets.values())

    def oldest_ms(self) -> int | None:
        """When the longest waiting ticket came; None when nobody waits."""
        return min((ticket.enqueued_ms for ticket in self._tickets.values()), default=None)
