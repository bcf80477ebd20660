"""Releases of the chart in a real API server: upgraded from the version before, and back again."""

import asyncio
import base64
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.plane.plane import Plane
from tests.deploy.installed import PREVIOUS, Installed, released

pytestmark = pytest.mark.cluster

STORE, ROLES = "readyup-valkey", 8


@pytest.fixture
def release(plane: Plane) -> Iterator[Installed]:
    asyncio.run(without_classes(plane))
    with released(plane, "upgraded") as release:
        yield release


async def without_classes(plane: Plane) -> None:
    """Those that outlived another release, which 0.1.0 would not share."""
    async with plane.api() as api:
        for name in ("readyup-control", "readyup-gameservers"):
            await api.delete(f"/apis/scheduling.k8s.io/v1/priorityclasses/{name}")


def store(release: Installed) -> dict[str, Any]:
    """The StatefulSet."""
    return asyncio.run(release.listed("statefulsets", group="apps/v1"))[STORE]


async def aged(release: Installed) -> None:
    """Make the certificate look half a year old."""
    old = base64.b64encode(b"1").decode()
    async with release.plane.api() as api:
        path = f"/api/v1/namespaces/{release.space}/secrets/readyup-webhooks"
        await api.patch(path, {"data": {"made-at": old}})


def test_an_upgrade_from_the_chart_before_keeps_what_was_made_and_so_does_the_way_back(
    release: Installed,
):
    release.install(chart=PREVIOUS)
    asyncio.run(release.running(ROLES))
    first, held = asyncio.run(release.secrets()), store(release)
    release.upgrade()
    kept, still = asyncio.run(release.secrets()), store(release)
    asyncio.run(aged(release))
    release.upgrade("--set=roles.director.replicas=1")
    renewed = asyncio.run(release.secrets())
    release.run("rollback", "1")
    back = store(release)
    pods = asyncio.run(release.running(ROLES))

    assert kept == first
    assert renewed["readyup-webhooks"]["tls.crt"] != first["readyup-webhooks"]["tls.crt"]
    assert {**renewed, "readyup-webhooks": {}} == {**first, "readyup-webhooks": {}}
    assert still["metadata"]["uid"] == held["metadata"]["uid"] == back["metadata"]["uid"]
    assert still["spec"]["volumeClaimTemplates"] == held["spec"]["volumeClaimTemplates"]
    assert {one["spec"]["securityContext"]["runAsNonRoot"] for one in pods} == {True}
