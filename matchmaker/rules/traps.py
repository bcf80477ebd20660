"""What runs and still surprises: the traps that users of rule sets have told of."""

from collections.abc import Iterator

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
    return [*_solo(whole), *_parties(whole), *_head_of_line(whole), *_unused(whole)]


def _solo(whole: RuleSet) -> Iterator[Problem]:
    """Minimums that fall so low that whoever waits is split into matches of their own."""
    for age_s in whole.ages_s()[1:]:
        stands = whole.at(age_s)
        least = sum(team.min_players for team in stands.teams)
        before = sum(team.min_players for team in whole.teams)
        if least <= 1 < before:
            yield Problem(
                "$.expansions",
                "warning",
                f"after {age_s:g} s a match of {max(1, least)} player is allowed: players who "
                "wait are split into solo matches; keep the sum of minPlayers above 1",
            )
            return


def _parties(whole: RuleSet) -> Iterator[Problem]:
    """Parties that can never play, though players may think so."""
    most = max(team.max_players for age_s in whole.ages_s() for team in whole.at(age_s).teams)
    if most == 1 and len(whole.teams) > 1:
        yield Problem(
            "$.teams",
            "warning",
            "every team takes one player, so a party can never fit; enqueue friends one by one",
        )


def _head_of_line(whole: RuleSet) -> Iterator[Problem]:
    """Rules that are never relaxed, under which a rare ticket waits for ever."""
    relaxed = {name for one in whole.expansions if one.part == "rules" for name in one.names}
    for n, rule in enumerate(whole.rules):
        if rule.name not in relaxed and _may_be_rare(rule):
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


def _unused(whole: RuleSet) -> Iterator[Problem]:
    """Expansions that change nothing at any age."""
    for n, one in enumerate(whole.expansions):
        without = [other for other in whole.expansions if other is not one]
        rest = RuleSet(whole.teams, whole.attributes, whole.rules, whole.algorithm, tuple(without))
        if all(rest.at(age_s) == whole.at(age_s) for age_s in whole.ages_s()):
            yield Problem(
                f"$.expansions[{n}]", "warning", "changes nothing: its values are there already"
            )
