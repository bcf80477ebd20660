"""Parties given to the teams that lack what they bring, in all parts of the pool at once."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from matchmaker.engine.columns import Columns, Rows
from matchmaker.engine.compiled import Compiled
from matchmaker.engine.cutting import stably

WANTS_MAX = 3
"""Things that teams may need of which we keep track; there are 2 to the power of it kinds."""


@dataclass(frozen=True, slots=True)
class Wants:
    """What each team needs some of."""

    low: Rows
    """How many of each thing."""

    has: Rows
    """By row and thing: how many a party brings."""

    offers: Rows
    """By row: what a party brings, as one bit for each thing."""

    def lacks(self, counts: Rows) -> Rows:
        """What is lacking where there are so many of each thing, as bits."""
        return _bits(counts < self.low)


def wants(columns: Columns, rules: Compiled) -> Wants | None:
    """What the rules ask of teams; None when they ask for nothing."""
    low: dict[int, float] = {}
    kept = list(dict.fromkeys(one.column for one in rules.parts.counted if len(one.teams) == 1))
    for n, column in enumerate(kept):
        asked = [one.low for one in rules.parts.counted if one.column == column]
        if max(asked) >= 1:
            low[n] = max(asked)
    if not low:
        return None
    of = list(low)[:WANTS_MAX]
    has = np.stack([columns.of[kept[n]] for n in of], axis=1)
    return Wants(np.array([low[n] for n in of]), has, _bits(has > 0))


def paired(unit_part: Rows, lacks: Rows, part: Rows, offers: Rows, kinds: int) -> tuple[Rows, Rows]:
    """A party for every unit: places of units and of parties, side by side.

    There are at least as many parties as units in each part. Whoever brings most of what is
    lacking and least of what is not goes first; alike ones pair up in the order given.
    """
    parts = int(max(unit_part.max(initial=0), part.max(initial=0))) + 1
    units_of, unit_first, unit_order = _classes(unit_part * kinds + lacks, parts * kinds)
    party_of, party_first, party_order = _classes(part * kinds + offers, parts * kinds)
    units_left, parties_left = units_of.reshape(parts, kinds), party_of.reshape(parts, kinds)
    unit_at, party_at = unit_first.reshape(parts, kinds), party_first.reshape(parts, kinds)
    number, from_unit, from_party = [], [], []
    for lack, offer in _by_use(kinds):
        given = np.minimum(units_left[:, lack], parties_left[:, offer])
        number.append(given)
        from_unit.append(unit_at[:, lack].copy())
        from_party.append(party_at[:, offer].copy())
        units_left[:, lack] -= given
        parties_left[:, offer] -= given
        unit_at[:, lack] += given
        party_at[:, offer] += given
    counts = np.concatenate(number)
    inside = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return (
        unit_order[np.repeat(np.concatenate(from_unit), counts) + inside],
        party_order[np.repeat(np.concatenate(from_party), counts) + inside],
    )


def _classes(code: Rows, number: int) -> tuple[Rows, Rows, Rows]:
    """How many there are of each class, where each begins, and the order that sorts them."""
    counts = np.bincount(code, minlength=number)
    return counts, np.cumsum(counts) - counts, stably(code)


@lru_cache(maxsize=8)
def _by_use(kinds: int) -> tuple[tuple[int, int], ...]:
    """Pairs of what lacks and what is offered, the most useful and least wasteful first."""
    every = [(lack, offer) for lack in range(kinds) for offer in range(kinds)]
    return tuple(
        sorted(
            every,
            key=lambda one: (-(one[0] & one[1]).bit_count(), (one[1] & ~one[0]).bit_count()),
        )
    )


def _bits(flags: Rows) -> Rows:
    bits: Rows = flags @ (1 << np.arange(flags.shape[1]))
    return bits
