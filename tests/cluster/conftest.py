"""A real cluster for the tests in this folder, one for a run.

With `make cluster` running, that one is used, and left as it is. Fixtures move pytest's
thread into the cluster's network; what a test starts is in it too. Of several processes of
pytest each has a cluster of its own: they do not meet.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.plane import binaries, network
from tests.cluster.plane.plane import ROOT, Options, Plane

RUNNING = ROOT / ".run" / "cluster"


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker here, where it is used."""
    config.addinivalue_line("markers", "cluster: needs a Kubernetes API server and Agones")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All that is in this folder needs the cluster, and its start takes seconds."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("cluster")
            item.add_marker(pytest.mark.timeout(240))


@pytest.fixture(scope="session")
def kubernetes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    """A cluster, with Agones if it is to be had."""
    if reason := network.why_not() or _lacking(binaries.control_plane):
        pytest.skip(reason)
    with network.inside():
        if _is_first() and (running := Plane.attach(RUNNING)):
            yield running
            return
        options = Options(agones=not _lacking(binaries.agones))
        plane = Plane.start(tmp_path_factory.mktemp("cluster") / "plane", options)
        yield plane
        plane.stop()


@pytest.fixture(scope="session")
def plane(kubernetes: Plane) -> Plane:
    """A cluster with Agones."""
    if kubernetes.agones is None:
        pytest.skip(_lacking(binaries.agones) or "the cluster that runs has no Agones")
    return kubernetes


def _is_first() -> bool:
    """Of the processes that pytest-xdist starts; without it there is one."""
    return os.environ.get("PYTEST_XDIST_WORKER", "gw0") == "gw0"


def _lacking(what: object) -> str:
    """Why it is not to be had; "" if it is."""
    assert callable(what)
    try:
        what()
    except RuntimeError as reason:
        return str(reason)
    return ""
