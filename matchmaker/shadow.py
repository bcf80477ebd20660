"""The same people under other rules, beside what really happens to them.

They come when they come, and leave when the other rules have matched them, when they take
their ticket back, or when its lifetime is over. Who was matched in reality is not gone here:
how long they would have had the patience nobody knows, so they stay as long as their ticket
may live. Nobody is told anything, and nothing is claimed: a match is made as if a room were
free at once.
"""

import heapq
from dataclasses import dataclass, replace

from core.eventlog import Event
from core.ids import TicketId
from matchmaker.engine.passes import passes
from matchmaker.engine.pool import Pool
from matchmaker.engine.search import Found
from matchmaker.records import waiting_ticket
from matchmaker.rules.applicants import Unfit, applicant
from matchmaker.rules.asked import Asked
from matchmaker.rules.ruleset import RuleSet
from matchmaker.tickets import WaitingTicket

MATCHES_MAX = 256
"""Matches of one pass; more are found by the next."""


@dataclass(frozen=True, slots=True)
class ShadowMatch:
    """A match that the other rules would have made."""

    at_ms: int
    found: Found

    def tickets(self) -> list[WaitingTicket]:
        """Everybody in it, team by team."""
        return [ticket for team in self.found.teams for ticket in team]

    def waits_s(self) -> list[float]:
        """How long each of its tickets waited."""
        return [(self.at_ms - one.enqueued_ms) / 1000.0 for one in self.tickets()]


class Shadow:
    """One queue under other rules."""

    def __init__(
        self, rules: Asked, *, wait_s: float, lifetime_s: float, waiting_max: int = 1_000_000
    ) -> None:
        """``wait_s``: the dial. ``waiting_max``: beyond it newcomers are left out, and counted."""
        self.rules = rules
        self._passes = passes(rules, wait_s=wait_s)
        self._lifetime_ms = round(lifetime_s * 1000)
        self._waiting_max = waiting_max
        self._came: list[tuple[int, TicketId]] = []
        """A heap: those who wait when a shadow begins are not told in the order of their age."""

        self._pool = Pool()
        self.rejected = 0
        """Tickets that these rules can never match."""

        self.left_out = 0
        """Tickets for which there was no place here."""

        self.stirred = False
        """Whether anybody came or changed since the last pass."""

    def __len__(self) -> int:
        return len(self._pool)

    def apply(self, event: Event) -> None:
        """Take note of an event of the queue's log."""
        match event["k"]:
            case "ticket.enqueued":
                self.add(waiting_ticket(event["ticket"], event["body"], event["t"]))
            case "ticket.updated":
                if (held := self._pool.get(event["ticket"])) is not None:
                    self._pool.remove(held.id)
                    self.add(waiting_ticket(held.id, event["body"], held.enqueued_ms))
            case "ticket.cancelled" | "ticket.expired":
                self._pool.remove(event["ticket"])
            case _:
                pass

    def add(self, ticket: WaitingTicket) -> None:
        """Somebody waits, unless these rules could never match them."""
        dressed = dressed_for(self.rules, ticket)
        if dressed is None:
            self.rejected += 1
        elif len(self._pool) >= self._waiting_max:
            self.left_out += 1
        else:
            self._pool.add(dressed)
            heapq.heappush(self._came, (ticket.enqueued_ms, ticket.id))
            self.stirred = True

    def run(self, now_ms: int) -> list[ShadowMatch]:
        """One pass; whom it matches leaves."""
        while self._came and self._came[0][0] + self._lifetime_ms <= now_ms:
            self._pool.remove(heapq.heappop(self._came)[1])
        self.stirred = False
        done = self._passes.matches(self._pool.view(), now_ms=now_ms, matches_max=MATCHES_MAX)
        made = [ShadowMatch(now_ms, found) for found in done.found]
        for match in made:
            for ticket in match.tickets():
                self._pool.remove(ticket.id)
        self.stirred = len(made) == MATCHES_MAX
        return made


def dressed_for(rules: Asked, ticket: WaitingTicket) -> WaitingTicket | None:
    """A ticket with what these rules look at; None when they could never match it.

    A rating stands in for the first number that the rules ask for and nobody told.
    """
    if ticket.size() > rules.party_max():
        return None
    if not isinstance(rules, RuleSet):
        return ticket
    numbers = [one.name for one in rules.attributes.values() if one.type == "number"]
    members = []
    for one in ticket.each():
        rated = {numbers[0]: one.rating} if numbers else {}
        members.append(replace(one, attributes=rated | dict(one.attributes)))
    try:
        applicant(ticket.id, members, ticket.enqueued_ms, rules)
    except Unfit:
        return None
    return replace(ticket, members=tuple(members))
