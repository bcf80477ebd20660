"""Rules that no match can meet, though each is well formed: told as warnings, since they run."""

from collections.abc import Iterator
from itertools import combinations

from matchmaker.rules.expressions import Call, Expression, Literal, Path, paths
from matchmaker.rules.reading import Problem
from matchmaker.rules.ruleset import Collection, Comparison, Distance, Rule, RuleSet

LIST_MAX = 100
"""Texts in one player's list, at most."""


def contradictions(whole: RuleSet) -> Iterator[Problem]:
    """Warnings for rules that nothing meets, each at its place."""
    judged = whole.judged()
    for n, rule in enumerate(whole.rules):
        if rule in judged:
            for key, message in _alone(rule, whole):
                yield Problem(f"$.rules[{n}].{key}", "warning", message)
    compared = [
        (n, rule)
        for n, rule in enumerate(whole.rules)
        if isinstance(rule, Comparison) and rule in judged and not _relaxed(rule, whole)
    ]
    for (_, one), (n, other) in combinations(compared, 2):
        if set(one.measurements) & set(other.measurements) and _exclude(one, other):
            yield Problem(
                f"$.rules[{n}].operation",
                "warning",
                f"contradicts rule {one.name!r}: no value meets both, so no match is ever made",
            )


def _relaxed(rule: Rule, whole: RuleSet) -> bool:
    return any(one.part == "rules" and rule.name in one.names for one in whole.expansions)


def _alone(rule: Rule, whole: RuleSet) -> Iterator[tuple[str, str]]:
    """What in one rule cannot be met at any age, by property."""
    ages = [
        stands
        for age_s in whole.ages_s()
        for stands in whole.at(age_s).rules
        if stands.name == rule.name
    ]
    match rule:
        case Collection():
            lows = [one.min_count or 0 for one in ages if isinstance(one, Collection)]
            most = min(_most(one, whole) for one in ages if isinstance(one, Collection))
            if lows and min(lows) > most:
                yield "minCount", f"asks for {min(lows):g}, and there can be no more than {most:g}"
        case Comparison(reference=Literal(value)) if isinstance(value, int | float):
            bounds = [_range(one, whole) for one in rule.measurements]
            for one in ages:
                if not isinstance(one, Comparison) or not isinstance(one.reference, Literal):
                    return
                if all(_within(one.operation, one.reference.value, *span) for span in bounds):
                    return
            yield "referenceValue", "is beyond what teams of these sizes can have; nothing meets it"
        case Distance(min_distance=float() | int() as least) if least > 0:
            if any(one == rule.reference for one in rule.measurements):
                yield "minDistance", "is asked of a value from itself, which has none"
        case _:
            return


def _most(rule: Collection, whole: RuleSet) -> float:
    """The most that any list or match could count for a collection rule."""
    given = rule.reference.value if isinstance(rule.reference, Literal) else None
    if rule.operation == "contains":
        places = max(whole.at(age_s).players_max() for age_s in whole.ages_s())
        return float(places * (len(given) if isinstance(given, list) else 1))
    if rule.operation == "reference_intersection_count" and given is not None:
        return float(len(set(given)) if isinstance(given, list) else 1)
    per_player = all(len(paths(one)) == 1 for one in rule.measurements) and not any(
        isinstance(one, Call) and isinstance(one.of, Call) for one in rule.measurements
    )
    return float(LIST_MAX) if per_player else float("inf")


def _range(measurement: Expression, whole: RuleSet) -> tuple[float, float]:
    """Between what a count of players can lie; anything for all else."""
    match measurement:
        case Call("count", Path(names, "")):
            one = [t for t in whole.teams if {t.name, t.definition} & set(names)]
            if len(one) != 1:
                return float("-inf"), float("inf")
            sizes = [
                team
                for age_s in whole.ages_s()
                for team in whole.at(age_s).teams
                if team.name == one[0].name
            ]
            low = min(team.min_players for team in sizes)
            return float(low), float(max(team.max_players for team in sizes))
        case _:
            return float("-inf"), float("inf")


def _within(operation: str, value: float, low: float, high: float) -> bool:
    """Whether something between two bounds compares so with a value."""
    return {
        "<": low < value, "<=": low <= value, ">": high > value, ">=": high >= value,
        "=": low <= value <= high, "!=": low != value or high != value,
    }[operation]  # fmt: skip


def _exclude(one: Comparison, other: Comparison) -> bool:
    """Whether no value meets both comparisons."""
    if one.reference is None or other.reference is None:
        among = one.reference is None and other.reference is None
        return among and {one.operation, other.operation} == {"=", "!="}
    if not isinstance(one.reference, Literal) or not isinstance(other.reference, Literal):
        return False
    value, held = one.reference.value, other.reference.value
    if isinstance(value, str) or isinstance(held, str):
        both = (one.operation, other.operation)
        return (both == ("=", "=") and value != held) or (
            set(both) == {"=", "!="} and value == held
        )
    # A value that meets both would be one of the two, or near one, or between them.
    tries = [v + d for v in (value, held) for d in (-0.5, 0, 0.5)] + [(value + held) / 2]
    return not any(
        _within(one.operation, value, v, v) and _within(other.operation, held, v, v) for v in tries
    )
