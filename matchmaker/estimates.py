"""What a queue's waits promise to those who wait: written by its director, read by everybody.

The scripts count each wait where it ends, so nothing is lost or counted twice when a director
dies. The director adds up the last hour and those who wait now, and publishes the curves;
whoever asks looks up what is left for a ticket of its size and age.
"""

import contextlib

import msgspec

from core.clock import Clock
from core.errors import StoreUnreachable
from core.lua import as_json
from matchmaker.engine.pool import PoolView
from matchmaker.records import Records
from matchmaker.waits import EVERY, Estimate, remaining, strata, survival

SLOT_MS = 300_000
"""As in ``queue.lua``."""

SLOTS = 12
"""The last hour: long enough to have seen something, short enough to be about now."""

PUBLISH_MS = 5_000
KEEP_S = 120
"""Curves that nobody renews, since nobody leads, are soon no news."""

FRESH_MS = 5_000
"""How long a process believes what it read."""

_curve = msgspec.json.Decoder(list[float]).decode


class Estimator:
    """The director's part, during one term."""

    def __init__(self, queue: Records) -> None:
        self._queue = queue
        self._published_ms = 0

    async def publish(self, view: PoolView, *, now_ms: int) -> None:
        """Publish the curves anew, when it is time."""
        if now_ms - self._published_ms < PUBLISH_MS:
            return
        self._published_ms = now_ms
        store, base = self._queue.store, self._queue.base
        newest = now_ms // SLOT_MS
        slots = await store.many([("HGETALL", f"{base}:waits:{newest - n}") for n in range(SLOTS)])
        sizes, ages_ms = view.size.tolist(), (now_ms - view.enqueued_ms).tolist()
        found = strata(slots, zip(sizes, ages_ms, strict=True))
        curves = {name: curve for name, waits in found.items() if (curve := survival(waits))}
        if curves:
            key = f"{base}:estimates"
            fields = [
                word for name, curve in curves.items() for word in (name, as_json(_short(curve)))
            ]
            await store.many([("HSET", key, *fields), ("EXPIRE", key, KEEP_S)])


class Estimates:
    """One process's view of one queue's curves."""

    def __init__(self, queue: Records, clock: Clock) -> None:
        self._queue = queue
        self._clock = clock
        self._curves: dict[str, list[float]] = {}
        self._read_s = float("-inf")

    async def refresh(self) -> None:
        """Read the curves, unless that was just now."""
        now_s = self._clock.elapsed_s()
        if (now_s - self._read_s) * 1000 < FRESH_MS:
            return
        self._read_s = now_s
        with contextlib.suppress(StoreUnreachable):  # an old guess is no reason to refuse an answer
            found = await self._queue.store.call("HGETALL", f"{self._queue.base}:estimates")
            self._curves = {name: _curve(curve) for name, curve in found.items()}

    def of(self, size: int, enqueued_ms: int) -> Estimate | None:
        """For a ticket of so many players, by what was read last; None when nothing is known."""
        waited_ms = max(0, self._clock.wall_ms() - enqueued_ms)
        for stratum in (str(size), EVERY):
            if found := remaining(self._curves.get(stratum, ()), waited_ms):
                return found
        return None


def _short(curve: list[float]) -> list[float]:
    return [round(share, 5) for share in curve]
