"""A queue's figures as its director has them: for the console, and whoever else wants to know."""

from collections import deque
from dataclasses import dataclass

from core.clock import Clock
from core.lease import Lease
from matchmaker.engine.pool import Pool
from matchmaker.metrics import MatchmakerMetrics
from matchmaker.store import QueueStore

PASSES_KEPT = 512
"""Of so many passes, the last ones, durations are told."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How the queue stands, by the store's own word."""

    paused: bool
    asking: int
    """Matches whose players are asked to accept them."""


class Figures:
    """Counts what one director does, term after term, and publishes it."""

    def __init__(
        self, queue: QueueStore, lease: Lease, *, clock: Clock, metrics: MatchmakerMetrics
    ) -> None:
        self._queue = queue
        self._lease = lease
        self._clock = clock
        self._metrics = metrics
        self._name = queue.settings.name
        self._pass_ms: deque[float] = deque(maxlen=PASSES_KEPT)
        self._passes = 0
        self._matches = 0

    def passed(self, took_s: float) -> None:
        """A pass took so long."""
        self._passes += 1
        self._pass_ms.append(took_s * 1000)
        self._metrics.pass_seconds.labels(self._name).observe(took_s)

    def made(self, matches: int) -> None:
        """So many more matches were proposed; newcomers to one that runs are none."""
        self._matches += matches

    async def publish(self, pool: Pool, *, in_line: int) -> Standing:
        """Write the figures down; what the store says of the queue comes back with them."""
        now_ms, oldest_ms = self._clock.wall_ms(), pool.oldest_ms()
        lately = sorted(self._pass_ms) or [0.0]
        oldest_wait_ms = max(0, now_ms - oldest_ms) if oldest_ms is not None else 0
        figures: dict[str, str | int | float] = {
            "waiting": len(pool),
            "players_waiting": pool.players(),
            "placing": in_line,
            "oldest_wait_ms": oldest_wait_ms,
            "pass_ms_p50": round(lately[len(lately) // 2], 3),
            "pass_ms_p99": round(lately[int(len(lately) * 0.99)], 3),
            "passes": self._passes,
            "matches": self._matches,
            "epoch": self._lease.epoch,
            "holder": self._lease.holder,
            "t": now_ms,
        }
        flat = [word for pair in figures.items() for word in pair]
        base = self._queue.base
        _, paused, asking = await self._queue.store.many(
            [
                ("HSET", f"{base}:stats", *flat),
                ("EXISTS", self._queue.pause.key),
                ("ZCARD", f"{base}:asking"),
            ]
        )
        self._metrics.waiting.labels(self._name).set(len(pool))
        self._metrics.oldest_wait.labels(self._name).set(oldest_wait_ms / 1000)
        self._metrics.paused.labels(self._name).set(bool(paused))
        return Standing(bool(paused), int(asking))
