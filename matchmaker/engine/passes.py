"""One pass of a director, whichever kind of rules its queue has."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from core.errors import Invalid
from core.ids import TicketId
from matchmaker.engine.dial import Dial
from matchmaker.engine.engine import Engine
from matchmaker.engine.forming import Formed
from matchmaker.engine.memory import Memory
from matchmaker.engine.pool import PoolView
from matchmaker.engine.receipt import Receipt, bounded
from matchmaker.engine.search import Found, search, terms
from matchmaker.rules.applicants import Unfit, applicant
from matchmaker.rules.asked import Asked
from matchmaker.rules.model import Rules
from matchmaker.rules.ruleset import RuleSet
from matchmaker.tickets import WaitingTicket


@dataclass(frozen=True, slots=True)
class Pass:
    """What one pass found, and what it went by besides who waited and the time."""

    found: list[Found]
    """Matches without a common ticket, those of the longest waiting tickets first."""

    memory: Memory = field(default_factory=Memory)
    """Of the engine, when the pass began."""


class Passes(Protocol):
    """Finds matches, pass after pass. Called by one thread at a time."""

    def matches(
        self, view: PoolView, *, now_ms: int, matches_max: int, memory: Memory | None = None
    ) -> Pass:
        """One pass. With a ``memory`` it goes by that, not by the passes before it."""
        ...


def passes(rules: Asked, *, wait_s: float = 0.0) -> Passes:
    """The engine for these rules. ``wait_s``: see ``QueueSettings.wait_for_quality_s``."""
    if isinstance(rules, RuleSet):
        return ByRuleSet(rules, Dial(wait_s=wait_s))
    assert isinstance(rules, Rules), rules
    return ByWindow(rules)


class ByWindow:
    """A rating window."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    def matches(
        self, view: PoolView, *, now_ms: int, matches_max: int, memory: Memory | None = None
    ) -> Pass:
        found = search(view, self._rules, now_ms=now_ms, matches_max=matches_max)
        return Pass(
            [replace(one, receipt=self._receipt(one, view, now_ms, found)) for one in found]
        )

    def _receipt(self, made: Found, view: PoolView, now_ms: int, found: Sequence[Found]) -> Receipt:
        tickets = [ticket for team in made.teams for ticket in team]
        waits_s = {one.id: max(0, now_ms - one.enqueued_ms) / 1000.0 for one in tickets}
        narrowest = min(self._rules.window.width(wait_s) for wait_s in waits_s.values())
        oldest = min(tickets, key=lambda one: one.enqueued_ms)
        reach = self._rules.window.width(waits_s[oldest.id])
        players = sum(one.size() for one in tickets)
        return Receipt(
            rules=self._rules.version(),
            quality=made.quality,
            terms=bounded(terms(made.teams, made.spread, narrowest)),
            age_s=round(min(waits_s.values()), 3),
            in_force=(f"the rating window is {narrowest:g}",),
            waiting=len(view.tickets),
            candidates=int((np.abs(view.mmr - oldest.mmr) <= reach).sum()) - 1,
            found=len(found),
            better=sum(one.quality > made.quality + 1e-9 for one in found),
            waited_s=round(sum(waits_s[one.id] * one.size() for one in tickets) / players, 3),
        )


class ByRuleSet:
    """A rule set."""

    def __init__(self, rules: RuleSet, dial: Dial) -> None:
        self._rules = rules
        self._engine = Engine(rules, dial)
        self._held: dict[TicketId, WaitingTicket] = {}
        self._wary: dict[TicketId, frozenset[str]] = {}
        """Those who avoid somebody for a time, and whom they avoided when they were let in."""

    def matches(
        self, view: PoolView, *, now_ms: int, matches_max: int, memory: Memory | None = None
    ) -> Pass:
        now_s = now_ms / 1000.0
        self._hold(view, now_ms)
        if memory is not None:
            self._engine.recall(memory)
        memory = self._engine.memory(now_s)
        # The time is the seed as well, so that a recorded pass can be run again.
        made = self._engine.pass_(now_s, seed=now_ms)[:matches_max]
        return Pass([self._found(one) for one in made], memory)

    def _hold(self, view: PoolView, now_ms: int) -> None:
        there = {ticket.id: ticket for ticket in view.tickets}
        for gone in self._held.keys() - there.keys():
            self._engine.remove(gone)
        for ticket in view.tickets:
            if self._held.get(ticket.id) is not ticket:
                self._let_in(ticket, now_ms)
        for name in self._wary.keys() - there.keys():
            del self._wary[name]
        for name, avoided in self._wary.items():
            if there[name].avoids(now_ms) != avoided:
                self._let_in(there[name], now_ms)
        self._held = there

    def _let_in(self, ticket: WaitingTicket, now_ms: int) -> None:
        avoids = ticket.avoids(now_ms)
        if any(ticket.apart.values()):
            self._wary[ticket.id] = avoids
        try:
            members, rules = ticket.each(), self._rules
            party = applicant(ticket.id, members, ticket.enqueued_ms, rules, avoids)
        except (Unfit, Invalid):  # of another version of the rules; it waits until it times out
            self._engine.remove(ticket.id)
        else:
            self._engine.add(party)

    def _found(self, made: Formed) -> Found:
        teams = tuple(
            tuple(self._held[TicketId(party.id)] for party in made.lineup.seated[team])
            for team in self._rules.team_names()
        )
        ratings = [ticket.mmr for team in teams for ticket in team]
        means = [
            sum(ticket.mmr * ticket.size() for ticket in team)
            / sum(ticket.size() for ticket in team)
            for team in teams
            if team
        ]
        return Found(
            teams,
            spread=max(ratings) - min(ratings),
            gap=max(means) - min(means),
            quality=made.quality,
            receipt=self._engine.receipt(made),
        )
