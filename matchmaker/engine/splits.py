"""Two teams from the parties of each match: every split there is, the evenest that is allowed.

Matches whose parties have the same sizes share one table of splits, so that all splits of
all matches are a product of two matrices.
"""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from matchmaker.engine.batch import Batch
from matchmaker.engine.columns import Column, Floats, Mask, Rows
from matchmaker.engine.compiled import Compiled
from matchmaker.engine.parting import Counted
from matchmaker.engine.shapes import Shape

PARTIES_MAX = 10
"""Parties of the largest match whose splits are all looked at: 252 for ten singles."""

TRIES_MAX = 12
"""Splits of one match that are judged, the evenest first."""

BROKEN = 1e12
"""What a split costs that gives a team too few or too many of something."""


@lru_cache(maxsize=1024)
def splits(sizes: tuple[int, ...], first: int, alike: bool) -> NDArray[np.int8]:
    """Who is in the second team, for every split that gives the first so many players.

    ``alike``: the teams may change places, so that half of the splits will do.
    """
    number = len(sizes)
    choices = (np.arange(2**number)[:, None] >> np.arange(number)) & 1
    fitting = (choices == 0) @ np.array(sizes) == first
    if alike:
        fitting &= choices[:, 0] == 0
    return np.asarray(choices[fitting], np.int8)


def split(batch: Batch, rules: Compiled, shape: Shape) -> tuple[Batch, Mask]:
    """The matches in their evenest teams that meet the rules, and which do meet them."""
    if len(shape) != 2 or batch.rows.shape[1] > PARTIES_MAX:
        return batch, rules.passes(batch)
    team, met = batch.team.copy(), np.zeros(len(batch), np.bool_)
    hopeful = np.flatnonzero(rules.passes(batch, rules.of_all))
    for some, sizes in _by_sizes(batch.take(hopeful)):
        which = hopeful[some]
        table = splits(sizes, shape[0], alike=rules.alike and shape[0] == shape[1])
        if not len(table):
            continue
        here = batch.take(which)
        team[which, : len(sizes)], met[which] = _best(here, table, rules)
    return Batch(batch.columns, batch.rows, team), met


def _by_sizes(batch: Batch) -> Iterator[tuple[Rows, tuple[int, ...]]]:
    if not len(batch):
        return
    sizes = batch.sizes()
    weights = 13 ** np.arange(sizes.shape[1], dtype=np.int64)
    codes, group = np.unique(sizes @ weights, return_inverse=True)
    order = np.argsort(group, kind="stable")
    for which in np.split(order, np.cumsum(np.bincount(group, minlength=len(codes)))[:-1]):
        yield which, tuple(int(size) for size in sizes[which[0]] if size)


def _best(batch: Batch, table: NDArray[np.int8], rules: Compiled) -> tuple[Rows, Mask]:
    parties = table.shape[1]
    cost = _cost(batch, table, rules)
    chosen = np.argmin(cost, axis=1)
    met = np.zeros(len(batch), np.bool_)
    left: Rows = np.flatnonzero(cost[np.arange(len(batch)), chosen] < BROKEN)
    for _ in range(min(TRIES_MAX, len(table))):
        teams = np.full((len(left), batch.team.shape[1]), -1, np.int16)
        teams[:, :parties] = table[chosen[left]]
        passed = rules.passes(Batch(batch.columns, batch.rows[left], teams), rules.of_teams)
        met[left[passed]] = True
        left = left[~passed]
        if not len(left):
            break
        cost[left, chosen[left]] = np.inf
        chosen[left] = np.argmin(cost[left], axis=1)
        left = left[cost[left, chosen[left]] < BROKEN]
    return table[chosen].astype(np.int64), met


def _cost(batch: Batch, table: NDArray[np.int8], rules: Compiled) -> Floats:
    """How uneven each split of each match is; BROKEN and more where something is amiss."""
    parties = table.shape[1]
    sizes = batch.sizes()[:, :parties].astype(np.float32)
    second = table.T.astype(np.float32)
    if rules.even is None:
        cost = np.zeros((len(batch), len(table)), np.float32)
    else:
        values = batch.values(rules.even)[:, :parties]
        middle = values.mean(axis=1, keepdims=True)  # so that 32 bits are enough for the rest
        strength = (values - middle).astype(np.float32) * sizes
        of_second = sizes[0] @ second
        of_first = sizes[0].sum() - of_second
        # Means of the second and the first team apart, as one product of matrices.
        cost = strength @ (second / of_second - (1 - second) / of_first)
        np.abs(cost, out=cost)
    for column, counted in _by_column(rules).items():
        held = batch.values(column)[:, :parties].astype(np.float32)
        total, there = held.sum(axis=1, keepdims=True), held @ second
        for one in counted:
            low, high = (
                (one.low, one.high) if one.teams == (1,) else (total - one.high, total - one.low)
            )
            cost[(there < low) | (there > high)] = BROKEN
    return cost


def _by_column(rules: Compiled) -> dict[Column, list[Counted]]:
    found: dict[Column, list[Counted]] = {}
    for one in rules.parts.counted:
        if len(one.teams) == 1:
            found.setdefault(one.column, []).append(one)
    return found
