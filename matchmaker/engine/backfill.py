"""Newcomers for matches that run: a pass over the requests, beside the pass over the queue.

A request is a partly filled match. Its players keep their teams, whoever comes is judged with
them on the finished match, and a party comes whole into one team or not at all. As many seats
are filled as can be; whoever waits longest is tried first. The search around a request is
bounded, so none stops a pass.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Protocol

import numpy as np

from core.errors import Invalid
from core.ids import TicketId
from matchmaker.engine.memory import Memory
from matchmaker.engine.passes import Pass, Passes
from matchmaker.engine.pool import PoolView
from matchmaker.engine.quality import mean, quality
from matchmaker.engine.search import Found, terms
from matchmaker.engine.seating import Age
from matchmaker.rules.applicants import Unfit, applicant
from matchmaker.rules.asked import Asked
from matchmaker.rules.guards import guards
from matchmaker.rules.judge import meets
from matchmaker.rules.members import Lineup, Party
from matchmaker.rules.model import Rules
from matchmaker.rules.ruleset import RuleSet
from matchmaker.tickets import OpenMatch, WaitingTicket

NEAREST_MAX, OLDEST_MAX = 48, 48
"""Tickets that are tried for one request: the nearest in rating, and those who wait longest."""

JUDGED_MAX = 400
"""Finished matches that are judged for one request in one pass."""

Seated = Mapping[str, Sequence[WaitingTicket]]
"""Team to newcomers."""


class WithBackfill:
    """Another engine's pass, and newcomers for the matches that ask for them.

    ``backfillPriority`` of the rules says who comes first: requests (high), new matches (low),
    or whoever has waited longest (normal).
    """

    def __init__(self, own: Passes, rules: Asked) -> None:
        self._own, self._rules = own, rules
        self._priority = rules.algorithm.backfill if isinstance(rules, RuleSet) else "normal"

    def matches(
        self, view: PoolView, *, now_ms: int, matches_max: int, memory: Memory | None = None
    ) -> Pass:
        waiting = sorted(view.open, key=lambda one: (one.asked_ms, one.match))
        first = [one for one in waiting if self._comes_first(one, view)]
        filled, left = self._filled(first, view, now_ms)
        done = self._own.matches(left, now_ms=now_ms, matches_max=matches_max, memory=memory)
        left = left.without(_tickets(done.found))
        last, _ = self._filled([one for one in waiting if one not in first], left, now_ms)
        return replace(done, found=[*filled, *done.found, *last])

    def _comes_first(self, one: OpenMatch, view: PoolView) -> bool:
        if self._priority == "normal":
            return one.asked_ms <= int(view.enqueued_ms.min(initial=one.asked_ms))
        return self._priority == "high"

    def _filled(
        self, waiting: Sequence[OpenMatch], view: PoolView, now_ms: int
    ) -> tuple[list[Found], PoolView]:
        found = []
        for one in waiting:
            made = newcomers(one, view, self._rules, now_ms=now_ms)
            if made is not None:
                found.append(made)
                view = view.without(_tickets([made]))
        return found, view


def newcomers(wanted: OpenMatch, view: PoolView, rules: Asked, *, now_ms: int) -> Found | None:
    """Who goes to a running match now; None when nobody fits."""
    if not view.tickets:
        return None
    judge: _Judge
    if isinstance(rules, RuleSet):
        try:
            judge = _ByRuleSet(wanted, rules, now_ms)
        except (Unfit, Invalid):
            return None  # matched under rules that asked for less; these cannot judge it
    else:
        assert isinstance(rules, Rules), rules
        judge = _ByWindow(wanted, rules, now_ms)
    there = [one for team in wanted.present.values() for one in team]
    tickets = [
        one
        for one in _tried(wanted, view)
        if judge.may_come(one) and not any(one.keeps_from(other, now_ms) for other in there)
    ]
    judged = 0
    for players in range(sum(wanted.open.values()), 0, -1):
        for seated in _seatings(tickets, dict(wanted.open), players):
            coming = [one for team in seated.values() for one in team]
            apart = any(one.keeps_from(other, now_ms) for one, other in combinations(coming, 2))
            worth = None if apart else judge.quality(seated)
            if worth is not None:
                teams = tuple(tuple(seated.get(name, ())) for name in rules.team_names())
                return _found(teams, wanted, worth)
            judged += 1
            if judged >= JUDGED_MAX:
                return None
    return None


def _tried(wanted: OpenMatch, view: PoolView) -> list[WaitingTicket]:
    """The longest waiting first."""
    rows = np.flatnonzero(view.size <= max(wanted.open.values()))
    there = [one.mmr for team in wanted.present.values() for one in team]
    centre = sum(there) / len(there) if there else 0.0
    near = rows[np.argsort(np.abs(view.mmr[rows] - centre), kind="stable")[:NEAREST_MAX]]
    oldest = rows[np.argsort(view.enqueued_ms[rows], kind="stable")[:OLDEST_MAX]]
    chosen = {int(row) for row in (*near.tolist(), *oldest.tolist())}
    known = {player for seats in wanted.teams.values() for _, player in seats}
    tickets = [view.tickets[row] for row in chosen]
    # Who left this very match and waits again is no newcomer to it.
    strangers = [one for one in tickets if known.isdisjoint(one.players)]
    return sorted(strangers, key=lambda one: (one.enqueued_ms, one.id))


def _seatings(
    tickets: Sequence[WaitingTicket], left: dict[str, int], players: int
) -> Iterator[dict[str, list[WaitingTicket]]]:
    """Every way to seat so many players; the first ticket's first, in the emptiest team first."""
    if players == 0:
        yield {}
        return
    for n, ticket in enumerate(tickets):
        size = ticket.size()
        if size > players:
            continue
        for team in sorted(left, key=lambda name: -left[name]):
            if left[team] < size:
                continue
            rest = {**left, team: left[team] - size}
            for seated in _seatings(tickets[n + 1 :], rest, players - size):
                yield {**seated, team: [ticket, *seated.get(team, ())]}


def _found(teams: tuple[tuple[WaitingTicket, ...], ...], wanted: OpenMatch, worth: float) -> Found:
    ratings = [one.mmr for team in (*teams, *wanted.present.values()) for one in team]
    return Found(teams, max(ratings) - min(ratings), 0.0, quality=worth, of=wanted)


def _tickets(found: Sequence[Found]) -> set[TicketId]:
    return {ticket.id for made in found for team in made.teams for ticket in team}


class _Judge(Protocol):
    """Judges newcomers together with those who play."""

    def may_come(self, ticket: WaitingTicket) -> bool:
        """Whether it could be among them at all."""
        ...

    def quality(self, seated: Seated) -> float | None:
        """Of the finished match; None where the rules forbid it."""
        ...


@dataclass(slots=True)
class _ByWindow:
    """A rating window: all of the match lie within that of each."""

    wanted: OpenMatch
    rules: Rules
    now_ms: int

    def may_come(self, ticket: WaitingTicket) -> bool:
        return self.quality({next(iter(self.wanted.present)): [ticket]}) is not None

    def quality(self, seated: Seated) -> float | None:
        teams = [[*there, *seated.get(team, ())] for team, there in self.wanted.present.items()]
        tickets = [one for team in teams for one in team]
        ratings = [one.mmr for one in tickets]
        reach = min(
            self.rules.window.width(max(0, self.now_ms - one.enqueued_ms) / 1000.0)
            for one in tickets
        )
        spread = max(ratings) - min(ratings)
        return mean(terms(teams, spread, reach).values()) if spread <= reach else None


class _ByRuleSet:
    """A rule set, as it stands for the age of the finished match.

    That a team has fewer than its smallest number keeps nobody out: it has more than before.
    """

    def __init__(self, wanted: OpenMatch, whole: RuleSet, now_ms: int) -> None:
        self._whole = whole
        self._age = Age(whole, now_ms / 1000.0)
        self._present = {
            team: [self._party(one) for one in tickets] for team, tickets in wanted.present.items()
        }
        self._known: dict[TicketId, Party] = {}

    def may_come(self, ticket: WaitingTicket) -> bool:
        try:
            party = self._known[ticket.id] = self._party(ticket)
        except (Unfit, Invalid):
            return False  # of another version of the rules
        there = [one for team in self._present.values() for one in team]
        together = guards(
            self._whole.at(max(self._age.now_s - one.at_s for one in (party, *there)))
        )
        return all(together.together(party, one) for one in there)

    def quality(self, seated: Seated) -> float | None:
        everybody = {
            team: [*there, *(self._known[one.id] for one in seated.get(team, ()))]
            for team, there in self._present.items()
        }
        rules = self._age.rules(one for team in everybody.values() for one in team)
        lineup = Lineup(rules.teams, everybody)
        if any(lineup.size(team.name) > team.max_players for team in rules.teams):
            return None
        known = {rule.name: rule for rule in rules.rules}
        if not all(meets(rule, lineup, known) for rule in rules.judged()):
            return None
        return quality(lineup, rules)

    def _party(self, ticket: WaitingTicket) -> Party:
        return applicant(ticket.id, ticket.members, ticket.enqueued_ms, self._whole)
