"""The quality of many finished matches at once: the same number as ``quality`` gives."""

from collections.abc import Iterator

import numpy as np

from matchmaker.engine.batch import Batch
from matchmaker.engine.checks import slowest
from matchmaker.engine.columns import Column, Floats
from matchmaker.engine.compiled import Compiled
from matchmaker.engine.measures import Unmeasured, is_number, listed, number_column, numbers
from matchmaker.engine.prediction import Rated, rated
from matchmaker.engine.quality import quality
from matchmaker.rules.expressions import Expression
from matchmaker.rules.ruleset import BatchDistance, Distance, Latency, Rule, RuleSet


def worth(batch: Batch, rules: Compiled) -> Floats:
    """Of each match, 0 to 1, with the rules as they stood for it."""
    if not len(batch):
        return np.zeros(0)
    try:
        terms = [term for rule in rules.rules.rules for term in _of_rule(rule, batch, rules.rules)]
    except Unmeasured:
        lineups = (batch.lineup(n, rules.rules.teams) for n in range(len(batch)))
        return np.array([quality(lineup, rules.rules) for lineup in lineups])
    uncertain = rated(rules.rules)
    if len(rules.rules.teams) > 1:
        terms += [_predicted(batch, uncertain, rules.rules)] if uncertain else []
        terms += _of_teams(batch, rules.rules)
    if not terms:
        return np.ones(len(batch))
    return np.asarray(np.round(np.mean(terms, axis=0), 6))


def _of_rule(rule: Rule, batch: Batch, rules: RuleSet) -> Iterator[Floats]:
    match rule:
        case Distance(max_distance=float() | int() as bound) if bound > 0:
            yield _share(_worst(rule, batch, rules), bound)
        case BatchDistance(max_distance=float() | int() as bound) if bound > 0:
            there, values = batch.there(), batch.values(number_column(rule.attribute, rule.party))
            high = np.where(there, values, -np.inf).max(axis=1)
            yield _share(high - np.where(there, values, np.inf).min(axis=1), bound)
        case Latency(max_latency=bound) if bound > 0:
            regions = [slowest(batch, rule, region) for region in batch.columns.regions]
            best = np.min(regions, axis=0) if regions else np.full(len(batch), bound)
            yield _share(np.minimum(best, bound), bound)
        case _:
            return


def _worst(rule: Distance, batch: Batch, rules: RuleSet) -> Floats:
    """The farthest that any measured value is from any reference."""
    against = numbers(rule.reference, rules, rule.party).work_out(batch)
    low, high = against.min(axis=1), against.max(axis=1)
    worst = np.zeros(len(batch))
    for one in rule.measurements:
        least, most = _ends(one, rule, batch, rules)
        worst = np.maximum(worst, np.maximum(high - least, most - low))
    return worst


def _ends(one: Expression, rule: Distance, batch: Batch, rules: RuleSet) -> tuple[Floats, Floats]:
    path = listed(one, rules)
    if path is None:
        measured = numbers(one, rules, rule.party).work_out(batch)
        return measured.min(axis=1), measured.max(axis=1)
    if not is_number(path, rules):
        raise Unmeasured
    held, values = path.held(batch), batch.values(number_column(path.attribute, rule.party))
    return (
        np.where(held, values, np.inf).min(axis=1),
        np.where(held, values, -np.inf).max(axis=1),
    )


def _of_teams(batch: Batch, rules: RuleSet) -> list[Floats]:
    sizes, shares, largest = batch.sizes(), [], []
    for n, team in enumerate(rules.teams):
        here = np.where(batch.team == n, sizes, 0)
        shares.append(here.sum(axis=1) / team.max_players)
        largest.append(here.max(axis=1))
    fullest = np.max(shares, axis=0)
    uneven = (fullest - np.min(shares, axis=0)) / np.maximum(fullest, 1e-12)
    most = np.max(largest, axis=0)
    return [1.0 - uneven, 1.0 - (most - np.min(largest, axis=0)) / np.maximum(most, 1)]


def _predicted(batch: Batch, one: Rated, rules: RuleSet) -> Floats:
    """``prediction.balance`` of each match."""
    strength = batch.values(number_column(one.attribute, "avg")) * batch.sizes()
    variance = np.where(batch.there(), batch.values(Column("squares", one.sigma)), 0.0)
    means = np.stack(
        [np.where(batch.team == n, strength, 0.0).sum(axis=1) for n in range(len(rules.teams))]
    )
    spread = np.sqrt(variance.sum(axis=1) + len(means) * one.beta * one.beta)
    shares = np.exp((means - means.max(axis=0)) / spread)
    found: Floats = len(means) * shares.min(axis=0) / shares.sum(axis=0)
    return found


def _share(measured: Floats, bound: float) -> Floats:
    found: Floats = np.maximum(0.0, 1.0 - measured / bound)
    return found
