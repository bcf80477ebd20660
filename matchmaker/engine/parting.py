"""What cuts the pool into parts within which matches are looked for, told from the rules.

It only makes good candidates: whatever comes out of a part is judged by every rule.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from matchmaker.engine.check_texts import bounds, wanted_by
from matchmaker.engine.checks import Checked
from matchmaker.engine.columns import Column
from matchmaker.engine.measures import Check, Listed, is_number, listed, number_column
from matchmaker.rules.expressions import Call, Expression, Literal
from matchmaker.rules.ruleset import (
    BatchDistance,
    Collection,
    Comparison,
    Distance,
    Latency,
    RuleSet,
)


@dataclass(frozen=True, slots=True)
class Span:
    """A number that may spread only so far within a match."""

    column: Column
    sure: float
    """A spread with which the rule is met."""

    most: float
    """A spread beyond which it is not."""


@dataclass(frozen=True, slots=True)
class Counted:
    """How often something may be in some teams, each counted by itself or all together."""

    column: Column
    teams: tuple[int, ...]
    low: float
    high: float


@dataclass(slots=True)
class Parts:
    """What cuts the pool into parts within which matches are looked for."""

    alike: list[Column] = field(default_factory=list)
    """The same for everybody in a match."""

    spans: list[Span] = field(default_factory=list)
    common: list[Column] = field(default_factory=list)
    """Bits of which one at least is everybody's."""

    near: list[Latency] = field(default_factory=list)
    counted: list[Counted] = field(default_factory=list)
    alone: list[Check] = field(default_factory=list)
    """What each party meets by itself or never."""


def parts_of(checks: Iterable[Checked], rules: RuleSet) -> Parts:
    """What the rules of one age let us cut by."""
    parts = Parts()
    for one in checks:
        _cut(one, rules, parts)
    return parts


def listed_by(rule: Distance | Comparison | Collection, rules: RuleSet) -> list[Listed]:
    """What a rule measures of each player by itself, without what it works out."""
    found = [listed(one, rules) for one in rule.measurements]
    return [path for path in found if path is not None and path.attribute]


def _cut(one: Checked, rules: RuleSet, parts: Parts) -> None:
    match one.rule:
        case Latency() as rule:
            parts.near.append(rule)
        case BatchDistance(attribute=name, max_distance=most, party=by):
            if rules.attributes[name].type == "string":
                parts.alike.append(Column("text", name))
            elif most is not None:
                parts.spans.append(Span(number_column(name, by), most, most))
        case Collection() as rule if one.vectorised:
            _cut_lists(rule, one.check, rules, parts)
        case Distance() | Comparison() as rule if one.vectorised:
            _cut_numbers(rule, one.check, rules, parts)
        case _:
            pass


def _cut_lists(rule: Collection, check: Check, rules: RuleSet, parts: Parts) -> None:
    for path in listed_by(rule, rules):
        low, high = bounds(rule)
        if rule.operation == "contains":
            column = Column("count", path.attribute, rule.party, wanted_by(rule))
            parts.counted.append(Counted(column, path.teams, low, high))
        elif path.whole and rule.operation == "intersection" and low >= 1:
            parts.common.append(Column("bits", path.attribute, rule.party))
        elif path.whole and rule.operation == "reference_intersection_count":
            parts.alone.append(check)


def _cut_numbers(rule: Distance | Comparison, check: Check, rules: RuleSet, parts: Parts) -> None:
    for path in listed_by(rule, rules):
        if not path.whole:
            continue
        if isinstance(rule.reference, Literal):
            parts.alone.append(check)
        elif isinstance(rule, Comparison) and rule.reference is None and rule.operation == "=":
            column = (
                number_column(path.attribute, rule.party)
                if is_number(path, rules)
                else Column("text", path.attribute)
            )
            parts.alike.append(column)
        elif isinstance(rule, Distance) and rule.max_distance is not None:
            factor = _reach(rule.reference, path, rules)
            if factor:
                column, most = number_column(path.attribute, rule.party), rule.max_distance
                parts.spans.append(Span(column, most, factor * most))


def _reach(reference: Expression, path: Listed, rules: RuleSet) -> float:
    """How many times its distance from this reference a measure may spread; 0: not bounded."""
    match reference:
        case Call("min" | "max" | "avg" | "median" as function, of):
            against = listed(of, rules)
            if against and against.whole and not against.nested:
                same = against.attribute == path.attribute
                return (1.0 if function in ("min", "max") else 2.0) if same else 0.0
    return 0.0
