"""How good a match is, as one number from 0 to 1: the mean of what can be told of it.

Each term is 1 where the rules' own measure is perfect and 0 where it just holds:

- for each distance and batch distance with an upper bound: 1 - worst measured / bound;
- for latency: 1 - the slowest party in the best common region / bound;
- where a number is declared with its uncertainty, as ``mmr`` and ``mmr_sigma``: how even the
  match is expected to be, see ``prediction``;
- evenness of the teams' sizes: 1 - (most - fewest) / most, by share of their places;
- evenness of parties: 1 - (largest party - largest party of the team with the smallest) / size.
"""

from collections.abc import Collection, Iterator

from matchmaker.engine.prediction import predicted, rated
from matchmaker.rules.expressions import leaves, work_out
from matchmaker.rules.judge import regions
from matchmaker.rules.members import Lineup
from matchmaker.rules.ruleset import BatchDistance, Compound, Distance, Latency, Rule, RuleSet

SIZES, PARTIES, PREDICTED = "even team sizes", "even parties", "predicted balance"


def quality(lineup: Lineup, rules: RuleSet) -> float:
    """Of a finished match, with the rules as they stood for it; 1 is best."""
    return mean([value for _, value in terms(lineup, rules)])


def mean(values: Collection[float]) -> float:
    """A quality from its terms; 1 where nothing can be told."""
    return round(sum(values) / len(values), 6) if values else 1.0


def terms(lineup: Lineup, rules: RuleSet) -> Iterator[tuple[str, float]]:
    """What the quality is the mean of, by the rule's name or what the teams are even in."""
    for rule in _counted(rules):
        for value in _of_rule(rule, lineup):
            yield rule.name, value
    uncertain = rated(rules) if len(lineup.order) > 1 else None
    if uncertain is not None:
        yield PREDICTED, predicted(lineup, uncertain)
    yield from zip((SIZES, PARTIES), _of_teams(lineup), strict=False)


def _counted(rules: RuleSet) -> Iterator[Rule]:
    for rule in rules.rules:
        if not isinstance(rule, Compound):
            yield rule


def _of_rule(rule: Rule, lineup: Lineup) -> Iterator[float]:
    match rule:
        case Distance(max_distance=float() | int() as bound) if bound > 0:
            seen = lineup.seen_by(rule.party)
            values = [v for one in rule.measurements for v in leaves(work_out(one, seen))]
            against = leaves(work_out(rule.reference, seen))
            gaps = [
                abs(value - other)
                for value in values
                for other in against
                if isinstance(value, int | float) and isinstance(other, int | float)
            ]
            yield _share(max(gaps, default=0.0), bound)
        case BatchDistance(max_distance=float() | int() as bound) if bound > 0:
            values = [party.one(rule.attribute, rule.party) for party in lineup.parties()]
            yield _share(max(values) - min(values), bound)
        case Latency(max_latency=bound) if bound > 0:
            best = min(regions(rule, lineup.parties()).values(), default=bound)
            yield _share(best, bound)
        case _:
            return


def _of_teams(lineup: Lineup) -> Iterator[float]:
    if len(lineup.order) < 2:
        return
    shares = [lineup.size(team.name) / team.max_players for team in lineup.order]
    fullest = max(shares)
    yield 1.0 - (fullest - min(shares)) / fullest if fullest else 1.0
    largest = [
        max((party.size() for party in lineup.seated[team.name]), default=0)
        for team in lineup.order
    ]
    yield 1.0 - (max(largest) - min(largest)) / max(*largest, 1)


def _share(measured: float, bound: float) -> float:
    return max(0.0, 1.0 - measured / bound)
