"""The sizes that the teams of a match may have, fullest and evenest first."""

from collections.abc import Iterator
from itertools import product

from matchmaker.rules.expressions import Expression, paths
from matchmaker.rules.judge import meets
from matchmaker.rules.members import Lineup, Party, Player
from matchmaker.rules.ruleset import Comparison, Distance, Rule, RuleSet

Shape = tuple[int, ...]
"""Players of each team, in the rule set's order."""

LISTED_MAX = 4096
"""Shapes that are looked at one by one; beyond it only the evenest of each size."""


def shapes(rules: RuleSet, players: int) -> list[Shape]:
    """Team sizes for at most so many players that the rules about sizes allow.

    Most players first; among those of one size, the evenest first.
    """
    about_sizes = [rule for rule in rules.judged() if _about_sizes(rule)]
    fitting = [shape for shape in _all(rules, players) if sum(shape) <= players]
    allowed = [shape for shape in fitting if _allowed(shape, rules, about_sizes)]
    return sorted(allowed, key=lambda shape: (-sum(shape), _unevenness(shape, rules)))


def _all(rules: RuleSet, players: int) -> Iterator[Shape]:
    ranges = [range(team.min_players, team.max_players + 1) for team in rules.teams]
    number = 1
    for sizes in ranges:
        number *= len(sizes)
    if number <= LISTED_MAX:
        yield from product(*ranges)
        return
    low = sum(team.min_players for team in rules.teams)
    for total in range(low, min(players, rules.players_max()) + 1):
        yield _evenest(rules, total)


def _evenest(rules: RuleSet, total: int) -> Shape:
    sizes = [team.min_players for team in rules.teams]
    while sum(sizes) < total:
        open_slots = [
            team.max_players - size for team, size in zip(rules.teams, sizes, strict=True)
        ]
        sizes[open_slots.index(max(open_slots))] += 1
    return tuple(sizes)


def _unevenness(shape: Shape, rules: RuleSet) -> float:
    """How differently full the teams are, as a sum of squares of their open shares."""
    shares = [size / team.max_players for size, team in zip(shape, rules.teams, strict=True)]
    mean = sum(shares) / len(shares)
    return sum((share - mean) ** 2 for share in shares)


def _about_sizes(rule: Rule) -> bool:
    """Whether a rule speaks of nothing but how many players there are."""
    if not isinstance(rule, Comparison | Distance):
        return False
    told: list[Expression] = [*rule.measurements]
    if rule.reference is not None:
        told.append(rule.reference)
    found = [path for one in told for path in paths(one)]
    return bool(found) and not any(path.attribute or path.ids for path in found)


def _allowed(shape: Shape, rules: RuleSet, about_sizes: list[Rule]) -> bool:
    if sum(shape) == 0:
        return False
    if not about_sizes:
        return True
    lineup = Lineup(
        rules.teams,
        {
            team.name: [Party(str(n), (Player(str(n)),)) for n in range(size)]
            for team, size in zip(rules.teams, shape, strict=True)
        },
    )
    return all(meets(rule, lineup, {}) for rule in about_sizes)
