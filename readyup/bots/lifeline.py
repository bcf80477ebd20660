"""Keeps one player's line to the API open: dials, listens, and dials again with back-off."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from core.errors import Rejected, Unreachable
from readyup.bots.habits import backoff_s
from readyup.bots.messages import Push
from readyup.bots.ports import Api, Garbled, Line


@dataclass(frozen=True, slots=True)
class LineLost:
    """The connection went away; the next Hello says how things stand."""

    kind: str = "api_lost"
    """The kind of error that this is."""


@dataclass(frozen=True, slots=True)
class Barred:
    """The API does not take this player's key."""


News = Push | LineLost | Barred
Tell = Callable[[News], Awaitable[None]]


class Lifeline:
    """One WebSocket after another."""

    def __init__(self, api: Api, player: str, dice: random.Random) -> None:
        self._api = api
        self._player = player
        self._dice = dice
        self._line: Line | None = None
        self._vanished = False

    async def run(self, tell: Tell) -> None:
        """Until cancelled. Every push is told, and every loss of the line."""
        failures = 0
        try:
            while not self._vanished:
                try:
                    self._line = await self._api.dial(self._player)
                    failures = 0
                    await self._listen(self._line, tell)
                except Unreachable:
                    await asyncio.sleep(backoff_s(failures, self._dice))
                    failures += 1
        except Rejected:
            await tell(Barred())
        finally:
            if self._line is not None:
                await self._line.close()

    async def _listen(self, line: Line, tell: Tell) -> None:
        try:
            while True:
                await tell(await line.receive())
        except Unreachable as lost:
            self._line = None
            await line.close()
            await tell(LineLost("api_garbled" if isinstance(lost, Garbled) else "api_lost"))
            raise

    async def send(self, frame: bytes) -> None:
        """Send if there is a line; a loss shows as ``LineLost``."""
        if self._line is None:
            return
        try:
            await self._line.send(frame)
        except Unreachable:
            await self.hang_up()

    async def hang_up(self) -> None:
        """Close a line that makes no sense; it is dialled again."""
        if self._line is not None:
            await self._line.close()

    async def vanish(self) -> None:
        """Cut the line without a word, for good."""
        self._vanished = True
        if self._line is not None:
            await self._line.vanish()
