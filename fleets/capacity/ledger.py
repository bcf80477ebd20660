"""A fleet's demand and times as Redis keeps them: counted from its log, read back as values.

Everything is a count that is added to, so any number of processes may write, and nothing is
lost with any of them.
"""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.buckets import DAY_MS, TOOK_KEPT_DAYS, Counts, merged, took_commands, took_key
from core.counts import KEPT_S, MINUTE_S, minutes, seconds
from core.ids import FleetName
from core.lua import LuaScript, as_json
from core.redis import Store
from fleets.capacity.history import History

COUNT = LuaScript.load("fleets.lua", "count")
COUNT_MAX = 200
"""Events counted in one script, a few milliseconds of Redis' time at most."""

FINE_S = 7_200
"""Counts by the second are kept at least so long; older ones only by the minute."""


class Ledger:
    """One fleet's."""

    def __init__(self, store: Store, fleet: FleetName) -> None:
        self._store = store
        self._slot = f"{{f:{fleet}}}"

    async def count(self) -> None:
        """Count whatever the log has told since it was counted last, by whomever.

        Raises:
            StoreUnreachable: asking again counts nothing twice.
        """
        while await COUNT(self._store, keys={"fleet": self._slot}, args={"limit": COUNT_MAX}) == (
            COUNT_MAX
        ):
            pass

    async def note(self, what: str, durations_s: Sequence[float], *, now_ms: int) -> None:
        """Add durations to those of the day."""
        await self._store.many(took_commands(self._slot, what, durations_s, now_ms=now_ms))

    async def took(self, what: str, *, now_ms: int) -> Counts:
        """Durations of the last days, by bucket."""
        days = range(TOOK_KEPT_DAYS)
        replies = await self._store.many(
            [("HGETALL", took_key(self._slot, what, now_ms - day * DAY_MS)) for day in days]
        )
        return merged(
            {int(bucket): int(count) for bucket, count in _pairs(reply).items()}
            for reply in replies
        )

    async def history(self, *, until_s: int) -> History:
        """Claims of the last two weeks: by the minute, and lately by the second."""
        fine_from_s = (until_s - FINE_S) // MINUTE_S * MINUTE_S
        from_s = fine_from_s - KEPT_S
        # The minute after it too: who begins in the second of the first claim knows no calm before.
        counts = await self.minutes("claims", from_s, until_s + MINUTE_S)
        came = {from_s + n * MINUTE_S: count for n, count in enumerate(counts) if count}
        history = History.begin(
            {at_s: count for at_s, count in came.items() if at_s < fine_from_s}, fine_from_s
        )
        # Where nothing was ever counted there is no past, and no calm to be learnt from either.
        begin_s = fine_from_s if history.known() else min(came, default=until_s)
        return history.then(begin_s, await self.seconds("claims", begin_s, until_s))

    async def seconds(self, kind: str, from_s: int, to_s: int) -> NDArray[np.float64]:
        """Counts of a kind for each second from one up to another, which is not included."""
        counts = await seconds(self._store, self._slot, kind, from_s, to_s)
        return np.array(counts, dtype=np.float64)

    async def minutes(self, kind: str, from_s: int, to_s: int) -> list[int]:
        """Counts of a kind for each minute; ``from_s`` is the beginning of one."""
        return await minutes(self._store, self._slot, kind, from_s, to_s)

    async def sessions(self) -> NDArray[np.float64]:
        """When each running session was claimed, in milliseconds since 1970."""
        reply = await self._store.call("ZRANGE", f"{self._slot}:sessions", 0, -1, "WITHSCORES")
        return np.array([float(since_ms) for since_ms in reply[1::2]])

    async def decided(self, decision: Mapping[str, object]) -> None:
        """Keep a decision with its inputs; about a day of them."""
        key = f"{self._slot}:decisions"
        body = as_json(decision)
        await self._store.call("XADD", key, "MAXLEN", "~", DECISIONS_MAX, "*", "d", body)

    async def decisions(self, *, since_ms: int, limit: int) -> list[dict[str, object]]:
        """Decisions since a moment, the newest first."""
        return await decisions(self._store, self._slot, since_ms=since_ms, limit=limit)


DECISIONS_MAX = 20_000


async def decisions(
    store: Store, slot: str, *, since_ms: int, limit: int
) -> list[dict[str, object]]:
    """A fleet's decisions since a moment, the newest first."""
    reply = await store.call("XREVRANGE", f"{slot}:decisions", "+", since_ms, "COUNT", limit)
    return [msgspec.json.decode(_pairs(fields)["d"]) for _, fields in reply]


def _pairs(reply: object) -> dict[str, str]:
    """A hash's reply, or a stream entry's fields, however the client handed them over."""
    if isinstance(reply, dict):
        return reply
    flat = list(reply) if isinstance(reply, list | tuple) else []
    return dict(zip(flat[::2], flat[1::2], strict=True))
