"""What each kind of rule lets one know while a match is put together, party by party.

Nothing known is ever changed in place, so that a search steps back by simply using what it
had before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from matchmaker.rules.expressions import Expression, Literal, leaves, paths
from matchmaker.rules.judge import SLACK
from matchmaker.rules.members import Party
from matchmaker.rules.ruleset import (
    BatchDistance,
    Collection,
    Comparison,
    Distance,
    Latency,
    Team,
)

Known = Any
"""What one guard knows of those seated so far; None before anybody."""

LOST = object()
"""A guard's answer when its rule can be met no more."""


class Guard(Protocol):
    """Watches one measure of one rule."""

    def after(self, known: Known, party: Party, team: Team) -> Known:
        """What is known once this party is in this team; ``LOST`` when the rule is lost."""
        ...


@dataclass(frozen=True, slots=True)
class Batch:
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
class Span:
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
class Regions:
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
class Among:
    """Values that are all alike, or all different."""

    rule: Comparison
    measurement: Expression

    def after(self, known: Known, party: Party, team: Team) -> Known:
        if not speaks_of(self.measurement, team):
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
class Contains:
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
    def of(cls, rule: Collection, measurement: Expression, teams: Sequence[Team]) -> "Contains":
        """One measurement of a rule, in a match of these teams."""
        wanted = leaves(rule.reference.value) if isinstance(rule.reference, Literal) else []
        names = frozenset(team.name for team in teams if speaks_of(measurement, team))
        (path,) = paths(measurement)
        return cls(rule, measurement, tuple(wanted), path.attribute, names)


def speaks_of(measurement: Expression, team: Team) -> bool:
    """Whether an expression lists the players of a team."""
    (path,) = paths(measurement)
    return bool({"*", team.name, team.definition}.intersection(path.teams))
