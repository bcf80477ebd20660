"""Evenings on a real cluster: ReadyUp whole, real servers in pods, bots, and a verdict.

The roles are processes of their own, the game servers are started with their SDK servers
from the admitted pods, bots play on them all the while, and whatever the test does to the
cluster meanwhile, the history checker judges the run.
"""

import asyncio
import contextlib
import dataclasses
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from unittest import mock

import msgspec

from core.ids import FleetName
from fleets.agones.settings import KubernetesSettings
from fleets.spec import FleetSpec
from readyup.demo import stack as demo_stack
from readyup.demo.asked import DemoSettings
from readyup.demo.run import Demo, Outcome
from readyup.demo.stack import Stack
from readyup.settings import Config, Listen, load
from tests.cluster.gameservers import delete_fleet
from tests.cluster.meddler import Meddler, meddling
from tests.cluster.plane.api import Api
from tests.cluster.plane.pki import Authority
from tests.cluster.plane.plane import ROOT, Plane
from tests.cluster.plane.real import Image, RealPods
from tests.cluster.seen import Seen, until
from tests.cluster.test_ports_webhook import HOOKS, crowded

ARENA = FleetName("arena")
SESSIONS, WEBHOOKS = 18_082, 18_443
AUTOSCALERS = "/apis/autoscaling.agones.dev/v1/namespaces/default/fleetautoscalers"
SECONDS = {"ARENA_SECONDS": '{"duel": 3, "squad": 5}'}

UP_S = 90.0
"""A first server that Agones is to start is warm later than one of this machine."""

Scenario = Callable[["Evening"], Awaitable[None]]


def arena(servers: int, **changes: object) -> FleetSpec:
    """A fleet of so many real servers with two rooms each, all of them in the reserve."""
    spec = dataclasses.replace(crowded("arena", servers), rooms=2, reserve=2 * servers, env=SECONDS)
    return dataclasses.replace(spec, **changes)  # type: ignore[arg-type]  # a spec's own fields


class Evening(Seen):
    """What a test has in its hands while bots play."""

    def __init__(
        self, plane: Plane, api: Api, stack: Stack, pods: RealPods, meddler: Meddler
    ) -> None:
        super().__init__(api, stack.store, ARENA)
        self.plane = plane
        self.stack = stack
        self.pods = pods
        self.meddler = meddler
        """Between the role ``fleets`` and the API server."""

    async def until_finished(self, more: int, *, timeout_s: float = 60.0) -> None:
        """Until so many more matches were played to their end."""
        wanted = await self.finished() + more

        async def enough() -> bool:
            return await self.finished() >= wanted

        await until(enough, timeout_s=timeout_s)

    def told(self, role: str) -> str:
        """What a role's process wrote to its log."""
        return (self.stack.run_dir / "logs" / f"{role}.log").read_text("utf-8")

    def configure(self, change: Callable[[dict[str, object]], None]) -> None:
        """Change the fleet in the configuration, and start the role ``fleets`` anew with it."""
        file = self.stack.run_dir / "readyup.json"
        config = msgspec.json.decode(file.read_bytes())
        change(config["fleets"][self.fleet])
        file.write_bytes(msgspec.json.encode(config))
        os.kill(self.stack.processes["fleets-1"].pid, signal.SIGTERM)


async def play(
    plane: Plane,
    folder: Path,
    spec: FleetSpec,
    scenario: Scenario,
    *,
    players: int = 16,
    also: Callable[[Config], Config] = lambda config: config,
) -> Outcome:
    """Let bots play on a fleet until the scenario is over; how the run went.

    ``also`` is what else the configuration shall say.
    """
    stop, over = asyncio.Event(), asyncio.Event()
    run = folder / "run"
    (run / "events").mkdir(parents=True)
    async with (
        plane.api() as api,
        meddling(plane, folder) as meddler,
        RealPods.on(plane, game_image(folder)) as pods,
        _left_clean(api),
    ):
        config = also(configured(spec, meddler.kubeconfig, folder))
        demo = Demo(config, DemoSettings(players=players, directors=1), run)
        pods.serve()

        async def meanwhile(stack: Stack) -> None:
            try:
                await scenario(Evening(plane, api, stack, pods, meddler))
                over.set()
            finally:
                stop.set()

        with mock.patch.object(demo_stack, "UP_S", UP_S):
            outcome = await demo.play(stop, lambda _: None, meanwhile)
    assert over.is_set(), "the bots were gone before the scenario was over"
    return outcome


def game_image(folder: Path, *, own_ports: bool = False) -> Image:
    """Game servers that are witnesses of the evening in that folder."""
    told = {
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "READYUP_EVENTS": str(folder / "run" / "events" / "servers.jsonl"),
    }
    return Image(env=told, own_ports=own_ports)


def configured(spec: FleetSpec, kubeconfig: Path, folder: Path) -> Config:
    """The demo's queues on a fleet of pods; the role makes what the cluster must ask us by."""
    authority = Authority(folder / "pki", "readyup")
    pair = authority.sign("webhooks", "readyup", hosts=("127.0.0.1",))
    kubernetes = KubernetesSettings(
        kubeconfig=str(kubeconfig),
        sessions_url=f"ws://127.0.0.1:{SESSIONS}/v1/servers/connect",
        webhook_host="127.0.0.1",
        webhook_port=WEBHOOKS,
        webhook_cert=str(pair.cert),
        webhook_key=str(pair.key),
        webhook_at=f"https://127.0.0.1:{WEBHOOKS}",
        webhook_ca=str(authority.ca.cert),
    )
    return dataclasses.replace(
        load(None, environ={}),
        fleets=(spec,),
        kubernetes=kubernetes,
        sessions=Listen(port=SESSIONS),
    )


def assert_proved(outcome: Outcome, *, completed: int = 1) -> None:
    """Every promise was kept, and no bot saw an error that nothing in the run explains."""
    assert outcome.verdict.breaches == ()
    assert outcome.verdict.exit_code == 0
    assert outcome.unexpected == {}
    assert outcome.report["matches"]["completed"] >= completed


@contextlib.asynccontextmanager
async def _left_clean(api: Api) -> AsyncIterator[None]:
    try:
        yield
    finally:
        # While it is there, and nobody answers it, no pod of anybody's can start.
        await api.delete(f"{HOOKS}/readyup-pods-default")
        await api.delete(f"{AUTOSCALERS}/{ARENA}")
        await delete_fleet(api, ARENA)
