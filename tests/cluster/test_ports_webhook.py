"""Twelve game servers on one host's network: each with a sidecar of its own, thanks to our webhook.

Agones makes the pods, the API server asks us about each, and the real sdk-servers and games
are started from the pods as they were admitted.
"""

import asyncio
import contextlib
import dataclasses
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from core.clock import SystemClock
from core.redis import Store
from fleets.agones.admitted import SIDECAR
from fleets.agones.autoscaler import StoredPlans
from fleets.agones.manifest import Site, fleet, pods_webhook, priority_class
from fleets.agones.ports import sdk_ports
from fleets.spec import FleetSpec, parse_fleets
from gameserver.sdk.client import AgonesSdk
from tests.cluster.gameservers import delete_fleet, servers, until_states
from tests.cluster.plane.api import FLEETS, GAME_SERVERS, PODS, Api, Refused
from tests.cluster.plane.nodes import REAL
from tests.cluster.plane.plane import ROOT, Plane
from tests.cluster.plane.real import Image, RealPods
from tests.cluster.webhooks import NOBODY, serving
from tests.fleets.agones.samples import container

SERVERS = 12
PINNED = "agones.dev/sdk-readyup-pinned"
HOOKS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
CLASSES = "/apis/scheduling.k8s.io/v1/priorityclasses"


def crowded(name: str, replicas: int) -> FleetSpec:
    """A fleet whose servers are all to run on the one node of real pods."""
    table = {
        "command": [sys.executable, "-m", "gameserver.arena"],
        "replicas": replicas,
        "health": {"period_s": 2, "failure_threshold": 2, "initial_delay_s": 2},
        "grace_s": 1,
        "pod": {
            "image": "stand-in",
            "node_labels": {REAL: "true"},
            "labels": {REAL: "true"},
        },
    }
    (spec,) = parse_fleets({name: table})
    return spec


@pytest.fixture
async def api(plane: Plane) -> AsyncIterator[Api]:
    async with plane.api() as opened:
        yield opened


@pytest.fixture
async def site(api: Api, store: Store, tmp_path: Path) -> AsyncIterator[Site]:
    """Our webhooks over TLS, and the API server told of them."""
    plans = StoredPlans([], store, SystemClock())
    async with serving(plans, tmp_path) as there:
        made = await api.create(HOOKS, pods_webhook(there))
        try:
            yield there
        finally:
            await api.delete(f"{HOOKS}/{made['metadata']['name']}")


@contextlib.asynccontextmanager
async def running(
    api: Api, plane: Plane, site: Site, spec: FleetSpec, *, own_ports: bool = False
) -> AsyncIterator[RealPods]:
    """A fleet as we render it, its pods run as processes; gone afterwards."""
    assert spec.pod is not None
    with contextlib.suppress(Refused):  # there from the test before
        await api.create(CLASSES, priority_class(spec.pod))
    image = Image(
        env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}, own_ports=own_ports
    )
    async with RealPods.on(plane, image) as pods:
        pods.serve()
        await api.create(FLEETS.format("default"), fleet(spec, site))
        try:
            yield pods
        finally:
            await delete_fleet(api, spec.name)


async def test_without_our_webhook_a_server_asks_agones_who_it_is(plane: Plane, api: Api):
    """A pod with a network of its own needs no ports of its own; here free ones stand for that."""
    spec = crowded("alone", 1)
    assert spec.pod is not None
    spec = dataclasses.replace(spec, pod=dataclasses.replace(spec.pod, host_network=False))
    async with running(api, plane, Site("default", NOBODY), spec, own_ports=True):
        (server,) = await until_states(api, spec.name, {"Ready": 1}, timeout_s=60)

    assert len(server["metadata"]["annotations"]["agones.dev/sdk-readyup-key"]) == 64


async def pods_of(api: Api, name: str) -> list[dict[str, Any]]:
    path = f"{PODS.format('default')}?labelSelector=readyup/fleet%3D{name}"
    return await api.items(path)


async def test_each_of_twelve_servers_on_one_host_has_a_sidecar_of_its_own(
    plane: Plane, api: Api, site: Site
):
    spec = crowded("crowded", SERVERS)
    async with running(api, plane, site, spec):
        there = await until_states(api, spec.name, {"Ready": SERVERS}, timeout_s=150)
        # A sidecar writes what it was told in an order of its own: a label may come after Ready.
        async with asyncio.timeout(20):
            while not all(PINNED in one["metadata"].get("labels", {}) for one in there):
                await asyncio.sleep(0.5)
                there = await until_states(api, spec.name, {"Ready": SERVERS}, timeout_s=20)

        by_name = {one["metadata"]["name"]: one for one in there}
        pods = {one["metadata"]["name"]: one for one in await pods_of(api, spec.name)}
        assert pods.keys() == by_name.keys()
        assert len({pod["spec"]["nodeName"] for pod in pods.values()}) == 1
        asked = {name: await told_by_its_sidecar(one) for name, one in by_name.items()}

    assert asked == {name: one["metadata"]["uid"] for name, one in by_name.items()}
    ports = {one["status"]["ports"][0]["port"] for one in by_name.values()}
    assert len(ports) == SERVERS
    for name, pod in pods.items():
        port = by_name[name]["status"]["ports"][0]["port"]
        sidecar, own = container(pod, SIDECAR), sdk_ports(port)
        assert f"--health-port={own.health}" in sidecar["args"]
        assert {one["hostPort"] for one in sidecar["ports"]} == {own.grpc, own.http, own.health}
        assert pod["status"]["qosClass"] == "Guaranteed"
    published = [one["metadata"] for one in by_name.values()]
    keys = {one["annotations"]["agones.dev/sdk-readyup-key"] for one in published}
    assert len(keys) == SERVERS
    assert {one["labels"][PINNED] for one in published} == {"false"}
    assert all(one["annotations"]["agones.dev/sdk-readyup-pinned"] for one in published)


async def told_by_its_sidecar(server: dict[str, Any]) -> str:
    """Whom the SDK server on this server's port speaks for."""
    port = sdk_ports(server["status"]["ports"][0]["port"]).grpc
    async with AgonesSdk.connect("127.0.0.1", port, wait_s=10) as sdk:
        return (await sdk.game_server()).uid


async def test_a_server_that_hangs_is_noticed_through_its_own_health_port(
    plane: Plane, api: Api, site: Site
):
    spec = crowded("hanging", 2)
    async with running(api, plane, site, spec) as pods:
        there = await until_states(api, spec.name, {"Ready": 2}, timeout_s=60)
        victim, other = (one["metadata"]["name"] for one in there)
        pid = pods.running[victim].game.pid
        assert pid
        os.kill(pid, signal.SIGSTOP)
        names = {victim}
        async with asyncio.timeout(60):
            while victim in names:
                names = {one["metadata"]["name"] for one in await servers(api, spec.name)}
                await asyncio.sleep(0.2)

    assert other in names


async def test_the_scheduler_keeps_others_off_a_sidecars_ports(plane: Plane, api: Api, site: Site):
    spec = crowded("guarded", 1)
    async with running(api, plane, site, spec):
        (server,) = await until_states(api, spec.name, {"Ready": 1}, timeout_s=60)
        taken = sdk_ports(server["status"]["ports"][0]["port"]).grpc
        await api.create(PODS.format("default"), intruder(taken))
        path = f"{PODS.format('default')}/intruder"
        try:
            async with asyncio.timeout(30):
                while not (why := unscheduled(await api.get(path))):
                    await asyncio.sleep(0.2)
        finally:
            await api.delete(path)

    assert "free ports" in why


def intruder(port: int) -> dict[str, Any]:
    """A pod on the host's network of the same node, that wants this port."""
    ports = [{"containerPort": port, "hostPort": port, "protocol": "TCP"}]
    return {
        "metadata": {"name": "intruder"},
        "spec": {
            "hostNetwork": True,
            "nodeSelector": {REAL: "true"},
            "containers": [{"name": "one", "image": "stand-in", "ports": ports}],
        },
    }


def unscheduled(pod: dict[str, Any]) -> str:
    """Why the scheduler found no node; empty while it has not said."""
    for one in pod.get("status", {}).get("conditions", ()):
        if one["type"] == "PodScheduled" and one["status"] == "False":
            return str(one.get("message", ""))
    return ""


async def test_a_server_without_a_port_of_its_own_is_refused_with_the_cure(
    plane: Plane, api: Api, site: Site
):
    del plane, site
    game = {"name": "game", "image": "stand-in"}
    server = {
        "apiVersion": "agones.dev/v1",
        "kind": "GameServer",
        "metadata": {"name": "portless"},
        "spec": {"template": {"spec": {"hostNetwork": True, "containers": [game]}}},
    }
    await api.create(GAME_SERVERS.format("default"), server)
    path = f"{GAME_SERVERS.format('default')}/portless"
    try:
        async with asyncio.timeout(30):
            while (await api.get(path)).get("status", {}).get("state") != "Error":
                await asyncio.sleep(0.2)
        events = await api.items("/api/v1/namespaces/default/events")
    finally:
        await api.delete(path)

    said = [one["message"] for one in events if one["involvedObject"]["name"] == "portless"]
    assert any("portPolicy: Passthrough" in message for message in said)
