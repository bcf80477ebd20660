"""What a pass found, still as columns: a match is written out when somebody looks at it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import overload

import numpy as np

from matchmaker.engine.columns import Columns, Floats, Rows
from matchmaker.engine.fast import Taken
from matchmaker.engine.forming import Formed
from matchmaker.rules.ruleset import RuleSet


@dataclass(slots=True)
class Ledger:
    """The matches of one pass, each with a number; a younger one may be given up again."""

    columns: Columns
    age: Rows
    """By row: who is older (a lower number)."""

    taken: list[Taken]
    formed: list[Formed] = field(default_factory=list)
    """By the exact lane; numbered after those of the fast lane."""

    of: Rows = field(init=False)
    """By row: the number of its match; -1 for none."""

    oldest: Rows = field(init=False)
    """By number: the age of its oldest party; -1 once it is given up."""

    def __post_init__(self) -> None:
        self.of = np.full(len(self.columns.size), -1, np.int64)
        oldest: list[Rows] = [np.zeros(0, np.int64)]
        number = 0
        for one in self.taken:
            there = one.batch.there()
            numbers = np.arange(number, number + len(one.batch))
            self.of[one.batch.rows[there]] = np.repeat(numbers, there.sum(axis=1))
            ages = np.where(there, self.age[one.batch.rows], np.iinfo(np.int64).max)
            oldest.append(ages.min(axis=1))
            number += len(one.batch)
        self.oldest = np.concatenate(oldest)

    def younger(self, row: int) -> Rows:
        """By row: whether it is free, or in a match of people who all came later than this."""
        oldest = np.append(self.oldest, np.iinfo(np.int64).max)
        return np.asarray(oldest[self.of] > self.age[row])

    def add(self, made: Formed) -> None:
        """Note a match; those that it takes somebody from are given up."""
        rows = np.array([self.columns.row(party.id) for party in made.lineup.parties()])
        for number in np.unique(self.of[rows]).tolist():
            if number >= 0:
                self.oldest[number] = -1
                self.of[self.of == number] = -1
        self.of[rows] = len(self.oldest)
        self.oldest = np.append(self.oldest, self.age[rows].min())
        self.formed.append(made)


class Matches(Sequence[Formed]):
    """Matches without a common party, those of the longest waiting first."""

    def __init__(self, ledger: Ledger, whole: RuleSet) -> None:
        self._ledger, self._whole = ledger, whole
        kept = np.flatnonzero(ledger.oldest >= 0)
        self._numbers = kept[np.argsort(ledger.oldest[kept], kind="stable")]
        self._ends = np.cumsum([0, *(len(one.batch) for one in ledger.taken)])

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, at: int) -> Formed: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Formed]: ...
    def __getitem__(self, at: int | slice) -> Formed | Sequence[Formed]:
        if isinstance(at, slice):
            return [self._match(int(number)) for number in self._numbers[at]]
        return self._match(int(self._numbers[at]))

    def __iter__(self) -> Iterator[Formed]:
        return (self._match(number) for number in self._numbers.tolist())

    def players(self) -> int:
        """Players in all of them."""
        rows = np.flatnonzero(self._ledger.of >= 0)
        return int(self._ledger.columns.size[rows].sum())

    def qualities(self) -> Floats:
        """Of each of them."""
        taken = [one.quality for one in self._ledger.taken]
        every = np.concatenate([*taken, [one.quality for one in self._ledger.formed]])
        found: Floats = every[self._numbers]
        return found

    def quality(self) -> float:
        """The mean of their qualities; 1 when there are none."""
        return float(self.qualities().mean()) if len(self) else 1.0

    def _match(self, number: int) -> Formed:
        kind = int(np.searchsorted(self._ends, number, side="right")) - 1
        if kind >= len(self._ledger.taken):
            return self._ledger.formed[number - int(self._ends[-1])]
        one, place = self._ledger.taken[kind], number - int(self._ends[kind])
        rules = self._whole.at(self._whole.ages_s()[int(one.level[place])])
        return Formed(one.batch.lineup(place, rules.teams), float(one.quality[place]))
