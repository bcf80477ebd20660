"""Pods whose processes a test runs: one by one, or all that get a node."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.cluster.plane.api import Api
from tests.cluster.plane.nodes import REAL
from tests.cluster.plane.plane import Plane
from tests.cluster.plane.pod_status import Pod
from tests.cluster.plane.real_pod import RealPod


@dataclass(frozen=True)
class Image:
    """What a pod leaves to its image, since there is none here."""

    command: tuple[str, ...] = ()
    """For a container that names none."""

    env: Mapping[str, str] = field(default_factory=dict)
    """Below what the pod says."""

    own_ports: bool = False
    """Free ports for the SDK server in place of the pod's: several on one node then do
    without a webhook that gives each its own."""


class RealPods:
    """Runs pods that are labelled ``readyup.test/real=true``, each as a task."""

    def __init__(self, plane: Plane, api: Api, image: Image, group: asyncio.TaskGroup) -> None:
        self._plane = plane
        self._api = api
        self._image = image
        self._group = group
        self._tasks: list[asyncio.Task[None]] = []
        self.running: dict[str, RealPod] = {}
        """Pod name -> what runs for it, until the pod is gone."""

    @classmethod
    @asynccontextmanager
    async def on(cls, plane: Plane, image: Image | None = None) -> AsyncIterator["RealPods"]:
        """As long as the block lasts; then every process is killed, without a word to the API."""
        async with plane.api() as api, asyncio.TaskGroup() as group:
            pods = cls(plane, api, image or Image(), group)
            try:
                yield pods
            finally:
                for task in pods._tasks:
                    task.cancel()

    def run(self, pod: Pod) -> RealPod:
        """Run a pod that has a node, as the API server has it, until it is deleted."""
        real = RealPod(self._plane, self._api, pod, self._image.command, self._image.env)
        if self._image.own_ports:
            real.move_ports()
        name = pod["metadata"]["name"]
        self.running[name] = real

        async def until_gone() -> None:
            try:
                await real.live()
            finally:
                self.running.pop(name, None)

        self._tasks.append(self._group.create_task(until_gone(), name=f"pod-{name}"))
        return real

    def serve(self, namespace: str = "default") -> None:
        """Run every such pod as it gets a node."""

        async def watch() -> None:
            seen: set[str] = set()
            path = f"/api/v1/namespaces/{namespace}/pods?labelSelector={REAL}%3Dtrue"
            async for kind, pod in self._api.watch(path):
                uid = pod["metadata"]["uid"]
                if kind != "DELETED" and pod["spec"].get("nodeName") and uid not in seen:
                    seen.add(uid)
                    self.run(pod)

        self._tasks.append(self._group.create_task(watch(), name="real-pods"))
