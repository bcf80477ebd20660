"""The pods of the chart's store, started: their probes, their hooks, and what they say."""

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cluster.plane import network
from tests.deploy.container import Container
from tests.deploy.helm import documents, template
from tests.deploy.release import Object, Release

LOOK_S = 0.2


class Valkeys:
    """As the StatefulSet has them."""

    def __init__(self, release: Release) -> None:
        self.release = release
        (self._made,) = release.found["statefulsets"].values()
        count = self._made["spec"]["replicas"]
        self.pods = [f"{self._made['metadata']['name']}-{n}" for n in range(count)]

    @property
    def template(self) -> Object:
        return dict(self._made["spec"]["template"])

    def start(self, *pods: str) -> None:
        """Begin these, or all; those that were begun before keep their disk."""
        for pod in pods or self.pods:
            self.release.start(pod, self.template)

    def kill(self, *pods: str) -> None:
        """End these, or all, without a word."""
        for name, container in self.release.containers.items():
            if name.rpartition(".")[0] in (pods or self.pods):
                container.kill()

    def valkey(self, pod: str) -> Container:
        return self.release.containers[f"{pod}.valkey"]

    def ready(self, *pods: str) -> bool:
        """Whether these, or all, pass their probe."""
        probe = self.template["spec"]["containers"][0]["readinessProbe"]["exec"]["command"]
        return all(self.valkey(pod).enter(*probe) == 0 for pod in pods or self.pods)

    def told_to_go(self, pod: str) -> int:
        """Its preStop hook; the exit code."""
        hook = self.template["spec"]["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
        return self.valkey(pod).enter(*hook)

    def says(self, pod: str, *asked: str) -> str:
        """What a line of shell prints in the pod, with the scripts' own ways to ask."""
        container = self.valkey(pod)
        line = " ".join(asked)
        code = container.enter("sh", "-c", f". /etc/valkey/lib.sh; {line} > /tmp/said")
        return "" if code else (container.tmp / "said").read_text("utf-8").strip()

    def primaries(self) -> list[str]:
        return [pod for pod in self.pods if self.says(pod, "role") == "master"]


def until(holds: Callable[[], bool], *, patience_s: float = 60.0) -> None:
    """Look until it holds."""
    end = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < end, "not in time"
        time.sleep(LOOK_S)


@contextlib.contextmanager
def valkeys(folder: Path, mode: str) -> Iterator[Valkeys]:
    """Those of the chart in a network of their own, not begun yet; ended at the end."""
    if reason := network.why_not():
        pytest.skip(reason)
    if not shutil.which("nsenter"):
        pytest.skip("there is no nsenter here")
    rendered = documents(template(valkey__mode=mode, valkey__persistence__enabled="false"))
    with network.inside():
        release = Release.rendered(rendered, folder / "release")
        try:
            yield Valkeys(release)
        finally:
            release.stop()
            for name, container in release.containers.items():
                print(f"{name}: {container.last_words()}")  # shown where this fails
