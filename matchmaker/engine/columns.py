"""Who waits, as columns: what a pass reads at numpy speed, kept up ticket by ticket.

A row is a party. Adding and removing one touch its row and nothing else; freed rows are
used again. Which columns there are is told by the compiled rule set.
"""

import zlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matchmaker.rules.expressions import leaves
from matchmaker.rules.members import Party, Player, aggregate

Rows = NDArray[Any]
"""Row numbers, or other whole numbers. How wide they are is told where a column is made."""

Floats = NDArray[Any]
Mask = NDArray[Any]

FIRST_ROWS: Final = 256
BITS: Final = 64
"""Texts of one list attribute that get a bit. Of later ones nobody is found to have them in
common here; the exact lane still finds it."""


CODES_PER_ROW: Final = 4
"""Texts that are told apart, for each row and text attribute; beyond it those of parties who are
gone are forgotten."""


class Column(NamedTuple):
    """What a column holds of each party."""

    kind: Literal["number", "squares", "text", "bits", "count", "fewest", "most"]
    """number: the party's aggregate; NaN when it has none. squares: the sum of its players'
    squares. text: a code, the same for the
    same text; -1 when its players differ. bits: the texts of its lists. count: how often it
    has one of ``wanted``. fewest, most: of its lists, how many of ``wanted`` one has."""

    attribute: str
    by: str = ""
    """How a party is aggregated."""

    wanted: tuple[str, ...] = ()


TYPES: Final[Mapping[str, type]] = {
    "number": np.float64,
    "squares": np.float64,
    "text": np.int32,
    "bits": np.uint64,
    "count": np.int16,
    "fewest": np.int16,
    "most": np.int16,
}


class Columns:
    """The parties of one queue."""

    def __init__(self, columns: Iterable[Column] = (), latencies: Iterable[str] = ()) -> None:
        """Args:
        columns: what is kept of each party.
        latencies: how its players' latencies are aggregated; one block of columns for each.
        """
        self._rows = FIRST_ROWS
        self._free = list(range(FIRST_ROWS - 1, -1, -1))
        self._row_of: dict[str, int] = {}
        self._party: list[Party | None] = [None] * FIRST_ROWS
        self._codes: dict[str, int] = {}
        self._bits: dict[tuple[str, str], int] = {}
        self.regions: list[str] = []
        """In the order in which they were first reported."""

        self.size: Rows = np.zeros(FIRST_ROWS, np.int16)
        """Players; 0 in a free row."""

        self.at_s: Floats = np.zeros(FIRST_ROWS)
        self.tie: Rows = np.zeros(FIRST_ROWS, np.uint32)
        """Orders parties of one instant, whatever rows they are in."""

        self.of: dict[Column, NDArray[Any]] = {
            column: np.zeros(FIRST_ROWS, TYPES[column.kind]) for column in columns
        }
        self.latency: dict[tuple[str, str], Floats] = {}
        """Aggregation and region to milliseconds; NaN where a party has none."""

        self._latencies = tuple(latencies)
        self._texts = sum(column.kind == "text" for column in self.of)

    def __len__(self) -> int:
        return len(self._row_of)

    def __contains__(self, ticket: object) -> bool:
        return ticket in self._row_of

    def __iter__(self) -> Iterator[Party]:
        return (party for party in self._party if party is not None)

    def party(self, row: int) -> Party:
        """Who is in a row."""
        party = self._party[row]
        assert party is not None, "a row that is in use has a party"
        return party

    def held(self, ticket: str) -> Party:
        """A ticket that waits here."""
        return self.party(self._row_of[ticket])

    def row(self, ticket: str) -> int:
        """Where a ticket that waits here is."""
        return self._row_of[ticket]

    def add(self, party: Party) -> None:
        """Hold a party; one of the same id is replaced."""
        self.remove(party.id)
        if not self._free:
            self._grow()
        if len(self._codes) > CODES_PER_ROW * self._rows * self._texts:
            self._code_anew()
        row = self._free.pop()
        self._row_of[party.id] = row
        self._party[row] = party
        self.at_s[row] = party.at_s
        self.tie[row] = zlib.crc32(party.id.encode())
        for column, values in self.of.items():
            values[row] = self._value(column, party)
        for by in self._latencies:
            self._latency(row, by, party)
        self.size[row] = party.size()

    def remove(self, ticket: str) -> None:
        """Forget a ticket; one that is not held is fine."""
        row = self._row_of.pop(ticket, None)
        if row is not None:
            self._party[row] = None
            self.size[row] = 0
            self._free.append(row)

    def waiting(self) -> Rows:
        """Rows in use, the longest waiting first; the same for the same tickets."""
        rows = np.flatnonzero(self.size)
        rows = rows[np.argsort(self.at_s[rows])]
        at_s = self.at_s[rows]
        same = np.append(at_s[1:] == at_s[:-1], False)
        tied = np.flatnonzero(same | np.roll(same, 1))
        # Only those of one instant need the second key; their places are next to each other.
        rows[tied] = rows[tied][np.lexsort((self.tie[rows[tied]], at_s[tied]))]
        found: Rows = rows
        return found

    def texts(self) -> dict[str, tuple[str, ...]]:
        """Of each list attribute the texts that have a bit, in the order of their bits."""
        found: dict[str, tuple[str, ...]] = {}
        for attribute, text in self._bits:
            found[attribute] = (*found.get(attribute, ()), text)
        return found

    def know(self, regions: Iterable[str], texts: Mapping[str, Iterable[str]]) -> None:
        """Take regions and texts for seen, in this order, before anybody is held."""
        assert not self._row_of, "rows hold bits that would mean something else"
        for region in regions:
            self.regions.append(region)
            for by in self._latencies:
                self.latency[by, region] = np.full(self._rows, np.nan)
        for attribute, some in texts.items():
            for text in some:
                self._bit(attribute, text)

    def bytes_per_row(self) -> int:
        """Memory of the columns for one party, without the party itself."""
        kept: list[NDArray[Any]] = [
            self.size,
            self.at_s,
            self.tie,
            *self.of.values(),
            *self.latency.values(),
        ]
        return sum(values.itemsize for values in kept)

    def _grow(self) -> None:
        rows = 2 * self._rows
        self._free = list(range(rows - 1, self._rows - 1, -1))
        self._party += [None] * self._rows
        self.size, self.at_s, self.tie = (
            np.resize(values, rows) for values in (self.size, self.at_s, self.tie)
        )
        self.size[self._rows :] = 0
        self.of = {column: np.resize(values, rows) for column, values in self.of.items()}
        self.latency = {key: np.resize(values, rows) for key, values in self.latency.items()}
        self._rows = rows

    def _code_anew(self) -> None:
        """Forget the texts of those who are gone: players may bring a new one each time."""
        self._codes.clear()
        for column, values in self.of.items():
            if column.kind == "text":
                for ticket, row in self._row_of.items():
                    values[row] = self._value(column, self.held(ticket))

    def _latency(self, row: int, by: str, party: Party) -> None:
        reported = _common(party.players, by)
        for region in reported:
            if (by, region) not in self.latency:
                self.latency[by, region] = np.full(self._rows, np.nan)
                if region not in self.regions:
                    self.regions.append(region)
        for region in self.regions:
            values = self.latency.get((by, region))
            if values is not None:
                values[row] = reported.get(region, np.nan)

    def _value(self, column: Column, party: Party) -> float:
        # Party.values would keep what it worked out; the column is where it is kept.
        held = [player.attributes.get(column.attribute) for player in party.players]
        match column.kind:
            case "number":
                numbers = [one for one in held if isinstance(one, int | float)]
                return aggregate(numbers, column.by) if len(numbers) == len(held) else np.nan
            case "squares":
                return sum(float(one) ** 2 for one in held if isinstance(one, int | float))
            case "text":
                first = held[0]
                alike = isinstance(first, str) and all(one == first for one in held)
                return self._codes.setdefault(str(first), len(self._codes)) if alike else -1
            case "bits":
                return self._common_bits(column, _lists(held, column.by))
            case "count":
                lists = held if column.by != "intersection" else _lists(held, column.by)
                return sum(one in column.wanted for one in leaves(list(lists)))
            case _:
                lists = _lists(held, column.by)
                counts = [len(set(column.wanted).intersection(one)) for one in lists]
                return min(counts) if column.kind == "fewest" else max(counts)

    def _common_bits(self, column: Column, lists: list[list[str]]) -> int:
        """The texts that are in every one of its lists."""
        common = ~0
        for texts in lists:
            bits = 0
            for text in texts:
                bits |= self._bit(column.attribute, text)
            common &= bits
        return common

    def _bit(self, attribute: str, text: str) -> int:
        bit = self._bits.get((attribute, text))
        if bit is None:
            taken = sum(name == attribute for name, _ in self._bits)
            if taken == BITS:
                return 0
            bit = self._bits[attribute, text] = 1 << taken
        return bit


def _lists(held: list[Any], by: str) -> list[list[str]]:
    """A party's lists: one for each player, or one for all."""
    lists = [one if isinstance(one, list) else [] for one in held]
    if by == "union":
        return [list(chain.from_iterable(lists))]
    if by == "intersection":
        first, *rest = lists
        return [[text for text in first if all(text in one for one in rest)]]
    return lists


def _common(players: tuple[Player, ...], by: str) -> Mapping[str, float]:
    """Regions that all its players reported, with the party's latency."""
    first, *rest = players
    if not rest:
        return first.latency_ms
    return {
        region: aggregate([player.latency_ms[region] for player in players], by)
        for region in first.latency_ms
        if all(region in player.latency_ms for player in rest)
    }
