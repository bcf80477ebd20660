"""What the matchmaker needs from the world, in its own words."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from core.ids import FleetName, MatchId, PlayerId
from core.placement import ClaimOrder, Placement, SeatOrder


@dataclass(frozen=True, slots=True)
class RoomFound:
    """A match that waited in line has a room now."""

    match: MatchId
    at_ms: int
    """When the room was given to it, ms since 1970."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a fleet has for another match, at one moment."""

    free: int
    """Rooms that may be handed out now."""

    waiting: int
    """Matches in its line."""

    region: str = ""
    """Where it is, as players name it in their latencies."""

    closed: bool = False
    """An operator has paused it."""

    def with_one_more(self) -> "Capacity":
        """The same after a match was sent there."""
        free = max(0, self.free - 1)
        return replace(self, free=free, waiting=self.waiting + (not self.free))


class Allocations(Protocol):
    """Rooms for matches, in every fleet of a queue; the allocator package keeps the promise."""

    async def capacities(self, fleets: Sequence[FleetName]) -> Mapping[FleetName, Capacity]:
        """What these fleets have now, in the order asked for.

        Raises:
            StoreUnreachable: no answer.
        """
        ...

    async def claim(self, order: ClaimOrder, fleet: FleetName, *, now_ms: int) -> Placement | None:
        """Hold a room of a fleet for a match; the same match again gets the same room.

        None: nothing is free, the match waits in line until its deadline and keeps its
        place when it asks again.

        Raises:
            StoreUnreachable: no answer; ask again.
        """
        ...

    async def leave(self, match: MatchId, fleet: FleetName, *, now_ms: int) -> bool:
        """Give up the place in a fleet's line for good: no claim of the match counts there now.

        False when it has a room there, or must wait for one there.

        Raises:
            StoreUnreachable: no answer; ask again.
        """
        ...

    async def seat(self, order: SeatOrder, *, now_ms: int) -> Placement | None:
        """Have newcomers be players of a match that runs; the same order again, the same answer.

        None, for good: it is over, is played at another epoch, or has no such seats.

        Raises:
            StoreUnreachable: no answer; ask again.
        """
        ...

    async def unseat(self, order: SeatOrder, *, now_ms: int) -> None:
        """Newcomers do not come: their seats are as before, and this order never counts again.

        Raises:
            StoreUnreachable: no answer; ask again.
        """
        ...

    async def withdraw(self, match: MatchId, *, reason: str, now_ms: int) -> bool:
        """Give the room or the place in line back, in whichever fleet; False without either."""
        ...

    def rooms_found(self, fleet: FleetName) -> AsyncIterator[RoomFound]:
        """Matches of a fleet's line that get a room, from now on, until the iterator is closed."""
        ...


@dataclass(frozen=True, slots=True)
class PlayerSession:
    """Where a player's match is played now."""

    match: MatchId
    state: str
    """pending, acked, active or handing-over."""

    placement: Placement | None
    """None while the match has lost its room and waits for another."""


class Sessions(Protocol):
    """Matches that are being played."""

    async def session_of(self, player: PlayerId) -> PlayerSession | None:
        """The running match of a player; None when there is none."""
        ...
