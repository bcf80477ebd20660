"""The cluster that the other tests here stand on: it starts, it can be disturbed, it goes."""

import asyncio
import time
from pathlib import Path

import pytest

from tests.cluster.plane import network
from tests.cluster.plane.api import PODS
from tests.cluster.plane.plane import Options, Plane
from tests.cluster.plane.programs import found


async def test_all_nodes_are_ready_and_have_addresses_of_their_own(kubernetes: Plane):
    async with kubernetes.api() as api:
        nodes = await api.items("/api/v1/nodes")

    addresses = {node["status"]["addresses"][0]["address"] for node in nodes}
    assert len(addresses) == len(nodes) == len(kubernetes.nodes)


async def test_a_pod_is_scheduled_runs_and_goes(kubernetes: Plane):
    container = {"name": "game", "image": "stand-in"}
    pod = {"metadata": {"generateName": "plain-"}, "spec": {"containers": [container]}}
    async with kubernetes.api() as api:
        await _until_accounts_are_there(kubernetes)
        made = await api.create(PODS.format("default"), pod)
        name = made["metadata"]["name"]
        phases, deleted = [], False
        async with asyncio.timeout(20):
            path = f"{PODS.format('default')}?fieldSelector=metadata.name%3D{name}"
            async for kind, seen in api.watch(path):
                phases.append(seen["status"]["phase"])
                if kind == "DELETED":
                    break
                if phases[-1] == "Running" and not deleted:
                    deleted = True
                    await api.delete(f"{PODS.format('default')}/{name}")

    assert list(dict.fromkeys(phases)) == ["Pending", "Running"]


async def test_a_frozen_api_server_answers_again_when_it_is_back(kubernetes: Plane):
    async with kubernetes.api() as api, asyncio.TaskGroup() as group:
        began = time.monotonic()
        group.create_task(kubernetes.away("kube-apiserver", 1.0))
        await asyncio.sleep(0.1)
        await api.get("/readyz")

        assert time.monotonic() - began >= 0.9


async def test_a_restarted_api_server_knows_what_it_knew(kubernetes: Plane):
    async with kubernetes.api() as api:
        before = await api.items("/api/v1/nodes")
    kubernetes.restart("kube-apiserver")
    await kubernetes.ready()

    async with kubernetes.api() as api:
        after = await api.items("/api/v1/nodes")
    assert [n["metadata"]["uid"] for n in after] == [n["metadata"]["uid"] for n in before]


@pytest.mark.usefixtures("kubernetes")
def test_a_second_plane_runs_beside_the_first_and_leaves_nothing(tmp_path: Path):
    folder = tmp_path / "plane"
    with network.inside():
        plane = Plane.start(folder, Options(nodes=1, agones=False))
        pids = [program.pid for program in found(folder)]
        plane.stop()

    assert len(pids) == 5
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


async def _until_accounts_are_there(plane: Plane) -> None:
    """A namespace gets its default account soon after the cluster's start."""
    async with plane.api() as api, asyncio.timeout(20):
        while not await api.items(
            "/api/v1/namespaces/default/serviceaccounts?fieldSelector=metadata.name%3Ddefault"
        ):
            await asyncio.sleep(0.1)
