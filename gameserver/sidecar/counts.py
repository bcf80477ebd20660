"""A game server's counters and lists: frozen values and the changes they can take.

A refusal begins with the words of Agones' SDK server, since its clients have nothing
else to go by: there, every refusal of these calls has the code UNKNOWN.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated, Final

import msgspec

from core.errors import Conflict, Invalid, NotFound

LIST_CAPACITY_MAX: Final = 1000
"""Agones' default for ``gameservers.lists.maxItems``."""

INT64_MAX: Final = 2**63 - 1

Count = Annotated[int, msgspec.Meta(ge=0, le=INT64_MAX)]
"""A count or capacity where it is read from JSON."""


class OutOfRange(Invalid):
    """The value would leave the range that a counter or a list has."""


@dataclass(frozen=True, slots=True)
class Counter:
    """How many of something there are, never more than ``capacity``."""

    count: int = 0
    capacity: int = 1000

    def updated(self, *, capacity: int | None, count: int | None, diff: int) -> "Counter":
        """What one request asks for: first the capacity, then the count, then the difference.

        A capacity below the count takes the count with it; a count that is asked for must fit.

        Raises:
            OutOfRange: the capacity or the count would.
            Invalid: nothing was asked for.
        """
        if capacity is None and count is None and not diff:
            raise Invalid("invalid argument. Ask for a count, a capacity or a countDiff")
        if capacity is not None and capacity < 0:
            raise OutOfRange(f"out of range. A capacity is 0 or more, not {capacity}")
        room = self.capacity if capacity is None else capacity
        wanted = (self.count if count is None else count) + diff
        for asked in ([] if count is None else [count]) + ([wanted] if diff else []):
            if not 0 <= asked <= room:
                raise OutOfRange(f"out of range. Count {asked} does not fit [0,{room}]")
        return Counter(min(wanted, room), room)

    def clamped(self, *, capacity: int | None, diff: int) -> "Counter":
        """As an allocation changes it: what does not fit is cut off."""
        room = self.capacity if capacity is None else min(max(capacity, 0), INT64_MAX)
        return Counter(min(max(self.count + diff, 0), room), room)


@dataclass(frozen=True, slots=True)
class Names:
    """Agones' list: different texts in order, never more than ``capacity``."""

    values: tuple[str, ...] = ()
    capacity: int = LIST_CAPACITY_MAX

    def sized(self, capacity: int) -> "Names":
        """With another capacity; the last values go if they do not fit.

        Raises:
            OutOfRange: it is no capacity.
        """
        if not 0 <= capacity <= LIST_CAPACITY_MAX:
            raise OutOfRange(
                f"out of range. A capacity is in [0,{LIST_CAPACITY_MAX}], not {capacity}"
            )
        return Names(self.values[:capacity], capacity)

    def filled(self, values: Iterable[str]) -> "Names":
        """With these values instead: each once, and as many as fit."""
        return replace(self, values=tuple(dict.fromkeys(values))[: self.capacity])

    def added(self, value: str, *, name: str) -> "Names":
        """With one more value at the end.

        Raises:
            OutOfRange: it is full.
            Conflict: the value is there.
        """
        if len(self.values) >= self.capacity:
            raise OutOfRange(
                f"out of range. No available capacity: list {name} has "
                f"{len(self.values)} of {self.capacity} values"
            )
        if value in self.values:
            raise Conflict(f"already exists. Value: {value} already in List: {name}", other=value)
        return replace(self, values=(*self.values, value))

    def removed(self, value: str, *, name: str) -> "Names":
        """Without this value.

        Raises:
            NotFound: it is not there.
        """
        if value not in self.values:
            raise NotFound(f"not found: value {value} not in list {name}")
        return replace(self, values=tuple(one for one in self.values if one != value))
