"""A queue's demand as Redis keeps it: tickets that came and matches made, counted from its log."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.counts import minutes, seconds
from core.ids import FleetName, QueueName
from core.lua import LuaScript
from matchmaker.records import Records

COUNT = LuaScript.load("matchmaker.lua", "count")
COUNT_MAX = 200
"""Events counted in one script, a few milliseconds of Redis' time at most."""

SCRIPTS_MAX = 50
"""Scripts in one call: who comes to a long log catches up over several."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What came to a queue over some time, and what was made of it."""

    queue: QueueName
    tickets: int
    players: int
    matches: Mapping[FleetName, int]
    """By the fleet, and so the region, that got them; newcomers to a match are no other."""


class Tally:
    """One queue's."""

    def __init__(self, queue: Records) -> None:
        self._queue = queue

    async def count(self) -> None:
        """Count what the log has told since it was counted last, by whomever.

        Raises:
            StoreUnreachable: asking again counts nothing twice.
        """
        store, keys = self._queue.store, {"base": self._queue.base}
        for _ in range(SCRIPTS_MAX):
            if await COUNT(store, keys=keys, args={"limit": COUNT_MAX}) < COUNT_MAX:
                return

    async def arrivals(self, *, from_s: int, to_s: int) -> Arrivals:
        """What came from one second up to another, which is not included; of the last three hours.

        Raises:
            StoreUnreachable: the store does not answer.
        """
        settings = self._queue.settings

        async def of(kind: str) -> int:
            return sum(await seconds(self._queue.store, self._queue.base, kind, from_s, to_s))

        return Arrivals(
            queue=settings.name,
            tickets=await of("tickets"),
            players=await of("players"),
            matches={fleet: await of(f"matches:{fleet}") for fleet in settings.fleets()},
        )

    async def minutes(self, kind: str, from_s: int, to_s: int) -> list[int]:
        """Counts of ``tickets``, ``players`` or ``matches:FLEET`` for each minute of two weeks.

        ``from_s`` is the beginning of a minute; ``to_s`` is not included.

        Raises:
            StoreUnreachable: the store does not answer.
        """
        return await minutes(self._queue.store, self._queue.base, kind, from_s, to_s)
