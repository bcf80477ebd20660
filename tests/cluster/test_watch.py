"""The informer on a real API server: whatever happens to it, the cache becomes the truth."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from fleets.agones.answers import Gone
from fleets.agones.kube import Kube
from fleets.agones.metrics import AgonesMetrics
from fleets.agones.settings import KubernetesSettings
from fleets.agones.watch import Informer, Kind
from fleets.metrics import FleetMetrics
from tests.cluster.meddler import meddling
from tests.cluster.plane.api import Api, Refused
from tests.cluster.plane.plane import Plane

MAPS = "/api/v1/namespaces/default/configmaps"
PREFIX = "watched-"


def read(one: dict[str, Any]) -> tuple[str, str, str]:
    about = one["metadata"]
    return about["name"], about["uid"], (one.get("data") or {}).get("n", "")


def opened(kubeconfig: Path) -> AbstractAsyncContextManager[Kube]:
    registry = CollectorRegistry()
    settings = KubernetesSettings(kubeconfig=str(kubeconfig), watch_s=4.0, request_timeout_s=3.0)
    return Kube.open(settings, AgonesMetrics(registry, FleetMetrics(registry)))


@pytest.fixture
async def kube(kubernetes: Plane) -> AsyncIterator[Kube]:
    """With the administrator's certificate, as from a laptop."""
    async with opened(kubernetes.kubeconfig) as there:
        yield there


async def churn(api: Api, dice: random.Random, steps: int) -> None:
    """Objects come, change, go, and come back under their names."""
    for n in range(steps):
        name = f"{PREFIX}{dice.randrange(30)}"
        try:
            if dice.random() < 0.3:
                await api.delete(f"{MAPS}/{name}")
            else:
                body = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"n": str(n)}}
                await api.apply(f"{MAPS}/{name}", body | {"metadata": {"name": name}})
        except (Refused, OSError, TimeoutError):
            await asyncio.sleep(0.05)


async def truth(api: Api) -> set[tuple[str, str, str]]:
    return {read(one) for one in await api.items(MAPS)}


async def test_the_cache_becomes_the_truth_through_freezes_and_restarts(
    kubernetes: Plane, kube: Kube
):
    dice = random.Random(4)
    kind = Kind("configmaps", MAPS, read)
    async with kubernetes.api() as api, asyncio.TaskGroup() as group:
        informer = Informer(kube, kind, chance=dice, metrics=kube._metrics)
        following = group.create_task(informer.run())
        await informer.synced.wait()
        await churn(api, dice, 150)
        freezing = group.create_task(kubernetes.away("kube-apiserver", 12.0))
        await freezing
        await churn(api, dice, 50)
        kubernetes.kill("kube-apiserver")
        await asyncio.sleep(1.0)
        kubernetes.restart("kube-apiserver")
        await kubernetes.ready()
        await churn(api, dice, 150)
        async with asyncio.timeout(60):
            while set(informer.values()) != await truth(api):
                await asyncio.sleep(0.1)
        following.cancel()
        for name, _, _ in informer.values():
            if name.startswith(PREFIX):
                await api.delete(f"{MAPS}/{name}")

    assert kube._metrics.watch_ends.labels("configmaps", "broken")._value.get() >= 1


async def test_a_version_that_is_forgotten_is_told_as_gone(kubernetes: Plane, kube: Kube):
    await kubernetes.compact()
    with pytest.raises(Gone):
        async for _ in kube.watch(MAPS, "1", timeout_s=5):
            pass


async def test_what_vanished_with_the_history_of_a_watch_is_told_as_gone(
    kubernetes: Plane, tmp_path: Path
):
    lost: list[str] = []
    async with (
        kubernetes.api() as api,
        meddling(kubernetes, tmp_path) as meddler,
        opened(meddler.kubeconfig) as kube,
        asyncio.TaskGroup() as group,
    ):
        for name in ("stays", "goes"):
            body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
            await api.apply(f"{MAPS}/{name}", body)
        kind = Kind("configmaps", MAPS, read)
        informer = Informer(kube, kind, chance=random.Random(1), metrics=kube._metrics)
        informer.listen(lambda value, gone: lost.append(value[0]) if gone else None)
        following = group.create_task(informer.run())
        await informer.synced.wait()
        async with meddler.blind():
            await api.delete(f"{MAPS}/goes")
            # Something after it: the version of a compaction itself is still to be had.
            await api.patch(f"{MAPS}/stays", {"data": {"n": "1"}})
            await kubernetes.compact()
        async with asyncio.timeout(60):
            while set(informer.values()) != await truth(api):
                await asyncio.sleep(0.1)
        following.cancel()
        await api.delete(f"{MAPS}/stays")

    assert lost == ["goes"]
    assert kube._metrics.watch_ends.labels("configmaps", "gone")._value.get() == 1
