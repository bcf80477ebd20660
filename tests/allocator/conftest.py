"""What the allocator's tests share: a pool on the real store, and short ways to speak to it."""

import pytest
from prometheus_client import CollectorRegistry

from allocator.metrics import AllocatorMetrics
from allocator.pool import Pool
from allocator.sessions import Sessions
from core.ids import FleetName
from core.redis import Store

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
