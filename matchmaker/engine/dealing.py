"""Parties dealt into matches, in all parts of the pool at once.

In each part the table of packing says how many units there are of each pattern of party
sizes. The longest waiting parties of each size are taken, in order of skill; where teams
need some of something, those that bring it go to those that lack it.
"""

from dataclasses import dataclass

import numpy as np

from matchmaker.engine.batch import Batch
from matchmaker.engine.columns import Columns, Mask, Rows
from matchmaker.engine.compiled import Compiled
from matchmaker.engine.cutting import Cut, changes
from matchmaker.engine.needs import Wants, paired, wants
from matchmaker.engine.packing import Packed, pack, units
from matchmaker.engine.shapes import Shape


@dataclass(frozen=True, slots=True)
class _Line:
    """The parties of a cut that may be dealt."""

    cut: Cut
    size: Rows
    age: Rows
    """Place in order of age."""


def deal(columns: Columns, cut: Cut, age: Rows, rules: Compiled, shape: Shape) -> Batch:
    """Matches of this shape, teams as they were dealt; some may break rules.

    ``age``: by row, who is older (a lower number).
    """
    wanted, needs = units(shape), wants(columns, rules)
    largest = max(unit.size for unit in wanted)
    size = columns.size[cut.rows].astype(np.int64)
    small = size <= largest
    line = _Line(
        _some(cut, small),
        size[small],
        age[cut.rows[small]],
    )
    parts = int(cut.part[-1]) + 1 if len(cut.part) else 0
    widest = int(line.size.max(initial=1))
    counts = np.bincount(line.cut.part * widest + line.size - 1, minlength=parts * widest)
    packed, matches = pack(counts.reshape(parts, widest), wanted)
    if not matches.sum():
        return Batch(columns, np.zeros((0, 1), np.int64), np.zeros((0, 1), np.int16))
    first_match = np.cumsum(matches) - matches
    held, match, team = [], [], []
    left = line
    for one in packed:
        teams = np.array([unit.team for unit in wanted if unit.size == one.size], np.int16)
        who, unit_of, unit_part = _dealt(left, one, widest, needs)
        rank = _ranked(left.cut.value[who], left.size[who], unit_of, unit_part)
        unit_match = first_match[unit_part] + rank // one.each
        held.append(left.cut.rows[who])
        match.append(unit_match[unit_of])
        team.append(_teams(teams, rank, one.each)[unit_of])
        left = _without(left, who)
    return _batch(columns, age, np.concatenate(held), np.concatenate(match), np.concatenate(team))


def _teams(teams: Rows, rank: Rows, each: int) -> Rows:
    """Teams by the units' rank in their match, to and fro, so that none gets all the best."""
    match, place = rank // each, rank % each
    return np.asarray(np.where(match % 2 == 0, teams[place], teams[each - 1 - place]))


def _dealt(
    line: _Line, packed: Packed, widest: int, needs: Wants | None
) -> tuple[Rows, Rows, Rows]:
    """Places in line that are dealt, the unit each goes to, and the part of each unit."""
    parts, kinds = packed.made.shape
    made = packed.made.ravel()
    unit_part = np.repeat(np.repeat(np.arange(parts), kinds), made)
    pattern = np.repeat(np.tile(np.arange(kinds), parts), made)
    taken = _oldest(line, packed.made @ packed.patterns, widest)
    by_size = [taken[line.size[taken] == size] for size in range(1, widest + 1)]
    each = packed.patterns[pattern]
    if needs is not None:
        who, unit_of = _by_need(line, by_size, each, unit_part, needs)
    else:
        who = np.concatenate(by_size)
        places = np.arange(len(pattern))
        unit_of = np.concatenate([np.repeat(places, each[:, n]) for n in range(widest)])
    return who, unit_of, unit_part


def _by_need(
    line: _Line, by_size: list[Rows], each: Rows, unit_part: Rows, needs: Wants
) -> tuple[Rows, Rows]:
    """The largest parties first, one to a unit at a time, to whom it lacks what they bring."""
    counts = np.zeros((len(each), len(needs.low)), np.int64)
    who, unit_of = [], []
    for size in range(len(by_size), 0, -1):
        left, copy = by_size[size - 1], 0
        while len(left):
            units = np.flatnonzero(each[:, size - 1] > copy)
            rows, kinds = line.cut.rows[left], 2 ** len(needs.low)
            lacks, offers = needs.lacks(counts[units]), needs.offers[rows]
            here, there = paired(unit_part[units], lacks, line.cut.part[left], offers, kinds)
            counts[units[here]] += needs.has[rows[there]]
            who.append(left[there])
            unit_of.append(units[here])
            unpaired = np.ones(len(left), np.bool_)
            unpaired[there] = False
            left, copy = left[unpaired], copy + 1
    return np.concatenate(who), np.concatenate(unit_of)


def _oldest(line: _Line, used: Rows, widest: int) -> Rows:
    """So many of each part and size, the longest waiting; in their order in line."""
    group = line.cut.part * widest + line.size - 1
    spare = np.bincount(group, minlength=used.size) > used.ravel()
    keep = ~spare[group]
    some = np.flatnonzero(~keep)
    if len(some):
        # Ages are all different, so that one sort by both is as good as any.
        order = some[np.argsort((group[some] << 32) + line.age[some])]
        groups = group[order]
        place = np.arange(len(order))
        inside = place - np.maximum.accumulate(np.where(changes(groups), place, 0))
        keep[order] = inside < used.ravel()[groups]
    return np.flatnonzero(keep)


def _ranked(value: Rows, size: Rows, unit_of: Rows, unit_part: Rows) -> Rows:
    """Each unit's place in its part by mean skill."""
    number = len(unit_part)
    mean = np.bincount(unit_of, value * size, number) / np.bincount(unit_of, size, number)
    order = np.lexsort((mean, unit_part))
    first = np.searchsorted(unit_part, np.arange(unit_part.max(initial=0) + 1))
    rank = np.empty(number, np.int64)
    rank[order] = np.arange(number) - first[unit_part[order]]
    return rank


def _without(line: _Line, who: Rows) -> _Line:
    left = np.ones(len(line.size), np.bool_)
    left[who] = False
    return _Line(_some(line.cut, left), line.size[left], line.age[left])


def _some(cut: Cut, which: Mask) -> Cut:
    return Cut(cut.rows[which], cut.part[which], cut.value[which], cut.crowd[which])


def _batch(columns: Columns, age: Rows, rows: Rows, match: Rows, team: Rows) -> Batch:
    """A line for each match, its largest parties first."""
    order = np.argsort((match << 36) - (columns.size[rows].astype(np.int64) << 32) + age[rows])
    rows, match, team = rows[order], match[order], team[order]
    counts = np.bincount(match)
    place = np.arange(len(match)) - np.repeat(np.cumsum(counts) - counts, counts)
    who = np.zeros((len(counts), int(counts.max())), np.int64)
    teams = np.full(who.shape, -1, np.int16)
    who[match, place], teams[match, place] = rows, team
    return Batch(columns, who, teams)
