"""What the matchmaker needs from the world, in its own words."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from core.ids import MatchId, PlayerId
from core.placement import ClaimOrder, Placement


@dataclass(frozen=True, slots=True)
class RoomFound:
    """A match that waited in line has a room now."""

    match: MatchId
    at_ms: int
    """When the room was given to it, ms since 1970."""


class Allocations(Protocol):
    """Rooms for matches. One fleet each; the allocator package keeps the promise."""

    async def claim(self, order: ClaimOrder, *, now_ms: int) -> Placement | None:
        """Hold a room for a match; the same match again gets the same room.

        None: nothing is free, the match waits in line until its deadline and keeps its
        place when it asks again.

        Raises:
            StoreUnreachable: no answer; ask again.
        """
        ...

    async def withdraw(self, match: MatchId, *, reason: str, now_ms: int) -> bool:
        """Give the room or the place in line back; False when it held neither."""
        ...

    def rooms_found(self) -> AsyncIterator[RoomFound]:
        """Matches of the line that get a room, from now on, until the iterator is closed."""
        ...


@dataclass(frozen=True, slots=True)
class PlayerSession:
    """Where a player's match is played now."""

    match: MatchId
    state: str
    """pending, acked or active."""

    placement: Placement | None
    """None while the match has lost its room and waits for another."""


class Sessions(Protocol):
    """Matches that are being played."""

    async def session_of(self, player: PlayerId) -> PlayerSession | None:
        """The running match of a player; None when there is none."""
        ...
