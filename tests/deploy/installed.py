"""Releases of the chart in the cluster, by helm itself."""

import asyncio
import base64
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster.plane.plane import Plane
from tests.deploy import helm
from tests.deploy.cluster import LOOK_S, deleted

PREVIOUS = Path(__file__).parent / "previous" / "readyup-0.1.0.tgz"
"""The chart as it was at 579b62d; docs/chart.md tells how such a file is made."""


@dataclass(frozen=True)
class Installed:
    """A release named readyup, in a namespace of its own, its games in another."""

    plane: Plane
    space: str

    @property
    def games(self) -> str:
        """The namespace of its games."""
        return f"{self.space}-games"

    def run(self, verb: str, *words: str) -> str:
        """What helm says to a verb about it, such as ``get notes``."""
        where = ("readyup", *words, f"--namespace={self.space}")
        return helm.run(*verb.split(), *where, kubeconfig=self.plane.kubeconfig)

    def install(self, *words: str, chart: Path = helm.CHART) -> None:
        """Install it, without a wait for its pods, most of which nobody runs."""
        games = f"--set=game.namespace={self.games}"
        self.run("install", str(chart), "--create-namespace", games, *words)

    def upgrade(self, *words: str) -> None:
        """To the chart as it is here, with the values that were given before."""
        self.run("upgrade", str(helm.CHART), "--reset-then-reuse-values", *words)

    async def listed(self, kind: str, *, group: str = "") -> dict[str, dict[str, Any]]:
        """All objects of a kind in its namespace, by name."""
        root = f"/apis/{group}" if group else "/api/v1"
        async with self.plane.api() as api:
            found = await api.items(f"{root}/namespaces/{self.space}/{kind}")
        return {one["metadata"]["name"]: one for one in found}

    async def secrets(self) -> dict[str, dict[str, str]]:
        """Every Secret of the release, decoded."""
        return {
            name: {key: base64.b64decode(value).decode() for key, value in one["data"].items()}
            for name, one in (await self.listed("secrets")).items()
            if one["type"] != "helm.sh/release.v1"
        }

    async def running(self, count: int) -> list[dict[str, Any]]:
        """The pods of the release, once so many run."""
        async with asyncio.timeout(60):
            while True:
                there = [*(await self.listed("pods")).values()]
                if sum(one["status"].get("phase") == "Running" for one in there) >= count:
                    return there
                await asyncio.sleep(LOOK_S)


@contextlib.contextmanager
def released(plane: Plane, space: str) -> Iterator[Installed]:
    """A release that is to be installed in the block, and goes at its end.

    What is in its namespaces goes a little later: each test has its own.
    """
    one = Installed(plane, space)
    try:
        yield one
    finally:
        with contextlib.suppress(helm.Refused):
            one.run("uninstall", "--no-hooks")
        asyncio.run(deleted(plane, one.space, one.games))
