"""Choosing who plays: parties in their order, with a step back where no match is left.

Those who are chosen so far stand in teams that no rule objects to yet. Where one more fits
nowhere, all of them are seated anew. So each choice of people is looked at once, and not
once for each way to seat them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from matchmaker.engine.reseat import reseat, strain
from matchmaker.engine.seating import Age, Seats, Stand
from matchmaker.rules.expressions import Expression, by_team, paths
from matchmaker.rules.judge import meets
from matchmaker.rules.members import Lineup, Party
from matchmaker.rules.quotas import falls_short, may_fill
from matchmaker.rules.ruleset import (
    BatchDistance,
    Collection,
    Comparison,
    Compound,
    Distance,
    Latency,
    Rule,
    RuleSet,
)

RESEATS_MAX = 12
"""Full lineups of one search whose teams are rearranged to meet the rules."""

STEPS_OF_JUDGING = 4
"""A full lineup is judged in the time in which so many parties are seated."""


@dataclass(slots=True)
class Gathering:
    """One try: some of these parties, in teams of given sizes."""

    seats: Seats
    parties: Sequence[Party]
    age: Age
    fixed: int = 1
    """So many of the parties, the first ones, are in any match: the anchor, and who is new."""

    after: list[int] = field(init=False)
    """Players of the parties from each one on."""

    wary: bool = field(init=False)
    """Whether some of the parties avoid players."""

    ahead: list[tuple[int, ...]] = field(init=False)
    """What the parties from each one on bring of what teams need."""

    def __post_init__(self) -> None:
        quotas = self.seats.guards.quotas
        self.wary = any(party.avoids for party in self.parties)
        self.after, brought = [0], (0,) * len(quotas)
        self.ahead = [brought]
        for party in reversed(self.parties):
            self.after.append(self.after[-1] + party.size())
            brought = tuple(
                had + quota.guard.brings(party) for had, quota in zip(brought, quotas, strict=True)
            )
            self.ahead.append(brought)
        self.after.reverse()
        self.ahead.reverse()

    def match(self) -> Lineup | None:
        """The first full match there is, in the order of the parties; None without one."""
        return self._from(0, self.seats.empty())

    def _from(self, n: int, stand: Stand) -> Lineup | None:
        """A match of those who stand there and some of the parties from ``n`` on."""
        attempt = self.seats.attempt
        while True:
            open_places = sum(stand.left)
            if open_places == 0:
                return self._finished(stand)
            if n >= len(self.parties) or self.after[n] < open_places:
                return None
            if not self._may_fill(stand, n):
                other = self._seated_for(stand, n, open_places)
                if other is None:
                    return None
                stand = other
            if attempt.used_up():
                return None
            found = self._with(n, stand, open_places)
            if found is not None or n < self.fixed:
                return found
            n += 1  # without this party

    def _with(self, n: int, stand: Stand, open_places: int) -> Lineup | None:
        """A match of those who stand there with party ``n``, and some after it."""
        party = self.parties[n]
        if party.size() > open_places or not self.seats.guards.admit(stand.known, party):
            return None
        if self.wary and any(party.keeps_from(one) for one in stand.parties()):
            return None
        then = next(self.seats.beside(stand, party), None)
        if then is None:
            then = next(self.seats.ways([*stand.parties(), party]), None)
        return None if then is None else self._from(n + 1, then)

    def _seated_for(self, stand: Stand, n: int, open_places: int) -> Stand | None:
        """The same people where those from ``n`` on can still bring what teams need."""
        quotas, there = self.seats.guards.quotas, stand.parties()
        if falls_short(quotas, there, open_places, self.ahead[n]):
            return None
        return next((way for way in self.seats.ways(there) if self._may_fill(way, n)), None)

    def _may_fill(self, stand: Stand, n: int) -> bool:
        return may_fill(self.seats.guards.quotas, stand.known, stand.left, self.ahead[n])

    def _finished(self, stand: Stand) -> Lineup | None:
        """These people in teams that meet the rules; None where no teams do."""
        rules, attempt = self.age.rules(stand.parties()), self.seats.attempt
        judge = _judge(rules)
        lineup = Lineup(rules.teams, self.seats.lineup(stand.seats).seated)
        attempt.steps += STEPS_OF_JUDGING
        if not judge.sizes(lineup) or not judge.whole_met(lineup):
            return None
        if judge.seats_met(lineup):
            return lineup
        if len(rules.teams) < 2:
            return None
        if attempt.reseats < RESEATS_MAX:
            attempt.reseats += 1
            better, _ = reseat(lineup, self._strained(judge))
            if judge.seats_met(better):
                return better
        for way in self.seats.ways(stand.parties()):
            attempt.steps += STEPS_OF_JUDGING
            other = Lineup(rules.teams, self.seats.lineup(way.seats).seated)
            if judge.seats_met(other):
                return other
        return None

    def _strained(self, judge: "_Judge") -> Callable[[Lineup], float]:
        def cost(lineup: Lineup) -> float:
            self.seats.attempt.steps += STEPS_OF_JUDGING
            return strain(lineup, judge.by_seat, judge.known)

        return cost


@dataclass(frozen=True, slots=True)
class _Judge:
    """The rules of one age: those about who plays, and those about who sits where."""

    rules: RuleSet
    known: Mapping[str, Rule]
    whole: tuple[Rule, ...]
    by_seat: tuple[Rule, ...]

    def sizes(self, lineup: Lineup) -> bool:
        """Whether the teams are neither too small nor too large."""
        return all(
            team.min_players <= lineup.size(team.name) <= team.max_players
            for team in self.rules.teams
        )

    def whole_met(self, lineup: Lineup) -> bool:
        """Whether these people could play, in whichever teams."""
        return all(meets(rule, lineup, self.known) for rule in self.whole)

    def seats_met(self, lineup: Lineup) -> bool:
        """Whether those could who sit so, as far as the seats count."""
        return all(meets(rule, lineup, self.known) for rule in self.by_seat)


@lru_cache(maxsize=256)
def _judge(rules: RuleSet) -> _Judge:
    judged = rules.judged()
    whole = tuple(rule for rule in judged if is_indifferent(rule, rules))
    by_seat = tuple(rule for rule in judged if rule not in whole)
    return _Judge(rules, {rule.name: rule for rule in rules.rules}, whole, by_seat)


def is_indifferent(rule: Rule, rules: RuleSet) -> bool:
    """Whether it is all the same to a rule who of a match is in which team."""
    match rule:
        case BatchDistance() | Latency():
            return True
        case Distance() | Comparison() | Collection():
            told = [*rule.measurements, *([rule.reference] if rule.reference is not None else [])]
            return all(_is_whole(one, rules) for one in told)
        case Compound():
            known = {one.name: one for one in rules.rules}
            return all(is_indifferent(known[name], rules) for name in rule.statement.names())
        case _:
            return False


def _is_whole(expression: Expression, rules: RuleSet) -> bool:
    """Whether it is worked out of the players of the whole match, not team by team."""
    lineup = Lineup.empty(rules.teams)
    every = {team.name for team in rules.teams}
    return not by_team(expression, lineup) and all(
        set(lineup.teams(path.teams)) == every for path in paths(expression)
    )
