"""The prize: a release of the chart, its own commands and environment as processes, and bots.

The API server holds the release; three Valkeys with Sentinels and every role are started from
what it holds, with the role's own account and rights; Agones makes the pods, through our
webhook and past the policy; the store's primary is killed while bots play; the history checker
judges the evening.
"""

import asyncio
import contextlib
import socket
import sys
import tomllib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
import yaml

from core.address import PASSWORD, SENTINEL_PASSWORD
from core.clock import SystemClock
from core.redis import Store
from readyup.demo.stack import Stack
from readyup.history.check import Verdict, check
from readyup.history.record import Recorder
from readyup.settings import parse
from tests.cluster.plane.api import Api
from tests.cluster.plane.nodes import REAL
from tests.cluster.plane.plane import ROOT, Plane
from tests.cluster.plane.real import Image, RealPods
from tests.deploy import helm
from tests.deploy.cluster import SPACES, emptied, spaces
from tests.deploy.helm import documents, of_kind
from tests.deploy.release import SPACE, Release
from tests.deploy.services import service

pytestmark = pytest.mark.cluster

UP_S = 60.0
MATCH_ENDED = '"type":"readyup.match.ended"'
PLAYED_S, PLAYERS, SERVERS = 20, 12, 4
ROLES = {"api": 2, "director": 2, "allocator": 2, "fleets": 1, "console": 1}

VALUES: dict[str, Any] = {
    "settings": {
        "events": True,
        "run_dir": "/tmp/run",  # noqa: S108 - inside of a container
        "api": {"dev_keys": True},
        # Game servers are outside of the pods' hosts file.
        "kubernetes": {"sessions_url": "ws://127.0.0.1:18082/v1/servers/connect"},
        "queues": {"duel": {"trust_player_attributes": True, "window": {"start": 300}}},
        "fleets": {
            "arena": {
                "command": [sys.executable, "-m", "gameserver.arena"],
                "replicas": SERVERS,
                "buffer": None,
                "size_max": None,
                "rooms": 2,
                "reserve": 8,
                "grace_s": 1,
                "health": {"period_s": 2, "failure_threshold": 2, "initial_delay_s": 2},
                "env": {"ARENA_SECONDS": '{"duel": 3}'},
                "pod": {
                    "image": "stand-in",
                    "node_labels": {REAL: "true"},
                    "labels": {REAL: "true"},
                },
            }
        },
    },
    "roles": {role: {"replicas": count} for role, count in ROLES.items()},
    # Agones has the usual ports of the one network that all pods share here.
    "ports": {"api": 18081, "sessions": 18082, "console": 18080, "webhooks": 18443},
    "services": {"api": {"port": 18081}, "sessions": {"port": 18082}},
    "valkey": {"persistence": {"enabled": False}},
    "events": {"enabled": True},
}


@dataclass(frozen=True)
class Evening:
    """What came of it."""

    tested: str
    """What `helm test` printed."""

    failed_over: bool
    ended: int
    """Matches whose end `readyup events` told."""

    report: dict[str, Any]
    verdict: Verdict


@contextlib.asynccontextmanager
async def installed(plane: Plane, folder: Path) -> AsyncIterator[Api]:
    """The release in the cluster, and Agones told of the namespace of games."""
    values = folder / "values.yaml"
    values.write_text(yaml.safe_dump(VALUES), "utf-8")
    where = ("--namespace", SPACE)
    async with spaces(plane) as api:
        await api.delete("/api/v1/namespaces/games")
        await swept_games(api)
        chart = (str(helm.CHART), *where, f"--values={values}")
        await asyncio.to_thread(helm.run, "install", "readyup", *chart, kubeconfig=plane.kubeconfig)
        await known_to_agones(api)
        try:
            yield api
        finally:
            await asyncio.to_thread(
                helm.run, "uninstall", "readyup", *where, kubeconfig=plane.kubeconfig
            )
    await emptied(plane, *SPACES)


async def swept_games(api: Api) -> None:
    async with asyncio.timeout(60):
        while any(o["metadata"]["name"] == "games" for o in await api.items("/api/v1/namespaces")):
            await asyncio.sleep(0.1)


async def known_to_agones(api: Api) -> None:
    """What Agones' chart makes for each of its namespaces."""
    account = {"name": "agones-sdk", "namespace": "games"}
    await api.apply(
        "/api/v1/namespaces/games/serviceaccounts/agones-sdk",
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account},
    )
    group = "rbac.authorization.k8s.io"
    # The stand-in for the kubelet starts every SDK server with the account of `default`.
    subject = {"kind": "User", "name": "system:serviceaccount:default:agones-sdk"}
    await api.apply(
        f"/apis/{group}/v1/namespaces/games/rolebindings/agones-sdk",
        {
            "apiVersion": f"{group}/v1",
            "kind": "RoleBinding",
            "metadata": account,
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "agones-sdk"},
            "subjects": [subject],
        },
    )


async def answers(url: str) -> bool:
    with contextlib.suppress(aiohttp.ClientError, TimeoutError):
        async with aiohttp.ClientSession() as http, http.get(url) as said:
            return said.status == 200
    return False


async def up(release: Release) -> None:
    """Begin the store, then every role; until each says that it is ready."""
    (valkey,) = release.found["statefulsets"].values()
    for n in range(valkey["spec"]["replicas"]):
        release.start(f"readyup-valkey-{n}", valkey["spec"]["template"])
    for name, one in release.found["deployments"].items():
        for n in range(one["spec"]["replicas"]):
            release.start(f"{name}-{n}", one["spec"]["template"])
    async with asyncio.timeout(UP_S):
        for pod in [name.rpartition(".")[0] for name in release.containers]:
            while "valkey" not in pod and not await answers(f"{release.admin(pod)}/readyz"):
                again(release)
                await asyncio.sleep(0.2)


def again(release: Release) -> None:
    """As a kubelet: whatever ended is begun again."""
    for container in release.containers.values():
        if container.process is not None and container.process.poll() is not None:
            container.start()


async def bots(folder: Path, *, players: int, duration_s: int) -> dict[str, Any]:
    """A crowd over the release's player API; its report."""
    report = folder / "bots.json"
    crowd = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "readyup", "bots", "--url", "http://127.0.0.1:18081", "--quiet"),
        *("--players", str(players), "--duration", str(duration_s), "--squad-share", "0"),
        *("--events", str(folder / "events" / "bots.jsonl"), "--json", str(report)),
        cwd=ROOT,
    )
    await crowd.wait()
    return dict(msgspec.json.decode(report.read_bytes()))


async def evening(release: Release, folder: Path) -> Evening:
    """`helm test`, then bots, and a primary that dies, while everything is recorded."""
    text = release.found["configmaps"]["readyup"]["data"]["readyup.toml"]
    config = parse(tomllib.loads(text))
    secret = release.secret("readyup-valkey", "password")
    store = await Store.connect(config.store.address({PASSWORD: secret, SENTINEL_PASSWORD: secret}))
    stack = Stack(config, store, folder, {}, [], {})
    history, recorded = folder / "history.jsonl", asyncio.Event()
    with Recorder(store, stack.streams(), history) as recorder:
        recorder.write("run.started", seed=1, players=PLAYERS, servers=SERVERS)
        async with asyncio.timeout(UP_S):
            while (await stack.warm_servers())[0] < SERVERS:
                await asyncio.sleep(0.2)
        async with asyncio.TaskGroup() as group:
            group.create_task(recorder.run(recorded))
            tested = await asyncio.to_thread(helm_test, release, folder / "events")
            killed = group.create_task(primary_dies(release))
            report = await bots(folder, players=PLAYERS, duration_s=PLAYED_S)
            async with asyncio.timeout(UP_S):
                while any([*(await left(stack)), *recorder.open_matches]):
                    await asyncio.sleep(0.2)
            recorder.write("run.drained")
            await asyncio.to_thread(release.stop_roles)
            recorded.set()
        witnesses = [*folder.glob("events/*.jsonl"), *folder.glob("release/*/tmp/run/events/*")]
        await recorder.end(await stack.final(), sorted(witnesses))
    await store.aclose()
    verdict = await asyncio.to_thread(check, history)
    told = release.containers["readyup-events-0.events"].log.read_text("utf-8")
    return Evening(tested, killed.result(), told.count(MATCH_ENDED), report, verdict)


def helm_test(release: Release, events: Path) -> str:
    """What the pod of `helm test` prints; it is the release's own, and started as it is.

    Its players have seen where they would play, and go; the checker is told so.
    """
    (pod,) = of_kind(release.hooks, "Pod")
    (container,) = release.start(pod["metadata"]["name"], pod)
    assert container.process is not None
    code = container.process.wait(UP_S)
    said = container.last_words()
    assert code == 0, said
    with (events / "test.jsonl").open("wb") as file:
        for player in (line.partition(":")[0] for line in said.splitlines()):
            gone = {"t": SystemClock().wall_ms(), "k": "bot.left", "player": player}
            file.write(msgspec.json.encode({**gone, "src": f"bot/{player}"}) + b"\n")
    return said


async def primary_dies(release: Release) -> bool:
    """Kill the first Valkey in the middle; whether it came back as a replica."""
    await asyncio.sleep(PLAYED_S / 4)
    valkey = release.containers["readyup-valkey-0.valkey"]
    await asyncio.to_thread(valkey.kill)
    await asyncio.sleep(1)
    valkey.start()
    follows = '. /etc/valkey/lib.sh; [ "$(role)" = slave ]'
    async with asyncio.timeout(UP_S):
        while await asyncio.to_thread(valkey.enter, "sh", "-c", follows):
            await asyncio.sleep(0.5)
    return True


async def left(stack: Stack) -> list[int]:
    final = await stack.final()
    return [final[key] for key in ("live_tickets", "sessions", "held_rooms")]


@contextlib.asynccontextmanager
async def reachable(release: Release) -> AsyncIterator[None]:
    """The Services that have several pods, for the cluster and for whoever is outside."""
    async with contextlib.AsyncExitStack() as stack:
        for door, role in (("api", "api"), ("sessions", "allocator")):
            spec = release.found["services"][f"readyup-{door}"]["spec"]
            pods = [release.addresses[f"readyup-{role}-{n}"] for n in range(ROLES[role])]
            hosts = ("127.0.0.1", spec["clusterIP"])
            await stack.enter_async_context(service(hosts, spec["ports"][0]["port"], pods))
        yield


def resolved(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have this process, too, know the cluster's names."""
    asked, names = socket.getaddrinfo, release.names()

    def told(host: Any, *more: Any, **options: Any) -> Any:  # noqa: ANN401 - socket's own
        return asked(names.get(host, host), *more, **options)

    monkeypatch.setattr(socket, "getaddrinfo", told)


async def test_the_release_plays_and_keeps_every_promise_though_its_primary_dies(
    plane: Plane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "events").mkdir()
    told = {
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "READYUP_EVENTS": str(tmp_path / "events" / "servers.jsonl"),
    }
    async with installed(plane, tmp_path) as api, RealPods.on(plane, Image(env=told)) as pods:
        pods.serve("games")
        release = await Release.of(plane, api, tmp_path / "release")
        where = ("readyup", "--namespace", SPACE)
        hooks = helm.run("get", "hooks", *where, kubeconfig=plane.kubeconfig)
        release.take(documents(hooks))
        resolved(release, monkeypatch)
        try:
            await up(release)
            async with reachable(release):
                played = await evening(release, tmp_path)
        finally:
            release.stop()
            for name, container in release.containers.items():
                print(f"{name}: {container.last_words()}")  # shown where this fails

    ended = {name: one.process.returncode for name, one in release.roles().items() if one.process}
    assert played.tested.count(": match duel.") == 2
    assert played.failed_over
    assert played.verdict.breaches == ()
    assert played.report["unexpected"] == {}
    assert played.report["matches"]["completed"] >= 5
    assert played.ended >= played.report["matches"]["completed"]
    assert ended == dict.fromkeys(ended, 0)
