"""Property expressions over many matches at once.

The same values as ``rules.expressions.work_out`` gives one by one, save for the rounding of
sums; NaN stands where that gives None.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal as OneOf, cast

import numpy as np

from matchmaker.engine.batch import Batch
from matchmaker.engine.columns import Column, Floats, Mask
from matchmaker.rules.expressions import Call, Expression, Literal, Path
from matchmaker.rules.judge import SLACK
from matchmaker.rules.ruleset import RuleSet

Check = Callable[[Batch], Mask]
"""Which matches meet a rule."""

HALF: Final = SLACK / 2
"""What we allow ourselves of the judge's slack; the other half is for the order of sums."""


class Unmeasured(Exception):
    """There are no columns for this; it is worked out match by match."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A value of each player of some teams."""

    teams: tuple[int, ...]
    nested: bool
    """Whether it is a list for each team."""

    whole: bool
    """Whether every team is in it."""

    attribute: str = ""
    """Empty for the players themselves."""

    def held(self, batch: Batch) -> Mask:
        """Which places it speaks of."""
        return batch.there(None if self.whole else self.teams)


@dataclass(frozen=True, slots=True)
class Numbers:
    """So many numbers of each match, by match and number."""

    width: int
    work_out: Callable[[Batch], Floats]
    rounded: bool = False
    """Whether a mean is in it, which may differ in the last digits."""


def listed(expression: Expression, whole: RuleSet) -> Listed | None:
    """What an expression lists; None when it works something out."""
    match expression:
        case Path(names, attribute):
            teams = tuple(
                n
                for n, team in enumerate(whole.teams)
                if "*" in names or team.name in names or team.definition in names
            )
            nested = names == ("*",) or len(teams) != 1
            return Listed(teams, nested, len(teams) == len(whole.teams), attribute)
        case Call("flatten", Path() as of):
            found = listed(of, whole)
            assert found is not None, "a path lists"
            return Listed(found.teams, False, found.whole, found.attribute)
        case _:
            return None


def is_number(path: Listed, whole: RuleSet) -> bool:
    """Whether it lists numbers."""
    attribute = whole.attributes.get(path.attribute)
    return attribute is not None and attribute.type == "number"


def number_column(attribute: str, by: str) -> Column:
    """Where a number attribute is kept."""
    return Column("number", attribute, by)


def numbers(expression: Expression, whole: RuleSet, by: str) -> Numbers:
    """How an expression is worked out.

    Raises:
        Unmeasured: it cannot be, over columns.
    """
    match expression:
        case Literal(int() | float() as value):
            constant = float(value)
            return Numbers(1, lambda batch: np.full((len(batch), 1), constant))
        case Call(function, of):
            path = listed(of, whole)
            if path is not None:
                return _of_players(function, path, whole, by)
            return _of_numbers(function, numbers(of, whole, by))
        case _:
            raise Unmeasured


Function = OneOf["min", "max", "avg", "sum", "stddev", "count"]
_FUNCTIONS = ("min", "max", "avg", "sum", "stddev", "count")
_ROUNDING = ("avg", "stddev", "sum")


def _of_players(function: str, path: Listed, whole: RuleSet, by: str) -> Numbers:
    if function not in _FUNCTIONS or (function != "count" and not is_number(path, whole)):
        raise Unmeasured
    if function == "count" and path.attribute and not is_number(path, whole):
        raise Unmeasured  # of lists in lists it counts something else
    name = cast("Function", function)
    groups = [(team,) for team in path.teams] if path.nested else [path.teams]
    column = number_column(path.attribute, by) if path.attribute else None

    def work_out(batch: Batch) -> Floats:
        values = batch.values(column) if column else batch.sizes()
        sizes = batch.sizes()
        return np.stack(
            [_reduced(name, values, batch.there(group), sizes) for group in groups], axis=1
        )

    return Numbers(len(groups), work_out, function in _ROUNDING)


def _of_numbers(function: str, of: Numbers) -> Numbers:
    if function == "flatten":
        return of
    if function not in _FUNCTIONS:
        raise Unmeasured
    name = cast("Function", function)

    def work_out(batch: Batch) -> Floats:
        values = of.work_out(batch)
        ones = np.ones(values.shape, dtype=np.int64)
        return _reduced(name, values, ones.astype(np.bool_), ones)[:, None]

    return Numbers(1, work_out, of.rounded or function in _ROUNDING)


def _reduced(function: Function, values: Any, held: Mask, weight: Any) -> Floats:  # noqa: ANN401
    """One number a match from those held of it, each as often as its weight."""
    count: Floats = np.where(held, weight, 0).sum(axis=1).astype(np.float64)
    found: Floats
    match function:
        case "count":
            return count
        case "sum":
            found = np.where(held, values * weight, 0.0).sum(axis=1)
            return found
        case "min":
            found = np.where(held, values, np.inf).min(axis=1)
        case "max":
            found = np.where(held, values, -np.inf).max(axis=1)
        case _:
            some = np.maximum(count, 1.0)
            found = np.where(held, values * weight, 0.0).sum(axis=1) / some
            if function == "stddev":
                apart = np.where(held, (values - found[:, None]) ** 2 * weight, 0.0)
                found = np.sqrt(apart.sum(axis=1) / some)
    return np.where(count > 0, found, np.nan)


def equal(values: Floats, held: Mask | None) -> Mask:
    """Whether all numbers held of a match are the same."""
    there = np.ones(values.shape, np.bool_) if held is None else held
    low = np.where(there, values, np.inf).min(axis=1)
    high = np.where(there, values, -np.inf).max(axis=1)
    found: Mask = low >= high
    return found


def every(parts: list[Check]) -> Check:
    """Whether all checks are passed."""
    if len(parts) == 1:
        return parts[0]
    return lambda batch: np.logical_and.reduce([part(batch) for part in parts])
