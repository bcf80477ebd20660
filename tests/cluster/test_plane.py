"""The cluster that the other tests here stand on: it starts, it can be disturbed, it goes."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cluster.plane import network
from tests.cluster.plane.api import PODS, Api, Refused
from tests.cluster.plane.plane import ROOT, Options, Plane
from tests.cluster.plane.programs import found


async def test_all_nodes_are_ready_and_have_addresses_of_their_own(kubernetes: Plane):
    async with kubernetes.api() as api:
        nodes = await api.items("/api/v1/nodes")

    addresses = {node["status"]["addresses"][0]["address"] for node in nodes}
    assert len(addresses) == len(nodes) == len(kubernetes.nodes)


async def test_a_pod_is_scheduled_runs_and_goes(kubernetes: Plane):
    container = {"name": "game", "image": "stand-in"}
    pod = {"metadata": {"generateName": "plain-"}, "spec": {"containers": [container]}}
    async with kubernetes.api() as api, asyncio.timeout(20):
        await _until_accounts_are_there(api)
        made = await api.create(PODS.format("default"), pod)
        path = f"{PODS.format('default')}/{made['metadata']['name']}"
        while (seen := await api.get(path))["status"]["phase"] != "Running":
            await asyncio.sleep(0.05)
        await api.delete(path)
        with pytest.raises(Refused, match="404"):
            while True:
                await api.get(path)
                await asyncio.sleep(0.05)

    assert seen["status"]["hostIP"] in {node.address for node in kubernetes.nodes}


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


@pytest.mark.usefixtures("kubernetes")
def test_a_plane_dies_with_the_process_that_started_it(tmp_path: Path):
    folder = tmp_path / "plane"
    script = (
        "import sys, time; from pathlib import Path; from tests.cluster.plane import network;"
        "from tests.cluster.plane.plane import Options, Plane; network.enter();"
        "Plane.start(Path(sys.argv[1]), Options(nodes=1, agones=False));"
        "print('up', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, folder], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == "up\n"
        running = [program.pid for program in found(folder)]
        starter.kill()
    until = time.monotonic() + 5
    while any(program.pid for program in found(folder)) and time.monotonic() < until:
        time.sleep(0.05)

    assert all(running)
    assert not any(program.pid for program in found(folder))


async def _until_accounts_are_there(api: Api) -> None:
    """A namespace gets its default account soon after the cluster's start."""
    accounts = "/api/v1/namespaces/default/serviceaccounts?fieldSelector=metadata.name%3Ddefault"
    while not await api.items(accounts):
        await asyncio.sleep(0.1)
