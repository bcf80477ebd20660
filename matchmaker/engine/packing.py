"""Parties into teams by a table of party sizes: 5 is 5, or 4 and 1, or 3 and 2, and so on.

Only sizes are looked at here, for very many parts of the pool at once.
"""

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from matchmaker.engine.columns import Rows
from matchmaker.engine.shapes import Shape

UNIT_MAX = 10
"""Players of the largest team that is packed whole; larger teams are packed in units."""


@dataclass(frozen=True, slots=True)
class Unit:
    """Places of one team that are filled together."""

    size: int
    team: int


@dataclass(frozen=True, slots=True)
class Packed:
    """Units of one size in every part: how many of each pattern."""

    size: int
    each: int
    """Units of this size in one match."""

    patterns: Rows
    """Parties of each size, by pattern and size - 1."""

    made: Rows
    """By part and pattern."""


@lru_cache(maxsize=256)
def units(shape: Shape) -> tuple[Unit, ...]:
    """The units of a match with teams of these sizes, as even as can be.

    >>> [unit.size for unit in units((25,))]
    [9, 8, 8]
    """
    found = []
    for team, places in enumerate(shape):
        number = -(-places // UNIT_MAX)
        found += [Unit((places + number - 1 - n) // number, team) for n in range(number)]
    return tuple(found)


@lru_cache(maxsize=256)
def patterns(size: int, largest: int) -> tuple[tuple[int, ...], ...]:
    """Every way to make a number of party sizes, those with large parties first.

    >>> patterns(4, 3)
    ((3, 1), (2, 2), (2, 1, 1), (1, 1, 1, 1))
    """
    if size == 0:
        return ((),)
    return tuple(
        (first, *rest)
        for first in range(min(size, largest), 0, -1)
        for rest in patterns(size - first, first)
    )


def pack(counts: Rows, wanted: tuple[Unit, ...]) -> tuple[list[Packed], Rows]:
    """Units for whole matches in every part, and the number of its matches.

    ``counts``: parties by part and size - 1.
    """
    left, widest = counts.copy(), counts.shape[1]
    players = counts @ np.arange(1, widest + 1)
    most = players // sum(unit.size for unit in wanted)
    packed = []
    for size, each in sorted(Counter(unit.size for unit in wanted).items(), reverse=True):
        table = np.zeros((len(patterns(size, widest)), widest), np.int64)
        for n, parties in enumerate(patterns(size, widest)):
            for party in parties:
                table[n, party - 1] += 1
        packed.append(Packed(size, each, table, _made(left, table, most * each)))
    matches: Rows = np.min([one.made.sum(axis=1) // one.each for one in packed], axis=0)
    for one in packed:
        _trim(one.made, matches * one.each)
    return packed, matches


def _made(left: Rows, table: Rows, most: Rows) -> Rows:
    """As many units as there can be, taken from those who are left."""
    made = np.zeros((len(left), len(table)), np.int64)
    open_units = most.copy()
    for n, needs in enumerate(table):
        sizes = np.flatnonzero(needs)
        number = np.minimum(open_units, np.min(left[:, sizes] // needs[sizes], axis=1))
        left[:, sizes] -= number[:, None] * needs[sizes]
        made[:, n] = number
        open_units -= number
    return made


def _trim(made: Rows, wanted: Rows) -> None:
    """Give back what is too much for whole matches; single players first, they fit anywhere."""
    surplus = made.sum(axis=1) - wanted
    for n in range(made.shape[1] - 1, -1, -1):
        back = np.minimum(made[:, n], surplus)
        made[:, n] -= back
        surplus -= back
