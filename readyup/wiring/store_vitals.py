"""What one process sees of its store: whether it answers, how soon, and how the primaries are."""

import asyncio
from typing import Any

from prometheus_client import CollectorRegistry, Gauge, Histogram

from core.clock import Clock
from core.errors import ReadyUpError
from core.redis import Store
from core.supervise import every

LOOK_S = 2.0
PATIENCE_S = 1.0
"""A store that does not answer for so long counts as away."""

WRITTEN = ("aof_last_write_status", "aof_last_bgrewrite_status", "rdb_last_bgsave_status")

# Seconds. Across a network a healthy store answers in under two milliseconds.
PING_BUCKETS_S = (0.00025, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1)


class StoreMetrics:
    """Looks until it is told to stop; a store that is away is waited for."""

    def __init__(self, registry: CollectorRegistry, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._up = Gauge(
            "readyup_store_up",
            "1 while every primary answers this process within a second.",
            registry=registry,
        )
        self._ping_seconds = Histogram(
            "readyup_store_ping_seconds",
            "Time until every primary answered.",
            buckets=PING_BUCKETS_S,
            registry=registry,
        )
        self._reign = Gauge(
            "readyup_store_reign",
            "Rises with every connection and every primary that is new to this process.",
            registry=registry,
        )
        self._memory_ratio = Gauge(
            "readyup_store_memory_ratio",
            "Memory in use by maxmemory, 0 to 1; 0 where there is no limit.",
            registry=registry,
        )
        self._memory_bytes = Gauge(
            "readyup_store_memory_bytes", "Memory in use.", registry=registry
        )
        self._replicas = Gauge(
            "readyup_store_replicas", "Replicas that follow the primary.", registry=registry
        )
        self._alone = Gauge(
            "readyup_store_alone",
            "Primaries that keep promises by themselves, having had no replica for "
            "store.alone_after_s.",
            registry=registry,
        )
        self._persists = Gauge(
            "readyup_store_persists",
            "0 once the primary could not write its last change, or snapshot, to its disk.",
            registry=registry,
        )
        self._commands = Gauge(
            "readyup_store_commands_per_second",
            "Commands a second, of everybody, as the primaries say.",
            registry=registry,
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Every two seconds until ``stop``."""
        await every(LOOK_S, self.look, stop=stop)

    async def look(self) -> None:
        """One look."""
        self._reign.set(self._store.reign)
        self._up.set(await self._answers())

    async def _answers(self) -> bool:
        began_s = self._clock.elapsed_s()
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._store.everywhere("PING")
                self._ping_seconds.observe(self._clock.elapsed_s() - began_s)
                self._tell(await self._store.everywhere("INFO"))
        except (ReadyUpError, TimeoutError):
            return False
        return True

    def _tell(self, primaries: list[dict[str, Any]]) -> None:
        used = [(one["used_memory"], one["maxmemory"]) for one in primaries]
        states = [one.get(what, "ok") for one in primaries for what in WRITTEN]
        self._memory_bytes.set(max(memory for memory, _ in used))
        self._memory_ratio.set(max(memory / most if most else 0.0 for memory, most in used))
        self._alone.set(self._store.alone())
        self._replicas.set(min(one["connected_slaves"] for one in primaries))
        self._persists.set(all(state == "ok" for state in states))
        self._commands.set(sum(one["instantaneous_ops_per_sec"] for one in primaries))
