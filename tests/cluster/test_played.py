"""Matched bots on ten real game servers of one host: ticket, claim, allocation, join, result."""

import asyncio
import dataclasses
from pathlib import Path

from core.ids import FleetName
from fleets.agones.manifest import Site, Webhooks, pods_webhook
from fleets.agones.settings import KubernetesSettings
from readyup.demo.asked import DemoSettings
from readyup.demo.run import Demo
from readyup.settings import Config, Listen, load
from tests.cluster.gameservers import delete_fleet
from tests.cluster.plane.pki import Authority
from tests.cluster.plane.plane import ROOT, Plane
from tests.cluster.plane.real import Image, RealPods
from tests.cluster.test_ports_webhook import HOOKS, crowded
from tests.cluster.webhooks import NOBODY, bundled

SERVERS = 10
SESSIONS, WEBHOOKS = 18_082, 18_443


def configured(plane: Plane, folder: Path) -> tuple[Config, Site]:
    """The demo's queues on a fleet of pods, and the webhooks of its role fleets."""
    authority = Authority(folder / "pki", "readyup")
    pair = authority.sign("webhooks", "readyup", hosts=("127.0.0.1",))
    seconds = {"ARENA_SECONDS": '{"duel": 3, "squad": 6}'}
    spec = dataclasses.replace(
        crowded("arena", SERVERS), name=FleetName("arena"), rooms=2, reserve=6, env=seconds
    )
    kubernetes = KubernetesSettings(
        kubeconfig=str(plane.kubeconfig),
        sessions_url=f"ws://127.0.0.1:{SESSIONS}/v1/servers/connect",
        webhook_host="127.0.0.1",
        webhook_port=WEBHOOKS,
        webhook_cert=str(pair.cert),
        webhook_key=str(pair.key),
    )
    config = dataclasses.replace(
        load(None, environ={}),
        fleets=(spec,),
        kubernetes=kubernetes,
        sessions=Listen(port=SESSIONS),
    )
    url = f"https://127.0.0.1:{WEBHOOKS}"
    return config, Site("default", NOBODY, Webhooks(url=url, ca_bundle=bundled(authority)))


async def test_bots_play_on_pods_and_the_history_holds(plane: Plane, tmp_path: Path):
    config, site = configured(plane, tmp_path)
    run = tmp_path / "run"
    (run / "events").mkdir(parents=True)
    told = {"PYTHONPATH": str(ROOT), "READYUP_EVENTS": str(run / "events" / "servers.jsonl")}
    demo = Demo(config, DemoSettings(players=24, duration_s=15, directors=1), run)

    async with plane.api() as api, RealPods.on(plane, Image(env=told)) as pods:
        await api.create(HOOKS, pods_webhook(site))
        pods.serve()
        try:
            outcome = await demo.play(asyncio.Event(), lambda _: None)
            hosts = {pod.pod["spec"]["nodeName"] for pod in pods.running.values()}
            there = len(pods.running)
        finally:
            await api.delete(f"{HOOKS}/readyup-pods")
            await delete_fleet(api, "arena")

    assert (there, len(hosts)) == (SERVERS, 1)
    assert outcome.verdict.breaches == ()
    assert outcome.unexpected == {}
    assert outcome.report["matches"]["completed"] >= 5
