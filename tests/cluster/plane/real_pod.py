"""One pod whose game and SDK server do run: what a kubelet would start, probe, report and end.

Both processes are started from the pod as it was admitted, so what a webhook wrote into it
is what they get. A pod's network is the host's here.
"""

import asyncio
import dataclasses
import os
import re
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

import aiohttp

from tests.cluster.plane import pod_status
from tests.cluster.plane.api import STRATEGIC, Api, Refused
from tests.cluster.plane.plane import Plane
from tests.cluster.plane.pod_status import Pod
from tests.cluster.plane.programs import Program

_SIDECAR = "agones-gameserver-sidecar"
_POLL_S = 0.05


class RealPod:
    """The processes of one pod."""

    def __init__(
        self, plane: Plane, api: Api, pod: Pod, command: tuple[str, ...], also: Mapping[str, str]
    ) -> None:
        assert plane.agones is not None
        self.pod = pod
        self._api = api
        self._patience_s = pod["spec"].get("terminationGracePeriodSeconds", 30)
        containers = pod["spec"]["containers"]
        beside = [*pod["spec"].get("initContainers", ()), *containers]
        self._sidecar = next(each for each in beside if each["name"] == _SIDECAR)
        self._container = next(each for each in containers if each["name"] != _SIDECAR)
        self._node = next(node for node in plane.nodes if node.name == pod["spec"]["nodeName"])
        name = pod["metadata"]["name"]
        self.sdk_server = dataclasses.replace(
            plane.agones.sdk_server,
            name=f"{name}-sdk",
            folder=str(plane.pods),
            argv=(*plane.agones.sdk_server.argv, *self._sidecar.get("args", ())),
            env=plane.agones.sdk_server.env | self._environment(self._sidecar),
        )
        words = (*self._container.get("command", command), *self._container.get("args", ()))
        plain = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
        environment = plain | dict(also) | self._environment(self._container)
        self.game = Program(
            name,
            tuple(_expand(word, environment) for word in words),
            str(plane.pods),
            environment,
        )
        probe = self._container.get("livenessProbe", {})
        self._probe = probe
        self._health_port = int(probe.get("httpGet", {}).get("port", 8080))
        if self._health_port == 8080:
            # Agones' controller listens there, on all addresses of this one network.
            self._move_health()

    def move_ports(self) -> None:
        """Free ports for the SDK server, and the game is told."""
        grpc, http = _free_port(), _free_port()
        told = {"AGONES_SDK_GRPC_PORT": str(grpc), "AGONES_SDK_HTTP_PORT": str(http)}
        kept = [word for word in self.sdk_server.argv if not word.startswith(("--grpc", "--http"))]
        argv = (*kept, f"--grpc-port={grpc}", f"--http-port={http}")
        self.sdk_server = dataclasses.replace(self.sdk_server, argv=argv)
        self.game = dataclasses.replace(self.game, env=self.game.env | told)

    async def live(self) -> None:
        """Start, report, probe, wait for the end of the game or of the pod; then clean up."""
        try:
            self.sdk_server.start()
            self.game.start()
            status = pod_status.running(self.pod, self._node.address, self._node.address)
            await self._report(status)
            async with asyncio.TaskGroup() as group:
                probing = group.create_task(self._keep_probing(), name="probe")
                deleting = group.create_task(self._deletion(), name="deletion")
                reporting = group.create_task(self._report_end(), name="end")
                sidecar = group.create_task(self._keep_sidecar(), name="sidecar")
                await deleting
                probing.cancel()
                sidecar.cancel()
                await self._end()
                reporting.cancel()
            await self._forget()
        finally:
            self.game.kill()
            self.sdk_server.kill()

    async def _report(self, status: Pod) -> None:
        path = f"{_path(self.pod)}/status"
        await _persist(lambda: self._api.patch(path, {"status": status}, STRATEGIC))

    async def _report_end(self) -> None:
        """The game is not started again: restartPolicy Never is Agones' with its sidecar."""
        while self.game.pid:
            await asyncio.sleep(_POLL_S)
        await self._report(pod_status.ended(self.pod, self.game.exit_code or 0))

    async def _keep_sidecar(self) -> None:
        """A sidecar is started again whenever it ends."""
        while True:
            await asyncio.sleep(_POLL_S * 10)
            if not self.sdk_server.pid:
                self.sdk_server.start()

    async def _keep_probing(self) -> None:
        """GET /gshealthz as the liveness probe does; the container dies of too many failures."""
        if "httpGet" not in self._probe:
            return
        await asyncio.sleep(self._probe.get("initialDelaySeconds", 0))
        failures = 0
        url = f"http://127.0.0.1:{self._health_port}{self._probe['httpGet']['path']}"
        timeout = aiohttp.ClientTimeout(total=self._probe.get("timeoutSeconds", 1))
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while self.game.pid:
                failures = 0 if await _is_well(session, url) else failures + 1
                if failures >= self._probe.get("failureThreshold", 3):
                    self.game.kill()
                await asyncio.sleep(self._probe.get("periodSeconds", 10))

    async def _deletion(self) -> None:
        """Until somebody deletes the pod."""
        metadata = self.pod["metadata"]
        pods = f"/api/v1/namespaces/{metadata['namespace']}/pods"
        path = f"{pods}?fieldSelector=metadata.name%3D{metadata['name']}"
        async for kind, pod in self._api.watch(path):
            if kind == "DELETED" or pod["metadata"]["uid"] != metadata["uid"]:
                return
            if pod["metadata"].get("deletionTimestamp"):
                self._patience_s = pod["metadata"].get("deletionGracePeriodSeconds", 0)
                return

    async def _end(self) -> None:
        """SIGTERM, then SIGKILL when the grace period is over; the sidecar goes last."""
        until = time.monotonic() + self._patience_s
        self.game.send(signal.SIGTERM)
        while self.game.pid and time.monotonic() < until:
            await asyncio.sleep(_POLL_S)
        self.game.kill()
        self.sdk_server.send(signal.SIGTERM)

    async def _forget(self) -> None:
        uid = {"uid": self.pod["metadata"]["uid"]}
        with suppress(Refused):
            path = _path(self.pod)
            await self._api.delete(path, gracePeriodSeconds=0, preconditions=uid)

    def _environment(self, container: Pod) -> dict[str, str]:
        """What the pod says, with the fields it points at."""
        environment: dict[str, str] = {}
        for each in container.get("env", ()):
            field = each.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath")
            value = self._field(field) if field else each.get("value", "")
            environment[each["name"]] = _expand(value, environment)
        return environment

    def _field(self, path: str) -> str:
        known = {"status.hostIP": self._node.address, "status.podIP": self._node.address}
        if path in known:
            return known[path]
        if found := re.fullmatch(r"metadata\.(labels|annotations)\['(.+)'\]", path):
            return str(self.pod["metadata"].get(found[1], {}).get(found[2], ""))
        value: object = self.pod
        for step in path.split("."):
            assert isinstance(value, dict)
            value = value[step]
        return str(value)

    def _move_health(self) -> None:
        self._health_port = _free_port()
        environment = self.sdk_server.env | {"HEALTH_PORT": str(self._health_port)}
        self.sdk_server = dataclasses.replace(self.sdk_server, env=environment)


def _path(pod: Pod) -> str:
    return f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"


def _expand(text: str, environment: Mapping[str, str]) -> str:
    """``$(NAME)``, as Kubernetes replaces it."""
    return re.sub(r"\$\((\w+)\)", lambda hit: environment.get(hit[1], hit[0]), text)


def _free_port() -> int:
    with socket.socket() as any_socket:
        any_socket.bind(("127.0.0.1", 0))
        return int(any_socket.getsockname()[1])


async def _is_well(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as answer:
            return answer.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False


async def _persist(call: Callable[[], Awaitable[object]]) -> None:
    """Until the API server has it, or has nothing to put it on."""
    while True:
        try:
            await call()
            return
        except Refused as refused:
            if refused.status in {404, 409}:
                return
        except (aiohttp.ClientError, TimeoutError):
            pass
        await asyncio.sleep(0.2)
