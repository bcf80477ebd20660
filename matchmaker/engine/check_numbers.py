"""Rules about numbers, asked of many finished matches at once: distance and comparison."""

from collections.abc import Callable

import numpy as np

from matchmaker.engine.batch import Batch
from matchmaker.engine.check_texts import text
from matchmaker.engine.columns import Floats, Mask
from matchmaker.engine.measures import (
    HALF,
    Check,
    Listed,
    Numbers,
    Unmeasured,
    equal,
    every,
    is_number,
    listed,
    number_column,
    numbers,
)
from matchmaker.rules.expressions import Expression
from matchmaker.rules.ruleset import Comparison, Distance, RuleSet


def distance(rule: Distance, whole: RuleSet) -> Check:
    """Every measured number lies at the right distance from its reference."""

    def near(values: Floats, against: Floats) -> Mask:
        gap = np.abs(values - against)
        met: Mask = np.isfinite(gap)
        if rule.max_distance is not None:
            met &= gap <= rule.max_distance + HALF
        if rule.min_distance is not None:
            met &= gap >= rule.min_distance - HALF
        return met

    return _beside(rule.measurements, rule.reference, whole, rule.party, near)


def comparison(rule: Comparison, whole: RuleSet) -> Check:
    """Every measured value compares as it shall."""
    paths = [listed(one, whole) for one in rule.measurements]
    if any(path and not is_number(path, whole) for path in paths):
        return every([text(rule, path, whole) for path in paths])
    if rule.reference is None:
        return every([_alike(rule, one, whole) for one in rule.measurements])
    told = [numbers(rule.reference, whole, rule.party)]
    told += [
        numbers(one, whole, rule.party)
        for one, path in zip(rule.measurements, paths, strict=True)
        if path is None
    ]
    margin = HALF if any(one.rounded for one in told) else 0.0
    if margin and rule.operation == "=":
        raise Unmeasured

    def compares(values: Floats, against: Floats) -> Mask:
        gap = values - against
        match rule.operation:
            case "=":
                met = gap == 0
            case "!=":
                met = np.abs(gap) > margin
            case "<":
                met = gap < -margin
            case "<=":
                met = gap <= -margin
            case ">":
                met = gap > margin
            case _:
                met = gap >= margin
        return np.asarray(np.isfinite(gap) & met)

    return _beside(rule.measurements, rule.reference, whole, rule.party, compares)


def _beside(
    measurements: tuple[Expression, ...],
    reference: Expression,
    whole: RuleSet,
    by: str,
    met: Callable[[Floats, Floats], Mask],
) -> Check:
    """Each measured number held against the reference, as ``judge`` pairs them."""
    against = numbers(reference, whole, by)
    parts: list[Check] = []
    for one in measurements:
        path = listed(one, whole)
        if path is None:
            parts.append(_pairs(numbers(one, whole, by), against, met))
        elif against.width == 1 and is_number(path, whole):
            parts.append(_each(path, against, by, met))
        else:
            raise Unmeasured
    return every(parts)


def _each(path: Listed, against: Numbers, by: str, met: Callable[[Floats, Floats], Mask]) -> Check:
    column = number_column(path.attribute, by)

    def check(batch: Batch) -> Mask:
        found = met(batch.values(column), against.work_out(batch)) | ~path.held(batch)
        return np.asarray(found.all(axis=1))

    return check


def _pairs(measured: Numbers, against: Numbers, met: Callable[[Floats, Floats], Mask]) -> Check:
    def check(batch: Batch) -> Mask:
        values, others = measured.work_out(batch), against.work_out(batch)
        if others.shape[1] in (1, values.shape[1]):
            return np.asarray(met(values, others).all(axis=1))
        return np.asarray(met(values[:, :, None], others[:, None, :]).all(axis=(1, 2)))

    return check


def _alike(rule: Comparison, measurement: Expression, whole: RuleSet) -> Check:
    """Numbers that are all equal."""
    path = listed(measurement, whole)
    if rule.operation != "=":
        raise Unmeasured
    if path is None:
        told = numbers(measurement, whole, rule.party)
        if told.rounded:
            raise Unmeasured
        return lambda batch: equal(told.work_out(batch), None)
    column = number_column(path.attribute, rule.party)
    return lambda batch: equal(batch.values(column), path.held(batch))
