"""Whether more players could still make an unfinished match meet a rule.

``hopeless`` is right whenever it says yes. It says yes only for rules whose measure can go
but one way as players join: a spread, which never narrows; what all have in common, which
never grows.
"""

from collections.abc import Mapping
from dataclasses import replace

from matchmaker.rules.expressions import Call, Expression, Literal, Path, leaves, work_out
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
            alone = all(_plain(measurement) for measurement in rule.measurements)
            if rule.reference is not None and not isinstance(rule.reference, Literal):
                return False
            return alone and not comparison(rule, lineup)
        case Collection():
            return _collection_hopeless(rule, lineup)
        case Compound():
            return _statement_hopeless(rule.statement, lineup, known)
        case _:
            return False


def _plain(expression: Expression) -> bool:
    """Whether it lists values that stay as more players join: paths, flattened or not."""
    match expression:
        case Path():
            return bool(expression.attribute)
        case Call("flatten", of):
            return _plain(of)
        case _:
            return False


def _distance_hopeless(rule: Distance, lineup: Lineup) -> bool:
    if not all(_plain(measurement) for measurement in rule.measurements):
        return False
    if isinstance(rule.reference, Literal):
        return not distance(rule, lineup)
    if rule.max_distance is None:
        return False
    match rule.reference:
        case Call("min" | "max" | "avg" | "median" as function, of) if (
            _plain(of)
            and _whole(of)
            and any(_whole(one) == _whole(of) for one in rule.measurements)
        ):
            seen = lineup.seen_by(rule.party)
            values = [
                value
                for measurement in rule.measurements
                if _whole(measurement) == _whole(of)
                for value in leaves(work_out(measurement, seen))
            ]
            # From the middle of a list nobody is farther than all from one another by half.
            factor = 1.0 if function in ("min", "max") else 2.0
            spread = max(values) - min(values) if values else 0.0
            return bool(spread > factor * rule.max_distance + SLACK)
        case _:
            return False


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
    if not all(_plain(measurement) for measurement in rule.measurements):
        return False
    seen = lineup.seen_by(rule.party)
    bounds = _lasting(rule, seen)
    for measurement in rule.measurements:
        measured = work_out(measurement, seen)
        if bounds is None or not leaves(measured):
            continue  # nobody is there yet of whom it could speak
        if not all(within(bounds, count) for count in counts(rule, measured, seen)):
            return True
    return False


def _lasting(rule: Collection, seen: Lineup) -> Collection | None:
    """The bounds that stay broken once they are, as players join; None when none does."""
    fixed = rule.reference is None or isinstance(rule.reference, Literal)
    if rule.operation == "contains":  # occurrences only rise
        return replace(rule, min_count=0) if fixed and rule.max_count is not None else None
    if rule.operation == "reference_intersection_count" and fixed:
        return rule  # each collection's count is what it is
    match rule.reference:
        case None:
            pass
        case Call("set_intersection", of) if leaves(work_out(of, seen)):
            pass
        case _:
            return None
    # What is common to all only falls.
    least = 0.0 if rule.min_count is None and rule.max_count is not None else rule.min_count
    return replace(rule, min_count=least, max_count=None)


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
