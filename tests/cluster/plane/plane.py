"""All of it together: start a cluster in a folder, find one that runs, disturb it, stop it."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from tests.cluster.plane import agones, binaries, kubernetes, network, nodes
from tests.cluster.plane.api import Api, Refused
from tests.cluster.plane.programs import Program, found

ROOT = Path(__file__).parents[3]
_START_S = 90.0
_ETCD = "http://127.0.0.1:2379/v3/kv"

Tuning = agones.Tuning


@dataclass(frozen=True)
class Options:
    """What a plane is made of."""

    nodes: int = 4
    """Each has host ports for 1,001 game servers."""

    tuning: Tuning = field(default_factory=Tuning)
    agones: bool = True
    outlives: bool = False
    """Its programs go on when this process ends; `Plane.stop` ends them."""


class Plane:
    """A running cluster. The thread that uses it must be inside its network."""

    def __init__(self, folder: Path, count: int, *, with_agones: bool) -> None:
        self.folder = folder
        self.kubeconfig = folder / "kubeconfig"
        self.pods = folder / "pods"
        """What real pods print, and their pid files."""

        self.nodes = nodes.named(count)
        self.agones = agones.Agones(folder) if with_agones else None
        """None on a plane without Agones."""

    @classmethod
    def start(cls, folder: Path, options: Options | None = None) -> "Plane":
        """Start everything and wait until it answers. Call it inside the network it shall have.

        Raises:
            RuntimeError: a program is missing, ended, or was not ready in time; says which.
        """
        options = Options() if options is None else options
        programs = binaries.control_plane()
        assets = binaries.agones() if options.agones else None
        (folder / "pods").mkdir(parents=True)
        try:
            return asyncio.run(_start(folder, options, programs, assets))
        except BaseException:
            cls(folder, options.nodes, with_agones=False).stop()
            raise

    @classmethod
    def attach(cls, folder: Path) -> "Plane | None":
        """The plane that runs there, if one does; this thread moves into its network for good."""
        running = [pid for program in found(folder) if (pid := program.pid)]
        if not running or not (folder / "plane.json").exists():
            return None
        network.enter(running[0])
        kept = json.loads((folder / "plane.json").read_text("utf-8"))
        return cls(folder, kept["nodes"], with_agones=kept["agones"])

    def stop(self) -> None:
        """End exactly what was started here, last first."""
        for program in [*found(self.pods), *reversed(found(self.folder))]:
            program.stop()

    def api(self) -> AbstractAsyncContextManager[Api]:
        """The API, as its administrator."""
        return Api.open(self.folder)

    def program(self, name: str) -> Program:
        """One of its programs: etcd, kube-apiserver, …, agones-controller, kubelet."""
        return next(program for program in found(self.folder) if program.name == name)

    def kill(self, name: str) -> None:
        """End a program without asking it."""
        self.program(name).kill()

    def restart(self, name: str) -> None:
        """Kill a program if it runs, and start it again; returns at once."""
        program = self.program(name)
        program.kill()
        program.start()

    async def away(self, name: str, seconds: float) -> None:
        """Freeze a program for a while: connections stay, answers do not come."""
        program = self.program(name)
        program.send(signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            program.send(signal.SIGCONT)

    async def compact(self) -> None:
        """Have etcd forget every version but the present one.

        Of most kinds the API server has a memory of its own, which ends when it does; of
        ConfigMaps it has none.
        """
        async with aiohttp.ClientSession() as http:
            async with http.post(f"{_ETCD}/range", json={"key": "AA=="}) as answer:
                revision = (await answer.json())["header"]["revision"]
            forgotten = {"revision": revision, "physical": True}
            async with http.post(f"{_ETCD}/compaction", json=forgotten) as answer:
                answer.raise_for_status()

    async def ready(self) -> None:
        """Wait until everything answers, as after a `restart`."""
        await _until(self._answers, "the cluster", [*found(self.folder)])

    async def _answers(self) -> bool:
        async with self.api() as api:
            await api.get("/readyz")
            there = await api.items("/api/v1/nodes")
            ready = [node for node in there if not node["spec"].get("taints")]
            if len(ready) < len(self.nodes):
                return False
            return self.agones is None or await _agones_answers(api)


async def _start(
    folder: Path, options: Options, paths: dict[str, Path], assets: Path | None
) -> Plane:
    keys = kubernetes.Credentials.make(folder / "pki")
    kubernetes.kubeconfig(folder / "kubeconfig", keys.authority, keys.admin)
    base = kubernetes.programs(paths, folder, keys, outlives=options.outlives)
    started = [*base[:2]]
    for program in started:
        program.start()
    plane = Plane(folder, options.nodes, with_agones=options.agones)
    async with plane.api() as api:
        await _until(lambda: _says_ok(api, "/readyz"), "the API server", started)
        if assets is not None:
            await agones.install(api, assets, keys.authority)
        # After Agones' kinds are there: the garbage collector looks for new ones only every
        # 30 s, and deletes no fleet's servers before it knows them.
        rest = [*base[2:], _kubelet(folder, options)]
        if assets is not None:
            rest += await agones.prepare(
                api, assets, folder, keys, options.tuning, outlives=options.outlives
            )
        for program in rest:
            program.start()
            started.append(program)
    await _until(plane._answers, "the cluster", started)
    kept = {"nodes": options.nodes, "agones": options.agones}
    (folder / "plane.json").write_text(json.dumps(kept), "utf-8")
    return plane


def _kubelet(folder: Path, options: Options) -> Program:
    arguments = (str(folder), str(options.nodes))
    return Program(
        "kubelet",
        (sys.executable, "-m", "tests.cluster.plane.kubelet", *arguments),
        str(folder),
        {**os.environ, "PYTHONPATH": str(ROOT)},
        outlives=options.outlives,
    )


async def _says_ok(api: Api, path: str) -> bool:
    return bool(await api.get(path))


async def _agones_answers(api: Api) -> bool:
    """The allocation API is served, and what the controller and the allocator listen on is."""
    service = await api.get("/apis/apiregistration.k8s.io/v1/apiservices/v1.allocation.agones.dev")
    conditions = service.get("status", {}).get("conditions", ())
    served = any(c["type"] == "Available" and c["status"] == "True" for c in conditions)
    host, _, port = agones.ALLOCATOR_GRPC.partition(":")
    for listening in (int(port), 8080, 8081):
        _, writer = await asyncio.open_connection(host, listening)
        writer.close()
    return served


async def _until(holds: Callable[[], Awaitable[bool]], what: str, programs: list[Program]) -> None:
    """Ask again and again; a program that ended meanwhile ends the waiting."""
    wrong: object = "it answers, but not all of it"
    until = time.monotonic() + _START_S
    while time.monotonic() < until:
        try:
            if await holds():
                return
        except (Refused, aiohttp.ClientError, OSError, TimeoutError) as refused:
            wrong = refused
        for program in programs:
            if program.pid is None:
                raise RuntimeError(f"{program.name} ended: {program.last_words()}")
        await asyncio.sleep(0.1)
    raise RuntimeError(f"{what} was not ready in {_START_S:.0f} s: {wrong}")
