"""Keeps looking for the primaries: first of all, each second, and when something is wrong."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from core.errors import StoreUnreachable
from core.primaries import Primaries
from core.slots import Ranges

LOOK_S, LOOK_AGAIN_S = 1.0, 0.1
"""How often the primaries are asked for, and how often at most when something is wrong."""


class Watch:
    """One store's."""

    def __init__(self, primaries: Primaries, *, patience_s: float) -> None:
        self._primaries = primaries
        self._patience_s = patience_s
        self._trouble = asyncio.Event()

    def trouble(self) -> None:
        """Something is wrong, so look soon."""
        self._trouble.set()

    async def first(self) -> Ranges:
        """On a busy machine a greeting takes its time, so the first may take as long as a call.

        Raises:
            StoreUnreachable: nobody knows.
        """
        until_s = asyncio.get_running_loop().time() + self._patience_s
        while True:
            try:
                return await self._primaries.find()
            except StoreUnreachable as lost:
                late = isinstance(lost.__cause__, TimeoutError)
                if not late or asyncio.get_running_loop().time() > until_s:
                    raise

    async def run(
        self, found: Callable[[Ranges], None], beside: Callable[[], Awaitable[None]]
    ) -> None:
        """Until cancelled: tell who they are, and do then what else is to be looked at."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0 if self._primaries.in_doubt else LOOK_S):
                    await self._trouble.wait()
            self._trouble.clear()
            with contextlib.suppress(StoreUnreachable):
                found(await self._primaries.find())
            await beside()
            await asyncio.sleep(LOOK_AGAIN_S)
