"""Rules about texts and lists of them, asked of many finished matches at once."""

import numpy as np
from numpy.typing import NDArray

from matchmaker.engine.batch import Batch
from matchmaker.engine.columns import Column, Mask
from matchmaker.engine.measures import Check, Listed, Unmeasured, equal, every, listed
from matchmaker.rules.expression_types import kind_of
from matchmaker.rules.expressions import Literal
from matchmaker.rules.ruleset import Collection, Comparison, RuleSet


def text(rule: Comparison, path: Listed | None, whole: RuleSet) -> Check:
    """Texts that are all equal, or equal or unequal to one that stands in the rule."""
    attribute = whole.attributes.get(path.attribute) if path else None
    if path is None or attribute is None or attribute.type != "string":
        raise Unmeasured
    if rule.reference is None and rule.operation == "=":
        column = Column("text", path.attribute)
        return lambda batch: one_text(batch.values(column), path.held(batch))
    if not isinstance(rule.reference, Literal) or not isinstance(rule.reference.value, str):
        raise Unmeasured
    if rule.operation not in ("=", "!="):
        raise Unmeasured
    counted = Column("count", path.attribute, "", (rule.reference.value,))

    def check(batch: Batch) -> Mask:
        held = path.held(batch)
        found = np.where(held, batch.values(counted), 0).sum(axis=1)
        if rule.operation == "!=":
            return np.asarray(found == 0)
        return np.asarray(np.where(held, batch.sizes(), 0).sum(axis=1) == found)

    return check


def one_text(codes: NDArray[np.int32], held: Mask) -> Mask:
    """Whether codes are the same and stand for a text."""
    met = equal(codes, held)
    met &= (~held | (codes >= 0)).all(axis=1)
    return met


def collection(rule: Collection, whole: RuleSet) -> Check:
    """The counts of a collection rule lie within its bounds."""
    paths = [listed(one, whole) for one in rule.measurements]
    if any(path is None or not path.attribute for path in paths):
        raise Unmeasured
    told = [path for path in paths if path is not None]
    if rule.operation == "contains":
        return every([_contains(rule, path, wanted_by(rule)) for path in told])
    if any(kind_of(one, whole).depth < 2 for one in rule.measurements) or any(
        whole.attributes[path.attribute].type != "string_list" for path in told
    ):
        raise Unmeasured
    if rule.operation == "intersection":
        return every([_intersection(rule, path) for path in told])
    return every([_in_reference(rule, path, wanted_by(rule)) for path in told])


def wanted_by(rule: Collection) -> tuple[str, ...]:
    """The texts that stand in a collection rule as its reference."""
    if not isinstance(rule.reference, Literal):
        raise Unmeasured
    value = rule.reference.value
    texts = value if isinstance(value, list) else [value]
    if not all(isinstance(text, str) for text in texts):
        raise Unmeasured
    return tuple(texts)


def bounds(rule: Collection) -> tuple[float, float]:
    """Fewest and most, as ``judge.within`` reads them."""
    if rule.min_count is None and rule.max_count is None:
        return 1, np.inf
    return (
        -np.inf if rule.min_count is None else rule.min_count,
        np.inf if rule.max_count is None else rule.max_count,
    )


def _contains(rule: Collection, path: Listed, wanted: tuple[str, ...]) -> Check:
    column = Column("count", path.attribute, rule.party, wanted)
    low, high = bounds(rule)

    def check(batch: Batch) -> Mask:
        found = np.where(path.held(batch), batch.values(column), 0).sum(axis=1)
        return np.asarray((found >= low) & (found <= high))

    return check


def _intersection(rule: Collection, path: Listed) -> Check:
    if rule.max_count is not None:
        raise Unmeasured  # beyond 64 texts the bits tell too few
    column, (low, _) = Column("bits", path.attribute, rule.party), bounds(rule)
    full = np.uint64(0xFFFF_FFFF_FFFF_FFFF)

    def check(batch: Batch) -> Mask:
        common = np.bitwise_and.reduce(
            np.where(path.held(batch), batch.values(column), full), axis=1
        )
        return np.asarray(np.bitwise_count(common) >= low)

    return check


def _in_reference(rule: Collection, path: Listed, wanted: tuple[str, ...]) -> Check:
    fewest = Column("fewest", path.attribute, rule.party, wanted)
    most = Column("most", path.attribute, rule.party, wanted)
    low, high = bounds(rule)

    def check(batch: Batch) -> Mask:
        met = (batch.values(fewest) >= low) & (batch.values(most) <= high)
        return np.asarray((met | ~path.held(batch)).all(axis=1))

    return check
