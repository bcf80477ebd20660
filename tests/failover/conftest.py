"""Real Sentinel trios and Clusters in a network of their own, where it can be had."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from core.address import Kind
from core.ensemble import Ensemble, embedded_ensemble
from tests.cluster.plane import network as namespaces
from tests.failover import network

KINDS: tuple[Kind, ...] = ("sentinel", "cluster")


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker here, where it is used."""
    config.addinivalue_line("markers", "failover: harms real Valkeys, for tens of seconds")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A failover takes seconds; `make failover` has them."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("failover")
            item.add_marker(pytest.mark.timeout(150))


@pytest.fixture
def own_network() -> Iterator[None]:
    """A network whose wires may be cut."""
    if reason := network.why_not():
        pytest.skip(reason)
    with namespaces.inside():
        network.prepare()
        yield


@pytest.fixture(params=KINDS)
async def ensemble(request: pytest.FixtureRequest) -> AsyncIterator[Ensemble]:
    """Each form in turn."""
    async with embedded_ensemble(request.param) as running:
        yield running
