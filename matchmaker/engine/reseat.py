"""The same people in better teams: swaps between teams, as long as they help."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from matchmaker.rules.expressions import leaves, work_out
from matchmaker.rules.judge import meets
from matchmaker.rules.members import Lineup, Party
from matchmaker.rules.ruleset import Distance, Rule

LOOKS_MAX = 400
"""Lineups judged for one match before the best so far is taken."""


def reseat(
    lineup: Lineup, cost: Callable[[Lineup], float], *, enough: float = 0.0
) -> tuple[Lineup, float]:
    """The lineup after swaps that lower its cost, until none does or it is low enough.

    Only parties of equal size change places, so team sizes stay what they are.
    """
    best, lowest, looks = lineup, cost(lineup), 0
    better = True
    while better and lowest > enough and looks < LOOKS_MAX:
        better = False
        for other in _swapped(best):
            looks += 1
            its_cost = cost(other)
            if its_cost < lowest - 1e-12:
                best, lowest, better = other, its_cost, True
                break
            if looks >= LOOKS_MAX:
                break
    return best, lowest


def strain(lineup: Lineup, rules: Iterable[Rule], known: Mapping[str, Rule]) -> float:
    """How far a full lineup is from meeting some rules; 0 when it does."""
    total = 0.0
    for rule in rules:
        if meets(rule, lineup, known):
            continue
        total += _excess(rule, lineup) if isinstance(rule, Distance) else 1.0
    return total


def _excess(rule: Distance, lineup: Lineup) -> float:
    """How much a distance is exceeded, in shares of what it may be; at least a little."""
    seen = lineup.seen_by(rule.party)
    against = [v for v in leaves(work_out(rule.reference, seen)) if isinstance(v, int | float)]
    values = [
        value
        for one in rule.measurements
        for value in leaves(work_out(one, seen))
        if isinstance(value, int | float)
    ]
    if rule.max_distance is None or not against or not values:
        return 1.0
    worst = max(abs(value - other) for value in values for other in against)
    return max(1e-6, (worst - rule.max_distance) / max(rule.max_distance, 1.0))


def _swapped(lineup: Lineup) -> Iterator[Lineup]:
    names = [team.name for team in lineup.order]
    for n, first in enumerate(names):
        for second in names[n + 1 :]:
            yield from _between(lineup, first, second)


def _between(lineup: Lineup, first: str, second: str) -> Iterator[Lineup]:
    here, there = lineup.seated[first], lineup.seated[second]
    for i, one in enumerate(here):
        for j, other in enumerate(there):
            if one.size() == other.size():
                seated: dict[str, list[Party]] = {**lineup.seated}
                seated[first] = [*here[:i], other, *here[i + 1 :]]
                seated[second] = [*there[:j], one, *there[j + 1 :]]
                yield Lineup(lineup.order, seated)
