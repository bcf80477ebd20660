"""A store that would lose tickets is refused before anything is built on it."""

import pytest

from core.clock import SystemClock
from core.errors import Invalid
from core.preflight import preflight
from core.redis import Store


class LateClock(SystemClock):
    def wall_ms(self) -> int:
        return super().wall_ms() - 5_000


async def test_the_embedded_store_is_fine(store: Store):
    await preflight(store, SystemClock())


async def test_a_store_that_evicts_is_refused(store: Store):
    await store.call("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    try:
        with pytest.raises(Invalid, match="set it to noeviction"):
            await preflight(store, SystemClock())
    finally:
        await store.call("CONFIG", "SET", "maxmemory-policy", "noeviction")


async def test_a_clock_that_is_off_is_refused(store: Store):
    with pytest.raises(Invalid, match="set the clocks"):
        await preflight(store, LateClock())
