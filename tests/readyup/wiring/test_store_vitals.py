"""What a process tells Prometheus of its store."""

from prometheus_client import CollectorRegistry

from core.clock import SystemClock
from core.errors import StoreUnreachable
from core.redis import Store
from readyup.wiring.store_vitals import StoreMetrics


class Away:
    reign = 7

    async def everywhere(self, *command: object) -> None:
        raise StoreUnreachable("away")


async def test_a_store_that_answers_is_up_and_tells_how_full_it_is(store: Store):
    registry = CollectorRegistry()
    await StoreMetrics(registry, store, SystemClock()).look()

    told = registry.get_sample_value
    assert told("readyup_store_up") == 1
    assert told("readyup_store_ping_seconds_count") == 1
    assert told("readyup_store_persists") == 1
    assert told("readyup_store_replicas") == 0
    assert told("readyup_store_memory_bytes") > 100_000
    assert told("readyup_store_reign") == store.reign


async def test_the_memory_is_told_as_a_share_of_the_limit(store: Store):
    registry = CollectorRegistry()
    await store.everywhere("CONFIG", "SET", "maxmemory", 1 << 30)
    try:
        await StoreMetrics(registry, store, SystemClock()).look()
    finally:
        await store.everywhere("CONFIG", "SET", "maxmemory", 0)

    assert 0 < registry.get_sample_value("readyup_store_memory_ratio") < 0.5


async def test_a_store_that_is_away_is_told_too():
    registry = CollectorRegistry()
    await StoreMetrics(registry, Away(), SystemClock()).look()  # type: ignore[arg-type] - as much as is used

    assert registry.get_sample_value("readyup_store_up") == 0
    assert registry.get_sample_value("readyup_store_ping_seconds_count") == 0
    assert registry.get_sample_value("readyup_store_reign") == 7
