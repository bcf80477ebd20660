"""One pass of a director, whichever kind of rules its queue has."""

from typing import Protocol

from core.errors import Invalid
from core.ids import TicketId
from matchmaker.engine.forming import Formed, Former
from matchmaker.engine.pool import PoolView
from matchmaker.engine.search import Found, search
from matchmaker.rules.applicants import Unfit, applicant
from matchmaker.rules.asked import Asked
from matchmaker.rules.members import Party
from matchmaker.rules.model import Rules
from matchmaker.rules.ruleset import RuleSet
from matchmaker.tickets import WaitingTicket


class Passes(Protocol):
    """Finds matches, pass after pass. Called by one thread at a time."""

    def matches(self, view: PoolView, *, now_ms: int, matches_max: int) -> list[Found]:
        """Matches without a common ticket, those of the longest waiting tickets first."""
        ...


def passes(rules: Asked) -> Passes:
    """The engine for these rules."""
    if isinstance(rules, RuleSet):
        return ByRuleSet(rules)
    assert isinstance(rules, Rules), rules
    return ByWindow(rules)


class ByWindow:
    """A rating window."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    def matches(self, view: PoolView, *, now_ms: int, matches_max: int) -> list[Found]:
        return search(view, self._rules, now_ms=now_ms, matches_max=matches_max)


class ByRuleSet:
    """A rule set. What it keeps between passes only saves work."""

    def __init__(self, rules: RuleSet) -> None:
        self._rules = rules
        self._former = Former(rules)
        self._parties: dict[TicketId, tuple[WaitingTicket, Party | None]] = {}

    def matches(self, view: PoolView, *, now_ms: int, matches_max: int) -> list[Found]:
        held = {ticket.id: self._party(ticket) for ticket in view.tickets}
        self._parties = held
        waiting = [party for _, party in held.values() if party is not None]
        formed = self._former.form(waiting, now_ms / 1000.0, most=matches_max)
        return [self._found(made, held) for made in formed]

    def _party(self, ticket: WaitingTicket) -> tuple[WaitingTicket, Party | None]:
        had = self._parties.get(ticket.id)
        if had is not None and had[0] == ticket:
            return had
        try:
            return ticket, applicant(ticket.id, ticket.members, ticket.enqueued_ms, self._rules)
        except (Unfit, Invalid):  # of another version of the rules; it waits until it times out
            return ticket, None

    def _found(
        self, made: Formed, held: dict[TicketId, tuple[WaitingTicket, Party | None]]
    ) -> Found:
        teams = tuple(
            tuple(held[TicketId(party.id)][0] for party in made.lineup.seated[team])
            for team in self._rules.team_names()
        )
        ratings = [ticket.mmr for team in teams for ticket in team]
        means = [
            sum(ticket.mmr * ticket.size() for ticket in team)
            / sum(ticket.size() for ticket in team)
            for team in teams
            if team
        ]
        return Found(teams, max(ratings) - min(ratings), max(means) - min(means), made.quality)
