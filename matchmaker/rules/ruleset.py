"""A rule set as values: what a queue asks of a match, in FlexMatch's own terms.

Nothing here reads text or judges a match. ``RuleSet.at`` is the one calculation: the same
rule set as it stands when expansions have had some seconds to work.
"""

import dataclasses
import hashlib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final, Literal

from matchmaker.rules.asked import Asked
from matchmaker.rules.expressions import Expression

LARGE = 40
"""A match that may have more players than this is a large one, made by another algorithm."""

PARTY_SIZE: Final = "party_size"
"""A number attribute of this name is the number of a ticket's players, where it is not given."""

SIGMA: Final = "_sigma"
"""With this at its end, a number attribute is the uncertainty of the one without it."""

ROUNDING_S = 1e-9
"""By how much a sum of seconds may fall short of what it stands for."""

Operation = Literal["<", "<=", "=", "!=", ">", ">="]
OPERATIONS: Final = ("<", "<=", "=", "!=", ">", ">=")
Aggregation = Literal["avg", "min", "max"]
BATCHING_SMALL: Final = ("random", "sorted")
BATCHING_LARGE: Final = ("largestPopulation", "fastestRegion")
"""How candidates are put in order, of the strategy exhaustiveSearch and of balanced."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """Something that is known of each player."""

    name: str
    type: Literal["string", "number", "string_list", "string_number_map"]
    default: Any = None
    """None: a player without it can never be matched."""


@dataclass(frozen=True, slots=True)
class Team:
    """One team of a match."""

    name: str
    definition: str
    """The name in the rule set; ``hunters`` for the teams ``hunters_1`` to ``hunters_9``."""

    min_players: int
    max_players: int


@dataclass(frozen=True, slots=True)
class Algorithm:
    """How candidates are looked through."""

    strategy: Literal["exhaustiveSearch", "balanced"] = "exhaustiveSearch"
    batching: Literal["random", "sorted", "largestPopulation", "fastestRegion"] = "random"
    sort_by: tuple[str, ...] = ()
    balanced_attribute: str = ""
    age: Literal["newest", "oldest"] = "newest"
    """Whose age in the forming match counts for the expansions."""

    backfill: Literal["normal", "low", "high"] = "normal"


@dataclass(frozen=True, slots=True)
class Rule:
    """What every rule has."""

    name: str


@dataclass(frozen=True, slots=True)
class Distance(Rule):
    """Every measured value lies no nearer and no farther than this from the reference."""

    measurements: tuple[Expression, ...]
    reference: Expression
    min_distance: float | None = None
    max_distance: float | None = None
    party: Aggregation = "avg"


@dataclass(frozen=True, slots=True)
class Comparison(Rule):
    """Every measured value compares so with the reference; without one, with each other."""

    measurements: tuple[Expression, ...]
    operation: Operation
    reference: Expression | None = None
    party: Aggregation = "avg"


@dataclass(frozen=True, slots=True)
class Collection(Rule):
    """How many values collections have in common, or how often one value stands in them."""

    measurements: tuple[Expression, ...]
    operation: Literal["contains", "intersection", "reference_intersection_count"]
    reference: Expression | None = None
    min_count: float | None = None
    max_count: float | None = None
    party: Literal["union", "intersection"] = "union"


@dataclass(frozen=True, slots=True)
class Latency(Rule):
    """There is a region that is near enough for everybody."""

    max_latency: float
    """Milliseconds."""

    max_distance: float | None = None
    """Milliseconds from the reference that a ticket's latency may lie."""

    distance_reference: Literal["avg", "min"] | None = None
    party: Aggregation = "avg"


@dataclass(frozen=True, slots=True)
class BatchDistance(Rule):
    """All tickets' values lie within so much of each other; texts are equal."""

    attribute: str
    max_distance: float | None = None
    party: Aggregation = "avg"


@dataclass(frozen=True, slots=True)
class Sort(Rule):
    """Who is tried first. Never refuses anybody."""

    kind: Literal["absolute", "distance"]
    attribute: str
    descending: bool = False
    map_key: Literal["minValue", "maxValue"] | None = None
    party: Aggregation = "avg"


@dataclass(frozen=True, slots=True)
class Compound(Rule):
    """Other rules, put together by and, or, xor and not."""

    statement: "Statement"


@dataclass(frozen=True, slots=True)
class Statement:
    """One step of a compound rule: an operator over rules' names and further steps."""

    operator: Literal["and", "or", "xor", "not"]
    parts: tuple["Statement | str", ...]

    def names(self) -> set[str]:
        """Every rule in it, however deep."""
        found: set[str] = set()
        for part in self.parts:
            found |= {part} if isinstance(part, str) else part.names()
        return found


@dataclass(frozen=True, slots=True)
class Step:
    """From this age on, this value."""

    wait_s: float
    value: Any


@dataclass(frozen=True, slots=True)
class Expansion:
    """How one property changes while people wait."""

    part: Literal["rules", "teams", "algorithm"]
    names: tuple[str, ...]
    """Of the rules or the teams' definitions; empty for the algorithm."""

    field: str
    """Of the dataclass, e.g. ``max_distance``."""

    steps: tuple[Step, ...]
    path: str = dataclasses.field(default="", repr=False, compare=False)
    """Where it stands in the document, for messages."""

    def value(self, age_s: float) -> Any:  # noqa: ANN401 - as the field has it
        """The value at an age; None before the first step."""
        reached = [step.value for step in self.steps if step.wait_s <= age_s]
        return reached[-1] if reached else None


@dataclass(frozen=True, slots=True)
class RuleSet(Asked):
    """Everything that a queue asks of a match."""

    teams: tuple[Team, ...]
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    algorithm: Algorithm = Algorithm()
    expansions: tuple[Expansion, ...] = ()
    name: str = ""
    source: str = field(default="", compare=False, repr=False)
    """The text that it was read from."""

    def __hash__(self) -> int:
        return id(self)

    def team_names(self) -> tuple[str, ...]:
        return tuple(team.name for team in self.teams)

    def party_max(self) -> int:
        return max(team.max_players for age_s in self.ages_s() for team in self.at(age_s).teams)

    def players_max(self) -> int:
        """Players in the fullest match before any expansion."""
        return sum(team.max_players for team in self.teams)

    def large(self) -> bool:
        """Whether matches are made by the algorithm for many players."""
        return self.players_max() > LARGE

    def judged(self) -> tuple[Rule, ...]:
        """Rules that a finished match must meet; those inside a compound count through it."""
        return _judged(self)

    def ages_s(self) -> tuple[float, ...]:
        """Ages at which something changes, from 0 upwards."""
        return _ages_s(self)

    def reached_s(self, age_s: float) -> list[float]:
        """Those ages that an age has reached, 0 among them; a rounding's breadth counts."""
        ages_s = self.ages_s()
        return list(ages_s[: bisect_right(ages_s, max(0.0, age_s) + ROUNDING_S)])

    def at(self, age_s: float) -> "RuleSet":
        """The rule set as it stands for a match of this age, without expansions."""
        return _at(self, self.reached_s(age_s)[-1])

    def version(self) -> str:
        """Twelve hex digits that change whenever a rule does."""
        return _version(self)


@lru_cache(maxsize=64)
def _version(whole: RuleSet) -> str:
    told = (whole.teams, sorted(whole.attributes.items()), whole.rules, whole.algorithm)
    return hashlib.sha256(repr((told, whole.expansions)).encode()).hexdigest()[:12]


@lru_cache(maxsize=1024)
def _judged(whole: RuleSet) -> tuple[Rule, ...]:
    inside: set[str] = set()
    for rule in whole.rules:
        if isinstance(rule, Compound):
            inside |= rule.statement.names()
    return tuple(
        rule for rule in whole.rules if rule.name not in inside and not isinstance(rule, Sort)
    )


@lru_cache(maxsize=64)
def _ages_s(whole: RuleSet) -> tuple[float, ...]:
    waits = {step.wait_s for expansion in whole.expansions for step in expansion.steps}
    return tuple(sorted({0.0, *waits}))


@lru_cache(maxsize=1024)
def _at(whole: RuleSet, age_s: float) -> RuleSet:
    stands = replace(whole, expansions=())
    for expansion in whole.expansions:
        value = expansion.value(age_s)
        if value is not None:
            stands = _changed(stands, expansion, value)
    return stands


def _changed(whole: RuleSet, expansion: Expansion, value: object) -> RuleSet:
    change: dict[str, Any] = {expansion.field: value}
    if expansion.part == "algorithm":
        return replace(whole, algorithm=replace(whole.algorithm, **change))
    if expansion.part == "teams":
        return replace(
            whole,
            teams=tuple(
                replace(team, **change)
                if team.definition in expansion.names or team.name in expansion.names
                else team
                for team in whole.teams
            ),
        )
    return replace(
        whole,
        rules=tuple(
            dataclasses.replace(rule, **change) if rule.name in expansion.names else rule
            for rule in whole.rules
        ),
    )
