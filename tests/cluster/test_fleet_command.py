"""What we render, in a real cluster: by the command, and sized by Agones through our webhook."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.clock import SystemClock
from core.redis import Store
from fleets.agones.autoscaler import FRESH_MS, StoredPlans
from fleets.agones.manifest import autoscaler, fleet, priority_class
from fleets.spec import FleetSpec, parse_fleets
from readyup.commands.fleet import fleet as command
from tests.cluster.gameservers import delete_fleet, servers, until_states
from tests.cluster.plane.api import APPLY, FLEETS, Api
from tests.cluster.plane.plane import Plane
from tests.cluster.webhooks import serving

AUTOSCALERS = "/apis/autoscaling.agones.dev/v1/namespaces/default/fleetautoscalers"
POD = """
[fleets.{name}.pod]
image = "registry/arena@sha256:00"
node_labels = {{ "kubernetes.io/os" = "linux" }}
"""


def written(folder: Path, plane: Plane, name: str) -> Path:
    path = folder / "readyup.toml"
    queue = f'[queues.duel]\nteams = ["a", "b"]\nteam_size = 1\nfleet = "{name}"\n'
    where = f'[kubernetes]\nkubeconfig = "{plane.kubeconfig}"\n'
    path.write_text(f"{queue}[fleets.{name}]\nversion = '1.0'\n{POD.format(name=name)}{where}")
    return path


def test_a_fleet_is_applied_scaled_and_judged_as_it_runs(plane: Plane, tmp_path: Path, capsys):
    name = "commanded"
    config = written(tmp_path, plane, name)

    applied = command("apply", config=config, json=True)
    paths = json.loads(capsys.readouterr().out)["applied"]
    again = command("apply", config=config)
    scaled = command("scale", name, 2, config=config)
    try:
        asyncio.run(ready(plane, name, 2))
        capsys.readouterr()
        command("lint", name, config=config, live=True, json=True)
        found = {one["id"] for one in json.loads(capsys.readouterr().out)}
    finally:
        asyncio.run(gone(plane, name))

    assert (applied, again, scaled) == (0, 0, 0)
    assert [path.rpartition("/")[2] for path in paths] == ["readyup-gameservers", name]
    # Nobody admitted these pods, so Agones' sidecar has the limits of its chart: none.
    assert "qos-live" in found
    assert not {"cpu-whole", "guaranteed", "dns-policy", "port-dynamic"} & found


async def ready(plane: Plane, name: str, count: int) -> None:
    async with plane.api() as api:
        await until_states(api, name, {"Ready": count})


async def gone(plane: Plane, name: str) -> None:
    async with plane.api() as api:
        await delete_fleet(api, name)


def planned(name: str) -> FleetSpec:
    pod = {"image": "stand-in", "node_labels": {"kubernetes.io/os": "linux"}}
    (spec,) = parse_fleets({name: {"size_max": 10, "buffer": 2, "pod": pod}})
    return spec


@pytest.fixture
async def api(plane: Plane) -> AsyncIterator[Api]:
    async with plane.api() as opened:
        yield opened


async def test_agones_follows_our_plan_and_a_buffer_once_the_plan_is_old(
    api: Api, store: Store, tmp_path: Path
):
    spec, clock = planned("planned"), SystemClock()
    assert spec.pod is not None

    async def plan(replicas: int, *, age_ms: int = 0) -> None:
        key, written_ms = f"{{f:{spec.name}}}:plan", clock.wall_ms() - age_ms
        await store.call("HSET", key, "replicas", replicas, "t", written_ms)

    sizes = []
    await plan(3)
    async with serving(StoredPlans([spec], store, clock, namespace="default"), tmp_path) as site:
        shared = priority_class(spec.pod)
        assert shared is not None
        path = f"/apis/scheduling.k8s.io/v1/priorityclasses/{spec.pod.priority_class}"
        await api.patch(f"{path}?fieldManager=test&force=true", shared, APPLY)
        await api.create(FLEETS.format("default"), fleet(spec, site))
        await api.create(AUTOSCALERS, autoscaler(spec, site))
        try:
            sizes.append(len(await until_states(api, spec.name, {"Ready": 3})))
            await plan(5)
            sizes.append(len(await until_states(api, spec.name, {"Ready": 5})))
            await plan(9, age_ms=FRESH_MS + 1000)
            sizes.append(len(await until_states(api, spec.name, {"Ready": 2})))
        finally:
            await api.delete(f"{AUTOSCALERS}/{spec.name}")
            await delete_fleet(api, spec.name)

    assert sizes == [3, 5, 2]
    assert await servers(api, spec.name) == []
