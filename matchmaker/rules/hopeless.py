"""Whether more players could still make an unfinished match meet a rule.

``hopeless`` is right whenever it says yes. It says yes only for rules whose measure can go
but one way as players join: a spread, which never narrows; what all have in common, which
never grows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import Enum, auto
from typing import Any

from matchmaker.rules.expressions import (
    Call,
    Expression,
    Literal,
    Path,
    by_team,
    leaves,
    paths,
    work_out,
)
from matchmaker.rules.judge import SLACK, comparison, counts, distance, meets, regions, within
from matchmaker.rules.members import Lineup
from matchmaker.rules.ruleset import (
    BatchDistance,
    Collection,
    Comparison,
    Compound,
    Distance,
    Latency,
    Rule,
    RuleSet,
    Statement,
    Team,
)


def any_hopeless(lineup: Lineup, rules: RuleSet, known: Mapping[str, Rule]) -> bool:
    """Whether some rule can be met no more, whoever joins."""
    return any(hopeless(rule, lineup, known) for rule in rules.judged())


def hopeless(rule: Rule, lineup: Lineup, known: Mapping[str, Rule]) -> bool:
    """Whether no players that may still join can make the match meet this rule."""
    match rule:
        case BatchDistance() | Latency(max_distance=None):
            return not meets(rule, lineup, known)
        case Latency():
            return not regions(
                Latency(rule.name, rule.max_latency, party=rule.party), lineup.parties()
            )
        case Distance():
            return _distance_hopeless(rule, lineup)
        case Comparison():
            alone = all(lists_each(measurement) for measurement in rule.measurements)
            if rule.reference is not None and not isinstance(rule.reference, Literal):
                return False
            return alone and not comparison(rule, lineup)
        case Collection():
            return _collection_hopeless(rule, lineup)
        case Compound():
            return _statement_hopeless(rule.statement, lineup, known)
        case _:
            return False


def lists_each(expression: Expression) -> bool:
    """Whether it lists values that stay as more players join: paths, flattened or not."""
    match expression:
        case Path():
            return bool(expression.attribute)
        case Call("flatten", of):
            return lists_each(of)
        case _:
            return False


def _distance_hopeless(rule: Distance, lineup: Lineup) -> bool:
    if isinstance(rule.reference, Literal):
        each = all(lists_each(measurement) for measurement in rule.measurements)
        return each and not distance(rule, lineup)
    measured, bound = spread_bound(rule, lineup.order)
    seen = lineup.seen_by(rule.party)
    for path in measured:
        values = leaves(work_out(path, seen))
        if values and max(values) - min(values) > bound + SLACK:
            return True
    return False


def spread_bound(rule: Distance, teams: Sequence[Team]) -> tuple[list[Path], float]:
    """What of the whole match must not lie farther apart, and than how much.

    Nothing, for a rule that does not bound a spread.
    """
    if rule.max_distance is None:
        return [], 0.0
    match rule.measurements, rule.reference:
        case (Call("max", of),), Call("min", other) if _is_whole_list(of, other, teams):
            return paths(of), rule.max_distance
        case (Call("min", of),), Call("max", other) if _is_whole_list(of, other, teams):
            return paths(of), rule.max_distance
        case _, Call("min" | "max" | "avg" | "median" as function, of) if (
            all(lists_each(one) for one in (*rule.measurements, of))
            and _whole(of)
            and not by_team(of, Lineup.empty(teams))
        ):
            # From the middle of a list nobody is farther than all from one another by half.
            factor = 1.0 if function in ("min", "max") else 2.0
            same = [one for one in rule.measurements if _whole(one) == _whole(of)]
            return [paths(one)[0] for one in same[:1]], factor * rule.max_distance
        case _:
            return [], 0.0


def _is_whole_list(of: Expression, other: Expression, teams: Sequence[Team]) -> bool:
    """Whether two expressions are the same list of everybody's numbers."""
    alike = lists_each(of) and lists_each(other) and _whole(of) and _whole(of) == _whole(other)
    return (
        bool(alike)
        and not by_team(of, Lineup.empty(teams))
        and not by_team(other, Lineup.empty(teams))
    )


def _whole(expression: Expression) -> str:
    """The attribute, of an expression that lists it for every player of the match."""
    match expression:
        case Path(("*",), attribute):
            return attribute
        case Call("flatten", of):
            return _whole(of)
        case _:
            return ""


def _collection_hopeless(rule: Collection, lineup: Lineup) -> bool:
    if not all(lists_each(measurement) for measurement in rule.measurements):
        return False
    seen = lineup.seen_by(rule.party)
    for measurement in rule.measurements:
        measured = _of_somebody(work_out(measurement, seen), measurement, seen)
        if not leaves(measured):
            continue  # nobody is there yet of whom it could speak
        bounds = _lasting(rule, measurement, seen)
        if bounds is None:
            continue
        if not all(within(bounds, count) for count in counts(rule, measured, seen)):
            return True
    return False


def _of_somebody(measured: Any, measurement: Expression, seen: Lineup) -> Any:  # noqa: ANN401
    """What is measured, without the teams that are empty still: they may yet be filled."""
    if not isinstance(measurement, Path) or not isinstance(measured, list):
        return measured
    several = measurement.teams == ("*",) or len(seen.teams(measurement.teams)) > 1
    return [team for team in measured if team] if several else measured


class _Trend(Enum):
    """What more players do to a list, or to a number."""

    FIXED = auto()
    RISES = auto()
    FALLS = auto()
    ANY = auto()


def _lasting(rule: Collection, measurement: Expression, seen: Lineup) -> Collection | None:
    """The rule with only those bounds that stay broken once they are; None when none does."""
    trend = _counted(rule, measurement, seen)
    if trend is _Trend.FIXED:
        return rule
    bare = rule.min_count is None and rule.max_count is None
    if trend is _Trend.FALLS:
        least = 1.0 if bare else rule.min_count
        return None if least is None else replace(rule, min_count=least, max_count=None)
    if trend is _Trend.RISES and rule.max_count is not None:
        return replace(rule, min_count=None)
    return None


def _counted(rule: Collection, measurement: Expression, seen: Lineup) -> _Trend:
    """How the counts of a rule go as players join."""
    reference = _Trend.FIXED if rule.reference is None else _list_trend(rule.reference, seen)
    measured = _list_trend(measurement, seen)
    if rule.operation == "contains":
        return _Trend.RISES if reference is _Trend.FIXED else _Trend.ANY
    if rule.operation == "intersection":
        if measured is _Trend.FIXED:
            return _Trend.FALLS  # each further list can only take from what all have
        return _Trend.ANY if _depth(measurement, seen) > 1 else _Trend.RISES
    return _together(measured, reference)


def _together(one: _Trend, other: _Trend) -> _Trend:
    """How many values two lists have in common, from how each of them goes."""
    both = {one, other} - {_Trend.FIXED}
    if not both:
        return _Trend.FIXED
    return both.pop() if len(both) == 1 else _Trend.ANY


def _list_trend(expression: Expression, seen: Lineup) -> _Trend:
    """How each innermost list of an expression goes as players join."""
    match expression:
        case Literal():
            return _Trend.FIXED
        case Call("set_intersection", of):
            # Of the lists of single parties, and of all of them at once, once there are some.
            single = (
                lists_each(of) and _depth(of, seen) == 2 and _list_trend(of, seen) is _Trend.FIXED
            )
            return _Trend.FALLS if single and work_out(of, seen) else _Trend.ANY
        case Path() | Call("flatten", _):
            if not _listed(expression):
                return _Trend.ANY
            own = _own_lists(expression, seen) and _depth(expression, seen) > 1
            return _Trend.FIXED if own else _Trend.RISES
        case _:
            return _Trend.ANY


def _listed(expression: Expression) -> bool:
    """Whether it is a path, flattened or not, to ids or an attribute."""
    match expression:
        case Path(_, attribute, ids):
            return bool(attribute) or ids
        case Call("flatten", of):
            return _listed(of)
        case _:
            return False


def _own_lists(expression: Expression, seen: Lineup) -> bool:
    """Whether each player has a list of the attribute, rather than one value."""
    (path,) = paths(expression)
    values = (value for team in seen.order for value in seen.attribute(team.name, path.attribute))
    return bool(path.attribute) and isinstance(next(values, None), list)


def _depth(expression: Expression, seen: Lineup) -> int:
    """Lists within lists that a path gives, after it was flattened."""
    match expression:
        case Path():
            return 1 + by_team(expression, seen) + _own_lists(expression, seen)
        case Call("flatten", of):
            return max(1, _depth(of, seen) - 1)
        case _:
            return 0


def _statement_hopeless(statement: Statement, lineup: Lineup, known: Mapping[str, Rule]) -> bool:
    lost = [
        hopeless(known[part], lineup, known)
        if isinstance(part, str)
        else _statement_hopeless(part, lineup, known)
        for part in statement.parts
    ]
    match statement.operator:
        case "and":
            return any(lost)
        case "or" | "xor":
            return all(lost)
        case _:
            return False
