"""A rule set at one age, compiled: what a match must pass, whatever its candidates come from.

Every candidate has to pass every check, so that nothing that only looks for good ones can
let a wrong match through. A rule without columns is judged match by match, after all others.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matchmaker.engine.batch import Batch
from matchmaker.engine.checks import Checked, checked
from matchmaker.engine.columns import TYPES, Column, Columns, Mask, Rows
from matchmaker.engine.measures import is_number, listed, number_column
from matchmaker.engine.parting import Parts, listed_by, parts_of
from matchmaker.engine.prediction import rated
from matchmaker.engine.shapes import Shape, shapes
from matchmaker.rules.expressions import Call, Expression, paths
from matchmaker.rules.ruleset import (
    BatchDistance,
    Collection,
    Comparison,
    Compound,
    Distance,
    Latency,
    Rule,
    RuleSet,
    Sort,
)


@dataclass(frozen=True, slots=True)
class Compiled:
    """The rules of one age over columns."""

    rules: RuleSet
    shapes: tuple[Shape, ...]
    """Team sizes that are tried, the fullest first."""

    of_all: tuple[Checked, ...]
    """Rules that judge who is in a match, whatever their teams."""

    of_teams: tuple[Checked, ...]
    """Rules for which it counts who is in which team."""

    parts: Parts
    even: Column | None
    """The number in which teams shall be even."""

    sorted_by: Column | None
    """The number by which parties stand in line: of the first span, else that of the teams."""

    alike: bool
    """Whether no rule tells one team from another by name."""

    def checks(self) -> tuple[Checked, ...]:
        """All of them."""
        return self.of_all + self.of_teams

    def passes(self, batch: Batch, checks: tuple[Checked, ...] | None = None) -> Mask:
        """Which finished matches meet these rules, or all; team sizes are the caller's."""
        passed = np.zeros(len(batch), np.bool_)
        left: NDArray[Any] = np.arange(len(batch))
        for one in self.checks() if checks is None else checks:
            if not len(left):
                break
            met = one.check(batch)
            if not met.all():
                left, batch = left[met], batch.take(met)
        passed[left] = True
        return passed

    def admits(self, columns: Columns, rows: Rows) -> Mask:
        """Which parties meet what each must meet by itself."""
        met = np.ones(len(rows), np.bool_)
        batch = Batch(columns, rows[:, None], np.zeros((len(rows), 1), np.int16))
        for check in self.parts.alone:
            met &= check(batch)
        return met


@lru_cache(maxsize=512)
def compiled(rules: RuleSet) -> Compiled:
    """A rule set at one age (``RuleSet.at``), compiled once."""
    checks = sorted(
        (checked(rule, rules) for rule in rules.judged()), key=lambda one: not one.vectorised
    )
    of_all = tuple(one for one in checks if _teamless(one.rule, rules))
    of_teams = tuple(one for one in checks if one not in of_all)
    parts = parts_of(checks, rules)
    even = next(_balanced(rules), None)
    by = parts.spans[0].column if parts.spans else even
    fitting = shapes(rules, rules.players_max())
    # The fullest; and for whom there are too few, the smallest.
    tried = tuple(dict.fromkeys(fitting[:1] + fitting[-1:]))
    return Compiled(rules, tried, of_all, of_teams, parts, even, by, not _tells_apart(rules, parts))


def columns_for(whole: RuleSet) -> Columns:
    """Empty columns that hold whatever this rule set asks of a party, at any age."""
    asked = _Asked()
    asking = Columns()
    asking.of = asked
    nobody = Batch(asking, np.zeros((0, 1), np.int64), np.zeros((0, 1), np.int16))
    latencies: dict[str, None] = {}
    for age_s in whole.ages_s():
        stands = compiled(whole.at(age_s))
        # Those inside a compound too: quality speaks of them by themselves.
        for rule in stands.rules.rules:
            if not isinstance(rule, Sort | Compound):
                checked(rule, stands.rules).check(nobody)
        for one in stands.checks():
            one.check(nobody)
        kept = [stands.even, stands.sorted_by, *stands.parts.alike, *stands.parts.common]
        if (uncertain := rated(stands.rules)) is not None:
            kept.append(number_column(uncertain.attribute, "avg"))
            kept.append(Column("squares", uncertain.sigma))
        for column in [one for one in kept if one is not None]:
            asked[column]
        latencies.update({one.party: None for one in whole.rules if isinstance(one, Latency)})
    return Columns(asked, latencies)


class _Asked(dict[Column, Any]):
    """Takes note of every column that is read."""

    def __missing__(self, column: Column) -> Any:  # noqa: ANN401 - a column of any type
        self[column] = np.zeros(1, TYPES[column.kind])
        return self[column]


def _tells_apart(rules: RuleSet, parts: Parts) -> bool:
    """Whether it matters which of the teams is which."""
    counted = [
        {(one.column, one.low, one.high) for one in parts.counted if one.teams == (n,)}
        for n in range(len(rules.teams))
    ]
    told = [
        expression
        for rule in rules.rules
        if isinstance(rule, Distance | Comparison | Collection)
        and not (isinstance(rule, Collection) and rule.operation == "contains")
        for expression in (*rule.measurements, rule.reference)
        if expression is not None
    ]
    named = any(path.teams != ("*",) for one in told for path in paths(one))
    return named or any(one != counted[0] for one in counted)


def _teamless(rule: Rule, rules: RuleSet) -> bool:
    """Whether it judges who is in a match, whatever their teams."""
    if isinstance(rule, Latency | BatchDistance):
        return True
    if not isinstance(rule, Distance | Comparison | Collection):
        return False
    told = [one for one in (*rule.measurements, rule.reference) if one is not None]
    return all(_of_all(one, rules) for one in told)


def _of_all(expression: Expression, rules: RuleSet) -> bool:
    path = listed(expression, rules)
    if path is not None:
        return path.whole and bool(path.attribute)
    if isinstance(expression, Call):
        inner = listed(expression.of, rules)
        if inner is not None:
            return inner.whole and not inner.nested
        return _of_all(expression.of, rules)
    return True


def _balanced(rules: RuleSet) -> Iterator[Column]:
    """Numbers in which teams should be even: what the rules say of teams comes first."""
    distances = [rule for rule in rules.rules if isinstance(rule, Distance)]
    for rule in distances:
        for one in _calls(rule):
            path = listed(one.of, rules)
            if path and path.nested and is_number(path, rules):
                yield number_column(path.attribute, rule.party)
    if rules.algorithm.balanced_attribute:
        yield number_column(rules.algorithm.balanced_attribute, "avg")
    for batch in rules.judged():
        if isinstance(batch, BatchDistance) and rules.attributes[batch.attribute].type == "number":
            yield number_column(batch.attribute, batch.party)
    for rule in distances:
        told = [path for path in listed_by(rule, rules) if is_number(path, rules)]
        yield from (number_column(path.attribute, rule.party) for path in told)
    if (uncertain := rated(rules)) is not None:
        yield number_column(uncertain.attribute, "avg")


def _calls(rule: Distance) -> Iterator[Call]:
    waiting = [*rule.measurements, rule.reference]
    for one in waiting:
        if isinstance(one, Call):
            yield one
            waiting.append(one.of)


def unmeasured(whole: RuleSet) -> list[str]:
    """Names of the rules that are judged match by match, for whoever wants to know."""
    found = chain.from_iterable(compiled(whole.at(age_s)).checks() for age_s in whole.ages_s())
    return list(dict.fromkeys(one.rule.name for one in found if not one.vectorised))
