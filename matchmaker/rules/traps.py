"""What runs and still surprises: the traps that users of rule sets have told of."""

from collections.abc import Iterator

from matchmaker.rules.contradictions import contradictions
from matchmaker.rules.reading import Problem
from matchmaker.rules.ruleset import (
    BatchDistance,
    Collection,
    Comparison,
    Distance,
    Latency,
    Rule,
    RuleSet,
)


def traps(whole: RuleSet) -> list[Problem]:
    """Warnings for a rule set that can be run."""
    return [
        *contradictions(whole),
        *_solo(whole),
        *_parties(whole),
        *_head_of_line(whole),
        *_stricter(whole),
    ]


def _solo(whole: RuleSet) -> Iterator[Problem]:
    """Minimums that are so low that whoever waits is split into matches of their own."""
    if whole.players_max() < 2:
        return
    for age_s in whole.ages_s():
        stands = whole.at(age_s)
        if sum(team.min_players for team in stands.teams) <= 1:
            path = _lowering(whole, age_s) or "$.teams[0].minPlayers"
            when = f"after {age_s:g} s" if age_s else "at once"
            yield Problem(
                path,
                "warning",
                f"{when} a match of one player is allowed: players who wait are split into "
                "solo matches; keep the sum of minPlayers above 1",
            )
            return


def _lowering(whole: RuleSet, age_s: float) -> str:
    """The step that lowered a minimum last by this age; empty when none did."""
    steps = [
        (step.wait_s, f"{one.path}.steps[{n}].value")
        for one in whole.expansions
        for n, step in enumerate(one.steps)
        if one.field == "min_players" and step.wait_s <= age_s
    ]
    return max(steps)[1] if steps else ""


def _parties(whole: RuleSet) -> Iterator[Problem]:
    """Parties that can never play, though players may think so."""
    most = max(team.max_players for age_s in whole.ages_s() for team in whole.at(age_s).teams)
    if most == 1 and len(whole.teams) > 1:
        yield Problem(
            "$.teams",
            "warning",
            "every team takes one player, so a party can never fit; enqueue friends one by one",
        )
    for n, rule in enumerate(whole.rules):
        match rule:
            case Comparison(operation="!=", reference=None) if most > 1:
                yield Problem(
                    f"$.rules[{n}]",
                    "warning",
                    "looks at a party's players one by one: a party with two alike can never fit",
                )
            case _:
                continue


def _head_of_line(whole: RuleSet) -> Iterator[Problem]:
    """Rules that are never relaxed, under which a rare ticket waits for ever."""
    relaxed = {name for one in whole.expansions if one.part == "rules" for name in one.names}
    judged = whole.judged()
    for n, rule in enumerate(whole.rules):
        if rule.name not in relaxed and rule in judged and _may_be_rare(rule):
            yield Problem(
                f"$.rules[{n}]",
                "warning",
                f"nothing ever relaxes {rule.name!r}: at the head of the line a ticket far "
                "from all others waits until it times out; add an expansion, or a time-out",
            )


def _may_be_rare(rule: Rule) -> bool:
    match rule:
        case BatchDistance(max_distance=bound):
            return bound is not None
        case Distance() | Latency():
            return True
        case Comparison(reference=None, operation="="):
            return True
        case Collection(operation="intersection"):
            return True
        case _:
            return False


def _stricter(whole: RuleSet) -> Iterator[Problem]:
    """Steps after which a match is refused that was allowed before."""
    for one in whole.expansions:
        had = _bound(one.part, one.names, one.field, whole)
        for n, step in enumerate(one.steps):
            if isinstance(step.value, int | float) and had is not None:
                upper, change = one.field.startswith("max_"), step.value - had
                if change < 0 if upper else change > 0:
                    yield Problem(
                        f"{one.path}.steps[{n}].value",
                        "warning",
                        f"is stricter than the {had:g} before it: who waits longer finds less",
                    )
                had = step.value


def _bound(part: str, names: tuple[str, ...], field: str, whole: RuleSet) -> float | None:
    parts = whole.rules if part == "rules" else whole.teams if part == "teams" else ()
    for one in parts:
        if one.name in names or getattr(one, "definition", "") in names:
            value = getattr(one, field)
            return value if isinstance(value, int | float) else None
    return None
