"""Whether a finished match meets a rule; nothing else counts in the end."""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from matchmaker.rules.expressions import Expression, Literal, by_team, leaves, work_out
from matchmaker.rules.members import Lineup, Party, aggregate
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
from matchmaker.rules.statements import answer

SLACK = 1e-9
"""Rounding that an average may have before it counts against anybody."""


def meets_all(lineup: Lineup, rules: RuleSet) -> bool:
    """Whether a finished match meets every rule, and its teams their sizes."""
    for team in rules.teams:
        if not team.min_players <= lineup.size(team.name) <= team.max_players:
            return False
    known = {rule.name: rule for rule in rules.rules}
    return all(meets(rule, lineup, known) for rule in rules.judged())


def meets(rule: Rule, lineup: Lineup, known: Mapping[str, Rule]) -> bool:
    """Whether a finished match meets one rule; ``known`` are those a compound names."""
    match rule:
        case Distance():
            return distance(rule, lineup)
        case Comparison():
            return comparison(rule, lineup)
        case Collection():
            return _collection(rule, lineup)
        case Latency():
            return bool(regions(rule, lineup.parties()))
        case BatchDistance():
            return batch_distance(rule, lineup.parties())
        case Compound():
            return bool(answer(rule.statement, lambda name: meets(known[name], lineup, known)))
        case _:
            return True


def distance(rule: Distance, lineup: Lineup) -> bool:
    """Whether every measured value lies at the right distance from its reference."""
    seen = lineup.seen_by(rule.party)
    for measurement in rule.measurements:
        for value, against in beside(measurement, rule.reference, seen):
            if not _number(value) or not _number(against):
                return False
            gap = abs(value - against)
            if rule.max_distance is not None and gap > rule.max_distance + SLACK:
                return False
            if rule.min_distance is not None and gap < rule.min_distance - SLACK:
                return False
    return True


def beside(
    measurement: Expression, reference: Expression, seen: Lineup
) -> Iterator[tuple[Any, Any]]:
    """Each measured value with each reference that it is held against.

    Where both are told team by team, a team's values are held against that team's reference.
    """
    measured, against = work_out(measurement, seen), work_out(reference, seen)
    together = by_team(measurement, seen) and by_team(reference, seen)
    lists = isinstance(measured, list) and isinstance(against, list)
    if together and lists and len(measured) == len(against):
        for one, other in zip(measured, against, strict=True):
            yield from product(leaves(one), leaves(other))
    else:
        yield from product(leaves(measured), leaves(against))


def _number(value: Any) -> bool:  # noqa: ANN401
    return isinstance(value, int | float)


def comparison(rule: Comparison, lineup: Lineup) -> bool:
    """Whether every measured value compares as it shall."""
    if rule.reference is None:
        # Members of a party are different people: they are not made alike first.
        seen = lineup.seen_by("" if rule.operation == "!=" else rule.party)
        return all(
            _among_themselves(leaves(work_out(measurement, seen)), rule.operation)
            for measurement in rule.measurements
        )
    seen = lineup.seen_by(rule.party)
    return all(
        compares(value, rule.operation, against)
        for measurement in rule.measurements
        for value, against in beside(measurement, rule.reference, seen)
    )


def _among_themselves(values: list[Any], operation: str) -> bool:
    if None in values:
        return False
    if operation == "!=":
        return len(set(values)) == len(values)
    return all(_equal(value, values[0]) for value in values)


def _equal(value: Any, other: Any) -> bool:  # noqa: ANN401
    if _number(value) and _number(other):
        return bool(abs(value - other) <= SLACK)
    return bool(value == other)


def compares(value: Any, operation: str, against: Any) -> bool:  # noqa: ANN401
    """Whether one value compares so with another; nothing does with what is not there."""
    if value is None or against is None:
        return False
    if isinstance(value, str) != isinstance(against, str):
        value, against = _text(value), _text(against)
    equal = _equal(value, against)
    match operation:
        case "=":
            return equal
        case "!=":
            return not equal
        case "<":
            return bool(value < against) and not equal
        case "<=":
            return bool(value < against) or equal
        case ">":
            return bool(value > against) and not equal
        case _:
            return bool(value > against) or equal


def _text(value: Any) -> str:  # noqa: ANN401
    """A number as it is written, for a comparison with a text."""
    return value if isinstance(value, str) else f"{value:g}"


def _collection(rule: Collection, lineup: Lineup) -> bool:
    seen = lineup.seen_by(rule.party)
    return all(
        all(within(rule, count) for count in counts(rule, work_out(measurement, seen), seen))
        for measurement in rule.measurements
    )


def counts(rule: Collection, measured: Any, seen: Lineup) -> list[int]:  # noqa: ANN401
    """The numbers that a collection rule bounds."""
    if rule.operation == "contains":
        wanted = leaves(work_out(rule.reference or Literal(None), seen))
        return [sum(text in wanted for text in leaves(measured))]
    collections = _collections(measured)
    if rule.operation == "intersection":
        first, *rest = collections or [[]]
        return [len({text for text in first if all(text in other for other in rest)})]
    reference = set(leaves(work_out(rule.reference or Literal([]), seen)))
    return [len(reference.intersection(one)) for one in collections]


def _collections(measured: Any) -> list[list[Any]]:  # noqa: ANN401
    """The innermost lists; one list alone is one collection."""
    if not isinstance(measured, list):
        return [[measured]]
    if not any(isinstance(one, list) for one in measured):
        return [measured]
    return [inner for one in measured for inner in _collections(one)]


def within(rule: Collection, count: int) -> bool:
    """Whether a count lies within the bounds; without bounds, whether there is any."""
    if rule.min_count is None and rule.max_count is None:
        return count >= 1
    if rule.min_count is not None and count < rule.min_count:
        return False
    return rule.max_count is None or count <= rule.max_count


def regions(rule: Latency, parties: list[Party]) -> dict[str, float]:
    """Regions near enough for every party, with the slowest party's latency there."""
    reported = [party.regions(rule.party) for party in parties]
    if not reported:
        return {}
    found = {}
    for region in reported[0]:
        if not all(region in one for one in reported):
            continue
        latencies = [one[region] for one in reported]
        if max(latencies) > rule.max_latency:
            continue
        if rule.max_distance is not None:
            reference = aggregate(latencies, rule.distance_reference or "avg")
            gaps = (abs(latency - reference) for latency in latencies)
            if max(gaps) > rule.max_distance + SLACK:
                continue
        found[region] = max(latencies)
    return found


def batch_distance(rule: BatchDistance, parties: list[Party]) -> bool:
    """Whether the tickets lie near enough to each other, or are alike."""
    values = [party.values(rule.attribute, rule.party) for party in parties]
    if all(_number(value) for one in values for value in one):
        # A number stands once for a party: its aggregate.
        numbers = [one[0] for one in values]
        spread = max(numbers) - min(numbers) if numbers else 0.0
        return rule.max_distance is None or spread <= rule.max_distance + SLACK
    first = values[0][0]
    return all(value == first for one in values for value in one)
