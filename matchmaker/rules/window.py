"""A rating window as a rule set, so that whatever explains rule sets explains it too."""

from functools import lru_cache

from matchmaker.rules.model import Rules
from matchmaker.rules.ruleset import (
    Attribute,
    BatchDistance,
    Expansion,
    RuleSet,
    Step,
    Team,
)

STEPS_MAX = 600
"""Seconds of widening that are written out."""


@lru_cache(maxsize=64)
def as_rule_set(rules: Rules) -> RuleSet:
    """The same teams, and one rule on the rating that widens each second."""
    window = rules.window
    steps = []
    for second in range(1, STEPS_MAX + 1):
        steps.append(Step(float(second), window.width(second)))
        if window.width(second) >= window.end:
            break
    widening = Expansion("rules", ("rating",), "max_distance", tuple(steps))
    return RuleSet(
        tuple(Team(name, name, rules.team_size, rules.team_size) for name in rules.teams),
        {"rating": Attribute("rating", "number", 1500.0)},
        (BatchDistance("rating", "rating", window.width(0)),),
        expansions=(widening,) if window.per_s > 0 else (),
    )
