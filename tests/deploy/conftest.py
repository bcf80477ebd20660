"""The chart's tests: helm for all of them, and the plane of tests/cluster for some."""

import asyncio
from pathlib import Path

import pytest

from tests.cluster.conftest import kubernetes, plane
from tests.cluster.plane.plane import Plane
from tests.deploy import addons, helm

__all__ = ["kubernetes", "plane"]


def pytest_configure(config: pytest.Config) -> None:
    """Name the markers here, where they are used."""
    config.addinivalue_line("markers", "chart: needs helm, which `make chart` builds")
    config.addinivalue_line("markers", "cluster: needs a Kubernetes API server and Agones")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All that is in this folder starts helm, some of it a cluster."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("chart")
            item.add_marker(pytest.mark.timeout(240))


@pytest.fixture(scope="session", autouse=True)
def chart_tool() -> None:
    """Skip with helm's own reason."""
    try:
        helm.program()
    except RuntimeError as reason:
        pytest.skip(f"no helm here: {reason}")


@pytest.fixture(scope="session")
def known(plane: Plane) -> set[str]:
    """Groups that may be unknown to the API server, which was taught the add-ons' kinds."""

    async def taught() -> set[str]:
        async with plane.api() as api:
            return await addons.taught(api)

    return asyncio.run(taught())
