"""What a player needs of the world: a line to the API, and a link into a match."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, Protocol

from core.errors import Unreachable
from readyup.bots.messages import Assignment, Push


class LinkClosed(Unreachable):
    """The way into a match was shut, or closed later.

    ``reason`` is the game server's word (``ended``, ``moved``, ``token-used``...), or
    ``lost`` and ``timeout`` when there was none.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"the link into the match was closed: {reason}")
        self.reason = reason


class Garbled(Unreachable):
    """The API said something that this bot cannot read."""


@dataclass(frozen=True, slots=True)
class LinkQuality:
    """How good the way to a game server was; NaN where nothing was measured."""

    rtt_ms: float
    jitter_ms: float
    loss_share: float
    """0 to 1: snapshots that never came."""


class Line(Protocol):
    """One connection to the player API."""

    async def send(self, frame: bytes) -> None:
        """Send a frame.

        Raises:
            Unreachable: the connection is gone.
        """
        ...

    async def receive(self) -> Push:
        """The next push; the first is a Hello.

        Raises:
            Unreachable: the connection is gone.
            Garbled: the push made no sense.
        """
        ...

    async def close(self) -> None:
        """Close with a goodbye; twice is fine."""
        ...

    async def vanish(self) -> None:
        """Close as a crashed machine does: without a word."""
        ...


class Api(Protocol):
    """The player API, as one player reaches it."""

    async def dial(self, player: str) -> Line:
        """A new connection.

        Raises:
            Unreachable: nobody answers; try again later.
            Unauthorized: the key is not taken.
        """
        ...

    async def session(self, player: str) -> Assignment | None:
        """Where the player's match runs, with a fresh token; None when there is no match.

        Raises:
            Unreachable: no answer; ask again.
        """
        ...


class Link(Protocol):
    """One player's way into one match."""

    def result(self) -> Awaitable[dict[str, Any]]:
        """What the game server says at the end.

        Raises:
            LinkClosed: the link died first.
        """
        ...

    def quality(self) -> LinkQuality: ...

    def drop(self) -> None:
        """Stop without a goodbye, as a cable does."""
        ...

    async def close(self) -> None:
        """Leave with a goodbye; twice is fine, also after a drop."""
        ...


class Game(Protocol):
    """The game's client."""

    async def join(self, assignment: Assignment) -> Link:
        """Knock with the token until the door opens.

        Raises:
            LinkClosed: nobody opened in time, or the server said no.
        """
        ...
