"""How parties of given sizes fill the teams of a large match: only sizes are looked at here.

Team by team, every way to fill it that leaves at least as much as another is tried, the
fullest and those of large parties first, until no fuller match could be left.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from operator import add, mul, sub

from matchmaker.engine.seating import fit

STEPS_MAX = 400
"""Fillings of one team that are looked at before the best so far is taken."""

FEW = 10
"""Players of the largest team whose fillings are held against each other."""

Sizes = tuple[int, ...]
"""How many parties of one, of two, and so on."""


@dataclass(frozen=True, slots=True)
class Places:
    """What a team may have."""

    low: int
    high: int


@lru_cache(maxsize=4096)
def fullest(there: Sizes, must: Sizes, teams: tuple[Places, ...]) -> tuple[Sizes, ...] | None:
    """Parties by size in each team of the fullest match; None where some team stays too small.

    Args:
        there: Parties that may play.
        must: Of these, those who do in any case.
        teams: What each may have.
    """
    best: tuple[Sizes, ...] | None = None
    if not _may_reach(there, teams):
        return None
    most = min(players(there), sum(team.high for team in teams))
    search = _Search(teams)
    for held in _seated(must, teams):
        found = search.fullest(tuple(map(sub, there, must)), held)
        if found is not None and (best is None or _total(found) > _total(best)):
            best = found
        if best is not None and _total(best) == most:
            break
    return best


def _may_reach(there: Sizes, teams: tuple[Places, ...]) -> bool:
    """False where no seating gives each team its minimum, as most crowds that lack somebody show.

    Towards a minimum a party counts for no more than that: four in a team that needs three leave
    nobody for the next.
    """
    needed = max(team.low for team in teams)
    brought = sum(count * min(size, needed) for size, count in enumerate(there, 1))
    return brought >= sum(team.low for team in teams)


def players(sizes: Sizes) -> int:
    """Players of so many parties of each size."""
    return sum(map(mul, sizes, range(1, len(sizes) + 1)))


def _total(teams: Sequence[Sizes]) -> int:
    return sum(players(team) for team in teams)


def _seated(must: Sizes, teams: tuple[Places, ...]) -> Iterator[tuple[Sizes, ...]]:
    """Every way to seat those who must play; of empty teams that are alike, in one."""
    empty = (0,) * len(must)
    parties = [size for size, count in enumerate(must) for _ in range(count)]

    def seated(n: int, held: tuple[Sizes, ...]) -> Iterator[tuple[Sizes, ...]]:
        if n == len(parties):
            yield held
            return
        tried: set[tuple[Places, Sizes]] = set()
        for at, team in enumerate(teams):
            then = _more(held[at], parties[n])
            if players(then) <= team.high and (team, held[at]) not in tried:
                tried.add((team, held[at]))
                yield from seated(n + 1, (*held[:at], then, *held[at + 1 :]))

    yield from seated(0, (empty,) * len(teams))


def _more(sizes: Sizes, size: int) -> Sizes:
    return (*sizes[:size], sizes[size] + 1, *sizes[size + 1 :])


@dataclass(slots=True)
class _Search:
    teams: tuple[Places, ...]
    steps: int = 0
    held: tuple[Sizes, ...] = ()
    needed: list[int] = field(default_factory=list)
    """From each team on: players who are missing to the minimums of the later ones."""

    room: list[int] = field(default_factory=list)
    """From each team on: places of the later ones."""

    seen: dict[tuple[int, Sizes], tuple[Sizes, ...] | None] = field(default_factory=dict)

    def fullest(self, there: Sizes, held: tuple[Sizes, ...]) -> tuple[Sizes, ...] | None:
        """The fullest match, where each team holds some already."""
        self.held, self.seen, self.needed, self.room = held, {}, [0], [0]
        for team, sizes in zip(reversed(self.teams[1:]), reversed(held[1:]), strict=True):
            had = players(sizes)
            self.needed.append(self.needed[-1] + max(0, team.low - had))
            self.room.append(self.room[-1] + team.high - had)
        self.needed.reverse()
        self.room.reverse()
        return self._from(0, there)

    def _from(self, n: int, there: Sizes) -> tuple[Sizes, ...] | None:
        if n == len(self.teams):
            return ()
        key = (n, there)
        if key not in self.seen:
            self.seen[key] = self._looked_for(n, there)
        return self.seen[key]

    def _looked_for(self, n: int, there: Sizes) -> tuple[Sizes, ...] | None:
        """The fullest match of the teams from ``n`` on."""
        left, held = players(there), self.held[n]
        had = players(held)
        least, places = max(0, self.teams[n].low - had), self.teams[n].high - had
        most = min(left, places + self.room[n])
        best: tuple[Sizes, ...] | None = None
        best_total = -1
        for total in range(min(places, left - self.needed[n]), least - 1, -1):
            for filled in _fillings(there, total, distinct=places <= FEW):
                if self.steps >= STEPS_MAX:
                    return best
                self.steps += 1
                rest = self._from(n + 1, tuple(map(sub, there, filled)))
                if rest is None:
                    continue
                found = (tuple(map(add, held, filled)), *rest)
                if _total(found) > best_total:
                    best, best_total = found, _total(found)
                if best_total == most + sum(map(players, self.held[n:])):
                    return best
        return best


def _fillings(there: Sizes, total: int, *, distinct: bool) -> Iterator[Sizes]:
    """Parties of exactly so many players, of large ones first.

    ``distinct``: without those that another could be split into: they leave no more.
    """
    kept: list[Sizes] = []
    for filled in _of(there, total, len(there)):
        if distinct:
            pieces = tuple(_parties(filled))
            if any(fit(pieces, tuple(sorted(_parties(one)))) for one in kept):
                continue
            kept.append(filled)
        yield filled


def _parties(sizes: Sizes) -> Iterator[int]:
    """The size of each, the largest first."""
    for size in range(len(sizes), 0, -1):
        yield from [size] * sizes[size - 1]


def _of(there: Sizes, total: int, largest: int) -> Iterator[Sizes]:
    if total == 0:
        yield (0,) * len(there)
        return
    if largest == 0 or total > players(there[:largest]):
        return
    for count in range(min(there[largest - 1], total // largest), -1, -1):
        for smaller in _of(there, total - count * largest, largest - 1):
            yield (*smaller[: largest - 1], count, *smaller[largest:])
