"""How many of a server's rooms are taken, shown to Agones as the counter ``rooms``.

The allocator hands rooms out by its own books, without a write to Kubernetes. The counter is for
everybody else: kubectl, metrics, and allocations by whoever knows Agones alone.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from core.errors import ReadyUpError, Rejected
from core.supervise import every
from gameserver.ports import Sdk

COUNTER: Final = "rooms"

LOOK_S: Final = 1.0
"""Agones writes a server's counts together about so often; more would only be replaced."""

log = logging.getLogger("readyup.gameserver.occupancy")


class Occupancy:
    """Of one server, whose GameServer has the counter."""

    def __init__(self, sdk: Sdk, taken: Callable[[], int]) -> None:
        self._sdk = sdk
        self._taken = taken
        self._told: int | None = None
        self._refused = False

    async def run(self, stop: asyncio.Event) -> None:
        """Show it until ``stop``, at most once a second, and again where that went amiss."""
        await every(LOOK_S, self._look, stop=stop)

    async def _look(self) -> None:
        taken = self._taken()
        if taken == self._told or self._refused:
            return
        try:
            await self._sdk.set_counter_count(COUNTER, taken)
            self._told = taken
        except Rejected as wrong:  # no such counter, or an Agones without any: it stays so
            self._refused = True
            log.warning("rooms.uncounted", extra={"reason": str(wrong)})
        except ReadyUpError:  # the SDK server is away; the next look says what is true then
            self._told = None
