"""What the allocator needs from the world, in its own words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from core.game_server import ServerView
from core.ids import MatchId, PlayerId, ServerUid
from core.placement import Placement

CLAIM_LABEL = "readyup/claim"
"""Label of a server that is taken for the reserve; its value is the refill's id."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Players that a server wants for its match."""

    match: MatchId
    epoch: int
    n: int
    """Of the request, among those of this match at this epoch."""

    open: Mapping[str, int]
    """Team to seats; none in any takes back what was asked for before."""

    gone: tuple[PlayerId, ...]
    """Whose seats may be given away."""

    automatic: bool
    """No game asks: these have left."""


class Servers(Protocol):
    """The game servers of one fleet, as the backend runs them."""

    async def running(self) -> Sequence[ServerView]:
        """Every server the backend has now, in no order. One that is absent is gone for good."""
        ...

    async def find(self, name: str, uid: ServerUid) -> ServerView | None:
        """One server; None when the name is unknown or another uid lives under it."""
        ...

    async def take(self, server: ServerUid, claim: str) -> None:
        """Ask for a Ready server to become Allocated with the label ``readyup/claim``.

        This one, or, where the backend chooses, any that is Ready. An order, not an answer:
        ``running`` shows when it has happened. Asked again for a claim that some server
        carries already, nothing happens.
        """
        ...

    async def tell(self, server: ServerUid, letter: str) -> None:
        """Ask for the annotation ``readyup/match`` on a server that speaks only Agones' SDK.

        An order too: ``running`` shows it. Nothing happens when the server is gone.
        """
        ...

    async def give_up(self, server: ServerUid) -> None:
        """Ask for a server to be shut down; nothing happens when it is gone."""
        ...


class Matches(Protocol):
    """The matchmaker's side of a match. Each call may come again and has one effect."""

    async def settle(self, match: MatchId, *, now_ms: int) -> bool:
        """Close the match unless it is committed; True = committed. Absent counts as closed."""
        ...

    async def moved(self, placement: Placement, *, now_ms: int) -> None:
        """The match is at another room, at a higher epoch; its players are to be told."""
        ...

    async def ended(
        self, match: MatchId, reason: str, *, now_ms: int, left: Sequence[PlayerId] = ()
    ) -> None:
        """The match's session is over: finished, no-join, failed, lost or stopped.

        ``left`` are players who had gone by then, and did not come back.
        """
        ...

    async def backfill(self, wanted: Wanted, *, now_ms: int) -> str:
        """The match asks for players; the same again is the same request.

        Returns:
            What became of it, as the sessions API says it.

        Raises:
            Invalid: there are no such seats.
        """
        ...
