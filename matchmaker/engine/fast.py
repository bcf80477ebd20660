"""The fast lane: matches for a large pool, round after round over all of it at once.

The rules of each age are tried in turn, the strictest first, on those who are old enough
for them. In each round the pool is cut into parts of likely partners, each part is packed
and dealt into matches, and those that meet every rule are taken; who is left goes into the
next round, with borders elsewhere and larger parts.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from matchmaker.engine.apart import without_pairs
from matchmaker.engine.batch import Batch
from matchmaker.engine.columns import Columns, Floats, Mask, Rows
from matchmaker.engine.compiled import Compiled, compiled
from matchmaker.engine.cutting import Round, cut
from matchmaker.engine.dealing import deal
from matchmaker.engine.dial import Dial, mean_wait_s
from matchmaker.engine.shapes import Shape
from matchmaker.engine.splits import split
from matchmaker.engine.worth import worth
from matchmaker.rules.ruleset import ROUNDING_S, RuleSet

MATCHES_IN_PART = (4, 8, 32, 128, 1_000_000)
"""Matches for which a part has players, round by round. Few in the first: near in skill."""

MATCHES_WITH_NEEDS = (16, 32, 64, 256, 1_000_000)
"""The same where teams need some of something: in larger parts more teams find theirs."""

TICKETS_IN_PART = 32
"""Fewest parties in a part, so that matches of few players find each other too."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Matches of one kind that were taken."""

    batch: Batch
    quality: Floats
    level: Rows
    """Which of the rule set's ages they are judged by."""


@dataclass(slots=True)
class Lane:
    """One pass over a pool. Who is matched is no longer ``free``."""

    columns: Columns
    whole: RuleSet
    now_s: float
    dial: Dial
    players_per_s: float = 0.0
    """Who comes, in the whole queue."""

    seed: int = 0
    """Moves the borders of parts, so that nobody is at a border in every pass."""

    apart: Rows = field(default_factory=lambda: np.zeros((2, 0), np.int64))
    """Rows that are in no match together: two lines, a pair a column."""

    waiting: Rows = field(init=False)
    """Rows in use, the longest waiting first."""

    age: Rows = field(init=False)
    """By row: place in that order."""

    level: Rows = field(init=False)
    """By row: how many of the rule set's ages it has reached, less one."""

    free: Mask = field(init=False)
    crowd: Rows = field(init=False)
    """By row: players of whom it had the choice before anybody was matched."""

    taken: list[Taken] = field(default_factory=list)

    def __post_init__(self) -> None:
        columns = self.columns
        self.waiting = columns.waiting()
        rows = len(columns.size)
        self.age = np.zeros(rows, np.int64)
        self.age[self.waiting] = np.arange(len(self.waiting))
        ages_s = np.array(self.whole.ages_s())
        waited_s = np.maximum(0.0, self.now_s - columns.at_s) + ROUNDING_S
        self.level = np.searchsorted(ages_s, waited_s, side="right") - 1
        self.free = columns.size > 0
        self.crowd = np.zeros(rows, np.int64)

    def run(self) -> None:
        """Match whom it can."""
        if not len(self.waiting):
            return
        for level in range(int(self.level[self.waiting].max()) + 1):
            rules = self.rules(level)
            for shape in rules.shapes:
                self._rounds(level, rules, shape)

    def rules(self, level: int) -> Compiled:
        """The rules of one of the ages."""
        return compiled(self.whole.at(self.whole.ages_s()[level]))

    def left(self, level: int) -> Rows:
        """Who is free and may be in a match of this age, the longest waiting first."""
        rows = self.waiting[self.free[self.waiting]]
        if self.whole.algorithm.age == "newest":
            rows = rows[self.level[rows] >= level]
        rules = self.rules(level)
        return rows[rules.admits(self.columns, rows)]

    def _rounds(self, level: int, rules: Compiled, shape: Shape) -> None:
        players, barren = sum(shape), 0
        for turn in self._turns(level, players):
            rows = self.left(level)
            if int(self.columns.size[rows].sum()) < players or barren > 2:
                return
            parts = cut(self.columns, rows, rules, turn)
            fresh = self.crowd[parts.rows] == 0
            self.crowd[parts.rows[fresh]] = parts.crowd[fresh]
            dealt = deal(self.columns, parts, self.age, rules, shape)
            made = self._take(dealt, level, rules, shape)
            barren = barren + 1 if made * players < 0.01 * len(rows) else 0

    def _turns(self, level: int, players: int) -> Iterator[Round]:
        rows = self.left(level)
        mean = float(self.columns.size[rows].mean()) if len(rows) else 1.0
        needs = any(one.low >= 1 for one in self.rules(level).parts.counted)
        for n, matches in enumerate(MATCHES_WITH_NEEDS if needs else MATCHES_IN_PART):
            tickets = max(TICKETS_IN_PART, round(matches * players / mean))
            yield Round(n, min(tickets, 2**31), sure=n < 2, seed=self.seed)

    def _take(self, dealt: Batch, level: int, rules: Compiled, shape: Shape) -> int:
        """Take what meets the rules and the dial; how many."""
        if not len(dealt):
            return 0
        batch, met = split(dealt, rules, shape)
        batch = batch.take(met)
        batch = batch.take(without_pairs(batch, self.apart))
        its_level = self._level(batch)
        taken = 0
        for other in np.unique(its_level).tolist():
            some = batch.take(its_level == other)
            judged = self.rules(other)
            if other != level:
                some = some.take(_sizes_fit(some, judged) & judged.passes(some))
            taken += self._commit(some, other, judged)
        return taken

    def _level(self, batch: Batch) -> Rows:
        """The age that counts for each match."""
        there, levels = batch.there(), self.level[batch.rows]
        if self.whole.algorithm.age == "newest":
            return np.asarray(np.where(there, levels, 2**30).min(axis=1))
        return np.asarray(np.where(there, levels, -1).max(axis=1))

    def _commit(self, batch: Batch, level: int, rules: Compiled) -> int:
        quality = worth(batch, rules)
        if self.dial.wait_s > 0:
            good = self._good(batch, quality)
            batch, quality = batch.take(good), quality[good]
        if len(batch):
            self.taken.append(Taken(batch, quality, np.full(len(batch), level)))
            self.free[batch.rows[batch.there()]] = False
        return len(batch)

    def _good(self, batch: Batch, quality: Floats) -> Mask:
        sizes = batch.sizes()
        waited_s = mean_wait_s(self.columns.at_s[batch.rows], sizes, self.now_s)
        crowd = np.where(batch.there(), self.crowd[batch.rows], 0).max(axis=1)
        matches_per_s = self.coming_per_s(crowd) / np.maximum(sizes.sum(axis=1), 1)
        return self.dial.commits(waited_s, quality, matches_per_s)

    def coming_per_s(self, crowd: Rows) -> Floats:
        """Players who come each second for those who have the choice of so many."""
        waiting = int(self.columns.size.sum(dtype=np.int64))
        share: Floats = np.minimum(1.0, crowd / max(1, waiting))
        return self.players_per_s * share


def _sizes_fit(batch: Batch, rules: Compiled) -> Mask:
    fits = np.ones(len(batch), np.bool_)
    sizes = batch.sizes()
    for n, team in enumerate(rules.rules.teams):
        size = np.where(batch.team == n, sizes, 0).sum(axis=1)
        fits &= (size >= team.min_players) & (size <= team.max_players)
    return fits
