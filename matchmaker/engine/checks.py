"""Each rule as a question to many finished matches at once.

``checked`` answers as ``rules.judge.meets`` does; where a mean lies within a rounding of its
bound it may say no and never wrongly yes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from matchmaker.engine.batch import Batch
from matchmaker.engine.check_numbers import comparison, distance
from matchmaker.engine.check_texts import collection, one_text
from matchmaker.engine.columns import Column, Floats, Mask
from matchmaker.engine.measures import HALF, Check, Unmeasured, every, number_column
from matchmaker.rules.judge import meets
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


@dataclass(frozen=True, slots=True)
class Checked:
    """A rule, compiled."""

    rule: Rule
    check: Check
    vectorised: bool


def checked(rule: Rule, whole: RuleSet) -> Checked:
    """A rule as a check; one that has no columns is judged match by match."""
    known = {one.name: one for one in whole.rules}
    try:
        return Checked(rule, _check(rule, whole, known), vectorised=True)
    except Unmeasured:
        return Checked(rule, _one_by_one(rule, whole, known), vectorised=False)


def _one_by_one(rule: Rule, whole: RuleSet, known: Mapping[str, Rule]) -> Check:
    def check(batch: Batch) -> Mask:
        return np.array(
            [meets(rule, batch.lineup(n, whole.teams), known) for n in range(len(batch))],
            dtype=np.bool_,
        )

    return check


def _check(rule: Rule, whole: RuleSet, known: Mapping[str, Rule]) -> Check:
    match rule:
        case Distance():
            return distance(rule, whole)
        case Comparison():
            return comparison(rule, whole)
        case Collection():
            return collection(rule, whole)
        case Latency():
            return _latency(rule)
        case BatchDistance():
            return _batch_distance(rule, whole)
        case Compound():
            return _statement(rule.statement, whole, known)
        case _:
            raise Unmeasured


def _latency(rule: Latency) -> Check:
    def check(batch: Batch) -> Mask:
        met = np.zeros(len(batch), np.bool_)
        for region in batch.columns.regions:
            met |= slowest(batch, rule, region) <= rule.max_latency
        return met

    return check


def slowest(batch: Batch, rule: Latency, region: str) -> Floats:
    """The slowest party's latency in a region; infinite where it is too far for someone."""
    kept = batch.columns.latency.get((rule.party, region))
    if kept is None:
        return np.full(len(batch), np.inf)
    there, latencies = batch.there(), kept[batch.rows]
    worst = np.where(there, latencies, -np.inf).max(axis=1)
    near = worst <= rule.max_latency
    if rule.max_distance is not None:
        best = np.where(there, latencies, np.inf).min(axis=1)
        total = np.where(there, latencies, 0.0).sum(axis=1)
        mean = total / np.maximum(there.sum(axis=1), 1)
        reference = best if rule.distance_reference == "min" else mean
        near &= np.maximum(worst - reference, reference - best) <= rule.max_distance + HALF
    found: Floats = np.where(near, worst, np.inf)
    return found


def _batch_distance(rule: BatchDistance, whole: RuleSet) -> Check:
    attribute = whole.attributes.get(rule.attribute)
    if attribute is None or attribute.type not in ("number", "string"):
        raise Unmeasured
    if attribute.type == "string":
        column = Column("text", rule.attribute)
        return lambda batch: one_text(batch.values(column), batch.there())
    widest = np.inf if rule.max_distance is None else rule.max_distance + HALF
    kept = number_column(rule.attribute, rule.party)

    def check(batch: Batch) -> Mask:
        there, values = batch.there(), batch.values(kept)
        high = np.where(there, values, -np.inf).max(axis=1)
        low = np.where(there, values, np.inf).min(axis=1)
        found: Mask = high - low <= widest
        return found

    return check


def _statement(statement: Statement, whole: RuleSet, known: Mapping[str, Rule]) -> Check:
    if statement.operator in ("not", "xor"):
        raise Unmeasured  # a check may say no within a rounding; its opposite would say yes
    parts = [
        _check(known[part], whole, known)
        if isinstance(part, str)
        else _statement(part, whole, known)
        for part in statement.parts
    ]
    if statement.operator == "and":
        return every(parts)
    return lambda batch: np.logical_or.reduce([part(batch) for part in parts])
