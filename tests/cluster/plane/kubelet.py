"""The stand-in for the kubelets and for the game servers: a process of its own.

It keeps the nodes alive, says of every pod on them that it runs, and moves each game
server from Scheduled to RequestReady, the one write that its SDK server makes for
``Ready()``; the rest is the real controller's. Pods labelled ``readyup.test/real=true``
are left to the test that runs them.

KWOK could do the first half. It would be one more build of some minutes, and would still
leave the game servers to us.
"""

import asyncio
import functools
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import aiohttp

from tests.cluster.plane import nodes, pod_status
from tests.cluster.plane.api import JSON_PATCH, STRATEGIC, Api, Refused

_WORKERS = 24
_LEASE_S = 10.0
_ABANDONED_S = 5.0
_ALL_PODS = "/api/v1/pods"
_ALL_GAME_SERVERS = "/apis/agones.dev/v1/gameservers"

Thing = dict[str, Any]


class Kubelet:
    """What stands in for all nodes of a plane."""

    def __init__(self, api: Api, ours: tuple[nodes.Node, ...]) -> None:
        self._api = api
        self._nodes = {node.name: node for node in ours}
        self._addresses = 0
        self._asked: set[tuple[str, str]] = set()
        self._leaving: dict[str, Thing] = {}
        self._work: asyncio.Queue[Callable[[], Coroutine[Any, Any, None]]] = asyncio.Queue()

    async def run(self) -> None:
        """Until it is cancelled."""
        for node in self._nodes.values():
            await nodes.register(self._api, node)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._renew(), name="leases")
            group.create_task(self._watch(_ALL_PODS, self._see_pod), name="pods")
            group.create_task(self._watch(_ALL_GAME_SERVERS, self._see_game_server), name="servers")
            for n in range(_WORKERS):
                group.create_task(self._worker(), name=f"worker-{n}")

    async def _watch(self, path: str, see: Callable[[Thing], None]) -> None:
        async for kind, thing in self._api.watch(path):
            if kind == "DELETED":
                self._leaving.pop(thing["metadata"]["uid"], None)
                self._asked -= {(thing["metadata"]["uid"], step) for step in ("start", "end")}
            else:
                see(thing)

    def _see_pod(self, pod: Thing) -> None:
        node = self._nodes.get(pod["spec"].get("nodeName", ""))
        real = pod["metadata"].get("labels", {}).get(nodes.REAL) == "true"
        if node is None:
            return
        if real:
            self._leave(pod)
            return
        if pod["metadata"].get("deletionTimestamp"):
            self._once(pod, "end", lambda: self._end(pod))
        elif pod.get("status", {}).get("phase", "Pending") == "Pending":
            self._once(pod, "start", lambda: self._start(pod, node))

    def _leave(self, pod: Thing) -> None:
        """A real pod is its test's, unless it should be gone and nobody runs it any more."""
        if pod["metadata"].get("deletionTimestamp"):
            self._leaving[pod["metadata"]["uid"]] = pod

    def _see_game_server(self, server: Thing) -> None:
        template = server["spec"].get("template", {}).get("metadata", {}).get("labels", {})
        real = (server["metadata"].get("labels", {}) | template).get(nodes.REAL) == "true"
        if not real and server.get("status", {}).get("state") == "Scheduled":
            self._once(server, "start", lambda: self._say_ready(server))

    def _once(self, thing: Thing, step: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        mark = (thing["metadata"]["uid"], step)
        if mark not in self._asked:
            self._asked.add(mark)
            self._work.put_nowait(lambda: self._until_done(work, mark))

    async def _until_done(
        self, work: Callable[[], Coroutine[Any, Any, None]], mark: tuple[str, str]
    ) -> None:
        """An answer of "not so" or "gone" is an answer; any other trouble passes."""
        while True:
            try:
                return await work()
            except Refused as refused:
                if refused.status in {404, 409, 422}:
                    self._asked.discard(mark)
                    return None
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(0.5)

    async def _worker(self) -> None:
        while True:
            await (await self._work.get())()

    async def _start(self, pod: Thing, node: nodes.Node) -> None:
        self._addresses += 1
        address = f"10.244.{self._addresses // 250 % 250}.{self._addresses % 250 + 1}"
        status = pod_status.running(pod, node.address, address)
        await self._api.patch(f"{_path(pod)}/status", {"status": status}, STRATEGIC)

    async def _end(self, pod: Thing) -> None:
        uid = {"uid": pod["metadata"]["uid"]}
        await self._api.delete(_path(pod), gracePeriodSeconds=0, preconditions=uid)

    async def _say_ready(self, server: Thing) -> None:
        metadata = server["metadata"]
        path = f"/apis/agones.dev/v1/namespaces/{metadata['namespace']}/gameservers"
        step = [
            {"op": "test", "path": "/metadata/uid", "value": metadata["uid"]},
            {"op": "test", "path": "/status/state", "value": "Scheduled"},
            {"op": "replace", "path": "/status/state", "value": "RequestReady"},
        ]
        await self._api.patch(f"{path}/{metadata['name']}", step, JSON_PATCH)

    async def _renew(self) -> None:
        while True:
            for node in self._nodes.values():
                try:
                    await nodes.renew(self._api, node)
                except (aiohttp.ClientError, TimeoutError, Refused) as wrong:
                    print(f"lease of {node.name}: {wrong}", flush=True)
            late = nodes.stamp(-_ABANDONED_S)
            for pod in [*self._leaving.values()]:
                if pod["metadata"]["deletionTimestamp"] < late:
                    self._once(pod, "end", functools.partial(self._end, pod))
            await asyncio.sleep(_LEASE_S)


def _path(pod: Thing) -> str:
    return f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"


async def _main(folder: Path, count: int) -> None:
    async with Api.open(folder, connections=_WORKERS + 8) as api:
        await Kubelet(api, nodes.named(count)).run()


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1]), int(sys.argv[2])))
