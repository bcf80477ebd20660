"""The role ``fleets`` with fleets of pods, from a configuration and a kubeconfig."""

import asyncio
import json
import random
from pathlib import Path

import pytest

from core.clock import SystemClock
from core.errors import Invalid
from core.redis import Store
from core.web import serve_app
from readyup.settings import Config, parse
from readyup.wiring.embedded import run_fleets
from readyup.wiring.house import House
from tests.fleets.agones.api_server import FLEETS, FakeApi


def config(kubeconfig: Path) -> Config:
    return parse({
        "queues": {"duel": {"teams": ["a", "b"], "team_size": 1, "fleet": "arena"}},
        "fleets": {"arena": {"buffer": 3, "pod": {"image": "game:1"}}},
        "kubernetes": {"kubeconfig": str(kubeconfig)},
    })  # fmt: skip


def house(config: Config, store: Store, tmp_path: Path) -> House:
    return House(config, store, tmp_path, "fleets", SystemClock(), random.Random(1))


async def test_fleets_of_pods_are_made_where_the_kubeconfig_leads(store: Store, tmp_path: Path):
    api = FakeApi()
    path = tmp_path / "kubeconfig"
    async with serve_app(api.app(), drain_s=0.01) as port:
        cluster = {"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}
        path.write_text(
            json.dumps({
                "current-context": "one",
                "contexts": [{"name": "one", "context": {"cluster": "c", "user": "u"}}],
                "clusters": [cluster],
                "users": [{"name": "u", "user": {"token": "t"}}],
            })
        )  # fmt: skip
        stop = asyncio.Event()
        home = house(config(path), store, tmp_path)
        async with asyncio.TaskGroup() as group:
            group.create_task(run_fleets(home, stop))
            async with asyncio.timeout(10):
                while not _sized(api):
                    await asyncio.sleep(0.02)
            stop.set()

    fleet = api.objects[FLEETS]["arena"]
    assert fleet["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "readyup"
    assert not (tmp_path / "fleets").exists(), "no local fleet was asked for"


def _sized(api: FakeApi) -> bool:
    fleet = api.objects.get(FLEETS, {}).get("arena")
    return bool(fleet) and fleet["spec"].get("replicas") == 3


async def test_without_credentials_the_role_does_not_start(store: Store, tmp_path: Path):
    home = house(config(tmp_path / "none"), store, tmp_path)
    with pytest.raises(ExceptionGroup) as refused:
        await run_fleets(home, asyncio.Event())

    assert refused.group_contains(Invalid, match="KUBECONFIG")


async def test_each_fleet_is_made_in_its_own_cluster_whatever_the_others_do(
    store: Store, tmp_path: Path
):
    near, far = FakeApi(), FakeApi()
    path = tmp_path / "kubeconfig"
    async with (
        serve_app(near.app(), drain_s=0.01) as one,
        serve_app(far.app(), drain_s=0.01) as two,
    ):
        ports = {"near": one, "far": two, "away": 9}  # nobody listens on the discard port
        path.write_text(
            json.dumps({
                "current-context": "near",
                "contexts": [
                    {"name": name, "context": {"cluster": name, "user": "u"}} for name in ports
                ],
                "clusters": [
                    {"name": name, "cluster": {"server": f"http://127.0.0.1:{port}"}}
                    for name, port in ports.items()
                ],
                "users": [{"name": "u", "user": {"token": "t"}}],
            })
        )  # fmt: skip
        home = house(
            parse({
                "queues": {
                    "duel": {"teams": ["a", "b"], "team_size": 1, "fleet": ["arena", "us", "gone"]}
                },
                "fleets": {
                    "arena": {"buffer": 3, "pod": {"image": "game:1"}},
                    "us": {"buffer": 2, "cluster": "ohio", "pod": {"image": "game:1"}},
                    "gone": {"buffer": 2, "cluster": "lost", "pod": {"image": "game:1"}},
                },
                "kubernetes": {"kubeconfig": str(path), "region": "eu"},
                "clusters": {
                    "ohio": {"kubeconfig": str(path), "context": "far", "region": "us"},
                    "lost": {"kubeconfig": str(path), "context": "away"},
                },
            }),
            store,
            tmp_path,
        )  # fmt: skip
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(run_fleets(home, stop))
            async with asyncio.timeout(10):
                while not (_sized(near) and far.objects.get(FLEETS)):
                    await asyncio.sleep(0.02)
            stop.set()

    assert set(near.objects[FLEETS]) == {"arena"}
    assert set(far.objects[FLEETS]) == {"us"}
    assert home.config.regions() == {"arena": "eu", "us": "us", "gone": ""}
