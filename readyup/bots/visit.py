"""One player's visit to one game server: ask where, knock, play until the result."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from core.errors import Rejected, Unreachable
from readyup.bots.messages import Assignment
from readyup.bots.ports import Api, Game, Link, LinkClosed, LinkQuality


@dataclass(frozen=True, slots=True)
class Joined:
    """The game server let the player in."""

    visit: "Visit"
    assignment: Assignment


@dataclass(frozen=True, slots=True)
class Finished:
    """The game server said how the match ended."""

    visit: "Visit"
    match: str
    result: dict[str, Any]
    quality: LinkQuality


@dataclass(frozen=True, slots=True)
class LinkLost:
    """The way in was shut, or the link died; ``reason`` as ``LinkClosed`` has it."""

    visit: "Visit"
    reason: str


@dataclass(frozen=True, slots=True)
class NoSession:
    """The API knows of no match to go back to."""

    visit: "Visit"


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """The API did not answer where the match is."""

    visit: "Visit"


Report = Joined | Finished | LinkLost | NoSession | NoAnswer
Tell = Callable[[Report], Awaitable[None]]


class Visit:
    """Replaced, never reused: reports of an older visit are told apart by identity."""

    def __init__(self, api: Api, game: Game, *, player: str, to: Assignment | None) -> None:
        """``to`` is None for one who must ask the API where its match is."""
        self._api = api
        self._game = game
        self._player = player
        self._to = to
        self._link: Link | None = None

    async def run(self, tell: Tell) -> None:
        """Play, and tell how it goes. Cancelled, it says goodbye unless it dropped before."""
        try:
            to = self._to or await self._api.session(self._player)
            if to is None:
                await tell(NoSession(self))
                return
            self._link = link = await self._game.join(to)
            await tell(Joined(self, to))
            result = await link.result()
            await tell(Finished(self, to.match, result, link.quality()))
        except LinkClosed as closed:
            await tell(LinkLost(self, closed.reason))
        except (Unreachable, Rejected):
            await tell(NoAnswer(self))
        finally:
            if self._link is not None:
                await self._link.close()

    def drop(self) -> None:
        """Cut the link without a goodbye."""
        if self._link is not None:
            self._link.drop()


class Visits:
    """At most one visit at a time."""

    def __init__(self, api: Api, game: Game, *, player: str, tell: Tell) -> None:
        self._api = api
        self._game = game
        self._player = player
        self._tell = tell
        self._current: Visit | None = None
        self._task: asyncio.Task[None] | None = None

    def under_way(self) -> bool:
        return self._current is not None

    def reported_by(self, visit: Visit) -> bool:
        """Whether a report is of the visit under way, not of one that was given up."""
        return visit is self._current

    def start(self, group: asyncio.TaskGroup, to: Assignment | None) -> None:
        """Go there, or, for None, where the API says; an older visit ends."""
        self.stop()
        self._current = Visit(self._api, self._game, player=self._player, to=to)
        self._task = group.create_task(self._current.run(self._tell), name=f"{self._player} visit")

    def drop(self) -> None:
        """End it without a goodbye."""
        if self._current is not None:
            self._current.drop()
        self.stop()

    def stop(self) -> None:
        """End it, with a goodbye."""
        if self._task is not None:
            self._task.cancel()
        self._current = self._task = None
