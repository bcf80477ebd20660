"""What becomes of the lists that a rule measures as more players join a match."""

from dataclasses import replace
from enum import Enum, auto

from matchmaker.rules.expressions import (
    Call,
    Expression,
    Literal,
    Path,
    by_team,
    paths,
    work_out,
)
from matchmaker.rules.members import Lineup
from matchmaker.rules.ruleset import Collection


def lists_each(expression: Expression) -> bool:
    """Whether it lists values that stay as more players join: paths, flattened or not."""
    match expression:
        case Path():
            return bool(expression.attribute)
        case Call("flatten", of):
            return lists_each(of)
        case _:
            return False


class Trend(Enum):
    """What more players do to a list, or to a number."""

    FIXED = auto()
    RISES = auto()
    FALLS = auto()
    ANY = auto()


def lasting(rule: Collection, measurement: Expression, seen: Lineup) -> Collection | None:
    """The rule with only those bounds that stay broken once they are; None when none does."""
    trend = _counted(rule, measurement, seen)
    if trend is Trend.FIXED:
        return rule
    bare = rule.min_count is None and rule.max_count is None
    if trend is Trend.FALLS:
        least = 1.0 if bare else rule.min_count
        return None if least is None else replace(rule, min_count=least, max_count=None)
    if trend is Trend.RISES and rule.max_count is not None:
        return replace(rule, min_count=None)
    return None


def _counted(rule: Collection, measurement: Expression, seen: Lineup) -> Trend:
    """How the counts of a rule go as players join."""
    reference = Trend.FIXED if rule.reference is None else _list_trend(rule.reference, seen)
    measured = _list_trend(measurement, seen)
    if rule.operation == "contains":
        return Trend.RISES if reference is Trend.FIXED else Trend.ANY
    if rule.operation == "intersection":
        if measured is Trend.FIXED:
            return Trend.FALLS  # each further list can only take from what all have
        return Trend.ANY if _depth(measurement, seen) > 1 else Trend.RISES
    return _together(measured, reference)


def _together(one: Trend, other: Trend) -> Trend:
    """How many values two lists have in common, from how each of them goes."""
    both = {one, other} - {Trend.FIXED}
    if not both:
        return Trend.FIXED
    return both.pop() if len(both) == 1 else Trend.ANY


def _list_trend(expression: Expression, seen: Lineup) -> Trend:
    """How each innermost list of an expression goes as players join."""
    match expression:
        case Literal():
            return Trend.FIXED
        case Call("set_intersection", of):
            # Of the lists of single parties, and of all of them at once, once there are some.
            single = (
                lists_each(of) and _depth(of, seen) == 2 and _list_trend(of, seen) is Trend.FIXED
            )
            return Trend.FALLS if single and work_out(of, seen) else Trend.ANY
        case Path() | Call("flatten", _):
            if not _listed(expression):
                return Trend.ANY
            own = _own_lists(expression, seen) and _depth(expression, seen) > 1
            return Trend.FIXED if own else Trend.RISES
        case _:
            return Trend.ANY


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
