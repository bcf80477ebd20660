"""The pool cut into parts of likely partners: same texts, a region in common, near in skill.

Who reaches several regions can be in several parts; each round puts a party into one of
them, another one each time.
"""

from dataclasses import dataclass

import numpy as np

from matchmaker.engine.columns import Columns, Floats, Mask, Rows
from matchmaker.engine.compiled import Compiled
from matchmaker.engine.parting import Span
from matchmaker.rules.ruleset import Latency


@dataclass(frozen=True, slots=True)
class Round:
    """One way to cut."""

    number: int
    tickets: int
    """Most parties in one part."""

    sure: bool
    """Whether a part is so narrow that its spans always hold, not only perhaps."""

    seed: int = 0

    def shift(self) -> float:
        """By which share of a part its borders are moved, so that nobody is always last."""
        return (self.number * 0.382 + self.seed * 0.618) % 1.0


@dataclass(frozen=True, slots=True)
class Cut:
    """Parties in line, part by part; within a part by skill."""

    rows: Rows
    part: Rows
    """Of each of the rows, from 0 upwards without gaps."""

    value: Floats
    """By what they stand in line."""

    crowd: Rows
    """Players of whom each has the choice, all parts of the same kind together."""


def cut(columns: Columns, rows: Rows, rules: Compiled, turn: Round) -> Cut:
    """Parties, in order of age, cut into parts. Who fits none is left out."""
    code = np.zeros(len(rows), np.int64)
    fits = np.ones(len(rows), np.bool_)
    for column in rules.parts.alike:
        values = columns.of[column][rows]
        if column.kind == "text":
            fits &= values >= 0
        code = _joined(code, np.unique(values, return_inverse=True)[1])
    for latency in rules.parts.near[:1]:
        region = _region(columns, rows, latency, turn.number)
        fits &= region >= 0
        code = _joined(code, region)
    for column in rules.parts.common:
        bit = _bit(columns.of[column][rows], turn.number)
        fits &= bit >= 0
        code = _joined(code, bit)
    for span in rules.parts.spans[1:]:
        code = _joined(code, _cell(columns, rows, span, turn))
    value = columns.of[rules.sorted_by][rows] if rules.sorted_by else np.zeros(len(rows))
    fits &= np.isfinite(value)
    cells = _cell(columns, rows, rules.parts.spans[0], turn) if rules.parts.spans else code * 0
    order = stably(value)
    order = order[fits[order]]
    order = order[stably(code[order])]
    new = changes(_joined(code, cells)[order])
    run = np.cumsum(new) - 1
    sizes = columns.size[rows[order]]
    crowd = np.bincount(run, sizes)[run].astype(np.int64) if len(run) else run
    return Cut(rows[order], _parts(new, turn), value[order], crowd)


def stably(values: Rows | Floats) -> Rows:
    """The order that sorts them; equal ones stay in theirs."""
    if values.dtype.kind == "i" and len(values) and values.min() >= 0 and values.max() < 2**16:
        return np.argsort(values.astype(np.uint16), kind="stable")  # by radix
    order = np.argsort(values)
    if (np.diff(values[order]) > 0).all():
        return order
    return np.argsort(values, kind="stable")


def changes(codes: Rows) -> Mask:
    """Where a sorted line's code is another than that before it."""
    new = np.ones(len(codes), np.bool_)
    new[1:] = codes[1:] != codes[:-1]
    return new


def _parts(new: Mask, turn: Round) -> Rows:
    """Runs of the same code, cut further where they hold too many."""
    run = len(new)
    place = np.arange(run)
    first = np.maximum.accumulate(np.where(new, place, 0))
    inside = place - first + int(turn.shift() * turn.tickets)
    part: Rows = np.cumsum(new | (inside % turn.tickets == 0)) - 1
    return part


def _joined(code: Rows, other: Rows) -> Rows:
    """One code for two."""
    low, high = int(other.min(initial=0)), int(other.max(initial=0))
    if int(code.max(initial=0)) > 2**40:
        code = np.unique(code, return_inverse=True)[1]
    joined: Rows = code * (high - low + 1) + (other - low)
    return joined


def _cell(columns: Columns, rows: Rows, span: Span, turn: Round) -> Rows:
    """Cells of a grid as wide as the span, its borders elsewhere each round."""
    width = span.sure if turn.sure else span.most
    values = np.nan_to_num(columns.of[span.column][rows])
    if width <= 0:
        return np.asarray(np.unique(values, return_inverse=True)[1], np.int64)
    cells: Rows = np.floor(values / width + turn.shift()).clip(-(2**40), 2**40).astype(np.int64)
    return cells


def _region(columns: Columns, rows: Rows, rule: Latency, turn: int) -> Rows:
    """One region for each party that is near enough; -1 where none is."""
    near = [columns.latency.get((rule.party, region)) for region in columns.regions]
    kept = [values[rows] for values in near if values is not None]
    if not kept:
        return np.full(len(rows), -1)
    latencies = np.stack(kept, axis=1)
    reached = latencies <= rule.max_latency
    if turn % 2 and len(kept) > 1:
        return _popular(reached, turn // 2)
    ranked = np.argsort(np.where(reached, latencies, np.inf), axis=1, kind="stable")
    choices = reached.sum(axis=1)
    at = (turn // 2) % np.maximum(choices, 1)
    chosen = ranked[np.arange(len(rows)), at]
    return np.where(choices > 0, chosen, -1)


def _bit(bits: Rows, turn: int) -> Rows:
    """One of the bits that are set, counted from 0; -1 where none is."""
    present = int(np.bitwise_or.reduce(bits)) if len(bits) else 0
    there = [n for n in range(64) if present >> n & 1]
    if not there:
        return np.full(len(bits), -1)
    shifts = np.array(there, np.uint64)
    held = (bits[:, None] >> shifts) & np.uint64(1)
    return _popular(held.astype(np.bool_), turn)


def _popular(held: Mask, turn: int) -> Rows:
    """For each line one of the choices that it has, the most popular first; -1 for none."""
    by_number = np.argsort(-held.sum(axis=0), kind="stable")
    ranked = held[:, by_number]
    choices = ranked.sum(axis=1)
    wanted = turn % np.maximum(choices, 1) + 1
    at = np.argmax(np.cumsum(ranked, axis=1) == wanted[:, None], axis=1)
    return np.where(choices > 0, by_number[at], -1)
