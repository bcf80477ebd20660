"""Whether more players could still make an unfinished match meet a rule.

``hopeless`` is right whenever it says yes. It says yes only for rules whose measure can go
but one way as players join: a spread, which never narrows; what all have in common, which
never grows.
"""

from collections.abc import Iterator, Mapping, Sequence
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
from matchmaker.rules.judge import (
    SLACK,
    compares,
    comparison,
    counts,
    distance,
    meets,
    regions,
    within,
)
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
    Team,
)
from matchmaker.rules.statements import answer
from matchmaker.rules.trends import lasting, lists_each


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
            return _comparison_hopeless(rule, lineup)
        case Collection():
            return _collection_hopeless(rule, lineup)
        case Compound():
            lost = answer(
                rule.statement,
                lambda name: False if hopeless(known[name], lineup, known) else None,
            )
            return lost is False
        case _:
            return False


def _comparison_hopeless(rule: Comparison, lineup: Lineup) -> bool:
    if rule.reference is not None and not isinstance(rule.reference, Literal):
        return False
    if all(lists_each(measurement) for measurement in rule.measurements):
        return not comparison(rule, lineup)
    if not isinstance(rule.reference, Literal):
        return False
    seen = lineup.seen_by(rule.party)
    return any(
        not compares(value, operation, rule.reference.value)
        for measurement in rule.measurements
        for operation, values in _lasting_values(measurement, seen)
        if rule.operation in (operation, operation[0], "=")
        for value in values
    )


def _lasting_values(measurement: Expression, seen: Lineup) -> Iterator[tuple[str, list[Any]]]:
    """Numbers below which a maximum will never be again (``<=``), or above which a minimum."""
    match measurement:
        case Call("max" | "min" as function, of) if lists_each(of):
            yield "<=" if function == "max" else ">=", leaves(work_out(of, seen))
        case _:
            return


def _distance_hopeless(rule: Distance, lineup: Lineup) -> bool:
    if isinstance(rule.reference, Literal):
        if all(lists_each(measurement) for measurement in rule.measurements):
            return not distance(rule, lineup)
        return _too_far(rule, rule.reference.value, lineup.seen_by(rule.party))
    measured, bound = spread_bound(rule, lineup.order)
    seen = lineup.seen_by(rule.party)
    for path in measured:
        values = leaves(work_out(path, seen))
        if values and max(values) - min(values) > bound + SLACK:
            return True
    return False


def _too_far(rule: Distance, reference: Any, seen: Lineup) -> bool:  # noqa: ANN401 - a number
    """Whether a maximum is too far above the reference already, or a minimum below."""
    most = rule.max_distance
    return most is not None and any(
        (value - reference if operation == "<=" else reference - value) > most + SLACK
        for measurement in rule.measurements
        for operation, values in _lasting_values(measurement, seen)
        for value in values
    )


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
        if not _somebody(measurement, seen):
            continue  # nobody is there yet of whom it could speak
        bounds = lasting(rule, measurement, seen)
        if bounds is None:
            continue
        if not all(within(bounds, count) for count in counts(rule, measured, seen)):
            return True
    return False


def _somebody(measurement: Expression, seen: Lineup) -> bool:
    """Whether there is anybody of whom an expression speaks."""
    return any(seen.seated[team] for path in paths(measurement) for team in seen.teams(path.teams))


def _of_somebody(measured: Any, measurement: Expression, seen: Lineup) -> Any:  # noqa: ANN401
    """What is measured, without the teams that are empty still: they may yet be filled."""
    if not isinstance(measurement, Path) or not isinstance(measured, list):
        return measured
    several = measurement.teams == ("*",) or len(seen.teams(measurement.teams)) > 1
    return [team for team in measured if team] if several else measured
