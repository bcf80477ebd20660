"""What the allocator's tests share: a pool on the real store, and short ways to speak to it."""

import functools
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest
from prometheus_client import CollectorRegistry

from allocator.metrics import AllocatorMetrics
from allocator.pool import Pool
from allocator.sessions import Sessions
from core.ids import FleetName
from core.redis import Store
from tests.allocator.counter import Counter, counter_on

FLEET = FleetName("arena")


@pytest.fixture
def pool(store: Store) -> Pool:
    return Pool(store, FLEET)


@pytest.fixture
def sessions(pool: Pool) -> Sessions:
    return Sessions(pool)


@pytest.fixture
def metrics() -> AllocatorMetrics:
    return AllocatorMetrics(CollectorRegistry())


@pytest.fixture
def open_counter(
    pool: Pool, sessions: Sessions, metrics: AllocatorMetrics
) -> Callable[[], AbstractAsyncContextManager[Counter]]:
    return functools.partial(counter_on, pool, sessions, metrics)
