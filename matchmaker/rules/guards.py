"""What ``hopeless`` would say, kept up to date party by party while a match is being seated.

``Guards.after`` takes what is known of those seated so far and one more party in one team,
and answers what is then known, or None when some rule can be met no more. Nothing known is
ever changed in place, so that a search steps back by simply using what it had before.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

from matchmaker.rules.expressions import Expression, Literal, leaves, paths
from matchmaker.rules.hopeless import hopeless, lists_each, spread_bound
from matchmaker.rules.judge import SLACK
from matchmaker.rules.members import Lineup, Party
from matchmaker.rules.ruleset import (
    BatchDistance,
    Collection,
    Comparison,
    Compound,
    Distance,
    Latency,
    Rule,
    RuleSet,
    Team,
)

Known = Any
"""What one guard knows of those seated so far; None before anybody."""

Knowledge = tuple[Known, ...]
"""What all guards know."""

LOST = object()
"""A guard's answer when its rule can be met no more."""


class Guard(Protocol):
    """Watches one measure of one rule."""

    def after(self, known: Known, party: Party, team: Team) -> Known:
        """What is known once this party is in this team; ``LOST`` when the rule is lost."""
        ...


@dataclass(frozen=True, slots=True)
class Guards:
    """The rules of one age, watched."""

    rules: RuleSet
    known: Mapping[str, Rule]
    watching: tuple[Guard, ...]
    looked_at: tuple[Rule, ...]
    """Rules that are asked about the whole lineup each time."""

    quotas: tuple["Quota", ...]

    def start(self) -> Knowledge:
        """Nobody is seated."""
        return (None,) * len(self.watching)

    def after(
        self, knowledge: Knowledge, party: Party, team: Team, lineup: Lineup
    ) -> Knowledge | None:
        """What is known once a party is in a team; None when a rule is lost.

        ``lineup`` has the party in it already.
        """
        if not self.alone(party, team):
            return None
        later = []
        for guard, had in zip(self.watching, knowledge, strict=True):
            has = guard.after(had, party, team)
            if has is LOST:
                return None
            later.append(has)
        if any(hopeless(rule, lineup, self.known) for rule in self.looked_at):
            return None
        return tuple(later)

    def may_fill(self, knowledge: Knowledge, left: Sequence[int], ahead: Sequence[int]) -> bool:
        """Whether what teams need at least can still come into the places that are left.

        ``left``: open places of each team. ``ahead``: by quota, what the parties to come bring.
        """
        lacking: dict[str, float] = {}
        for quota, coming in zip(self.quotas, ahead, strict=True):
            lack = quota.least - (knowledge[quota.at] or 0)
            if lack > 0:
                places = sum(left[team] for team in quota.teams)
                shared = lacking[quota.rule] = lacking.get(quota.rule, 0) + lack
                if lack > places * quota.each or (shared if quota.apart else lack) > coming:
                    return False
        return True

    def alone(self, party: Party, team: Team) -> bool:
        """Whether a party could be in a team at all, if nobody else stood in the way."""
        return party.remembered((self.rules, team.name), lambda: self._alone(party, team))

    def _alone(self, party: Party, team: Team) -> bool:
        lineup = Lineup.empty(self.rules.teams)
        lineup.seated[team.name].append(party)
        return not any(hopeless(rule, lineup, self.known) for rule in self.rules.judged())

    def together(self, one: Party, team: Team, other: Party, their_team: Team) -> bool:
        """Whether two parties could be in these teams of one match."""
        lineup = Lineup.empty(self.rules.teams)
        lineup.seated[team.name].append(one)
        knowledge = self.after(self.start(), one, team, lineup)
        if knowledge is None:
            return False
        lineup.seated[their_team.name].append(other)
        return self.after(knowledge, other, their_team, lineup) is not None


@lru_cache(maxsize=256)
def guards(rules: RuleSet) -> Guards:
    """The guards of a rule set at one age."""
    watching: list[Guard] = []
    looked_at: list[Rule] = []
    for rule in rules.judged():
        match rule:
            case BatchDistance():
                watching.append(_Batch(rule))
            case Latency():
                watching.append(_Regions(rule))
            case Distance():
                bound = spread_bound(rule, rules.teams)
                watching += [_Span(rule, path.attribute, bound[1]) for path in bound[0]]
            case Comparison(reference=None):
                plain = all(lists_each(one) for one in rule.measurements)
                watching += [_Among(rule, one) for one in rule.measurements if plain]
            case Collection(reference=None | Literal()) if rule.operation != "intersection":
                each = all(lists_each(one) for one in rule.measurements)
                if each and rule.operation == "contains":
                    watching += [_Contains.of(rule, one, rules.teams) for one in rule.measurements]
            case Collection() | Compound():
                looked_at.append(rule)
            case _:
                pass
    known = {rule.name: rule for rule in rules.rules}
    quotas = tuple(_quotas(rules, watching))
    return Guards(rules, known, tuple(watching), tuple(looked_at), quotas)


@dataclass(frozen=True, slots=True)
class _Batch:
    """Numbers within a distance, or one text for everybody."""

    rule: BatchDistance

    def after(self, known: Known, party: Party, team: Team) -> Known:
        del team
        value = party.one(self.rule.attribute, self.rule.party)
        if isinstance(value, str):
            return value if known in (None, value) else LOST
        if self.rule.max_distance is None:
            return None
        return _wider(known, value, value, self.rule.max_distance)


@dataclass(frozen=True, slots=True)
class _Span:
    """Numbers that must not lie farther apart than this, of everybody in the match."""

    rule: Distance
    attribute: str
    bound: float

    def after(self, known: Known, party: Party, team: Team) -> Known:
        del team
        values = party.values(self.attribute, self.rule.party)
        return _wider(known, min(values), max(values), self.bound)


def _wider(known: Known, low: float, high: float, bound: float) -> Known:
    if known is not None:
        low, high = min(low, known[0]), max(high, known[1])
    return LOST if high - low > bound + SLACK else (low, high)


@dataclass(frozen=True, slots=True)
class _Regions:
    """Regions that are near enough for everybody."""

    rule: Latency

    def after(self, known: Known, party: Party, team: Team) -> Known:
        del team
        rule = self.rule
        near = party.remembered(
            ("near", rule.max_latency, rule.party),
            lambda: frozenset(
                region
                for region, latency in party.regions(rule.party).items()
                if latency <= rule.max_latency
            ),
        )
        common = near if known is None else known & near
        return common or LOST


@dataclass(frozen=True, slots=True)
class _Among:
    """Values that are all alike, or all different."""

    rule: Comparison
    measurement: Expression

    def after(self, known: Known, party: Party, team: Team) -> Known:
        if not _speaks_of(self.measurement, team):
            return known
        alike = self.rule.operation == "="
        (path,) = paths(self.measurement)
        values = leaves(party.values(path.attribute, self.rule.party if alike else ""))
        if alike:
            for value in values:
                known = value if known is None else known
                if value != known and not _near(value, known):
                    return LOST
            return known
        there = known or frozenset()
        joined = there.union(values)
        return joined if len(joined) == len(there) + len(values) else LOST


def _near(value: Any, other: Any) -> bool:  # noqa: ANN401 - a number or a text
    numbers = isinstance(value, int | float) and isinstance(other, int | float)
    return numbers and abs(value - other) <= 2 * SLACK


@dataclass(frozen=True, slots=True)
class _Contains:
    """How often a value stands in lists, which never falls."""

    rule: Collection
    measurement: Expression
    wanted: tuple[str, ...]
    """The value that is counted, or several."""

    attribute: str
    teams: frozenset[str]

    def after(self, known: Known, party: Party, team: Team) -> Known:
        if team.name not in self.teams:
            return known
        count = (known or 0) + self.brings(party)
        most = self.rule.max_count
        return LOST if most is not None and count > most else count

    def brings(self, party: Party) -> int:
        """How often the value stands in a party's lists."""
        return party.remembered(
            (self.attribute, self.rule.party, self.wanted), lambda: self._brings(party)
        )

    def _brings(self, party: Party) -> int:
        values = leaves(party.values(self.attribute, self.rule.party))
        return sum(value in self.wanted for value in values)

    @classmethod
    def of(cls, rule: Collection, measurement: Expression, teams: Sequence[Team]) -> "_Contains":
        """One measurement of a rule, in a match of these teams."""
        wanted = leaves(rule.reference.value) if isinstance(rule.reference, Literal) else []
        names = frozenset(team.name for team in teams if _speaks_of(measurement, team))
        (path,) = paths(measurement)
        return cls(rule, measurement, tuple(wanted), path.attribute, names)


@dataclass(frozen=True, slots=True)
class Quota:
    """What some teams need at least of something."""

    rule: str
    at: int
    """Place of its guard, which counts."""

    guard: _Contains
    least: float
    teams: tuple[int, ...]
    each: int
    """What one player can bring at most."""

    apart: bool
    """Whether the rule asks teams one by one, so that what one gets the others lack."""


def _quotas(rules: RuleSet, watching: Sequence[Guard]) -> Iterator[Quota]:
    for at, guard in enumerate(watching):
        if not isinstance(guard, _Contains):
            continue
        bare = guard.rule.min_count is None and guard.rule.max_count is None
        least = 1.0 if bare else guard.rule.min_count
        if least:
            scopes = [_teams(one, rules) for one in guard.rule.measurements]
            apart = sum(map(len, scopes)) == len(set().union(*scopes))
            apart = apart and len({paths(one)[0].attribute for one in guard.rule.measurements}) == 1
            teams = _teams(guard.measurement, rules)
            yield Quota(guard.rule.name, at, guard, least, teams, len(guard.wanted), apart)


def _teams(measurement: Expression, rules: RuleSet) -> tuple[int, ...]:
    return tuple(n for n, team in enumerate(rules.teams) if _speaks_of(measurement, team))


def _speaks_of(measurement: Expression, team: Team) -> bool:
    """Whether an expression lists the players of a team."""
    (path,) = paths(measurement)
    return bool({"*", team.name, team.definition}.intersection(path.teams))
