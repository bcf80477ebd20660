"""The chart's tests: helm for all of them, and the plane of tests/cluster for some."""

from pathlib import Path

import pytest

from tests.cluster.conftest import kubernetes, plane
from tests.deploy import helm

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
