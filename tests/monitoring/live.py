"""A demo and a Prometheus that scrapes it, both of this machine."""

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from deploy.monitoring.targets import targets
from tests.monitoring.test_rules import ROOT, RULES

ROLES = ("allocator-1", "api-1", "director-1", "director-2", "fleets-1")
CONFIGURATION = ROOT / "deploy" / "monitoring" / "prometheus.yaml"
UP_S = 40.0

Firing = dict[str, str]
"""Each alert that fires, with its summary."""


@dataclass
class Demo:
    """One that runs without a screen."""

    folder: Path
    process: asyncio.subprocess.Process

    def pid(self, name: str) -> int:
        """Of a role's process, by the words it was started with."""
        words = f"--config {self.folder}/readyup.json --name {name}".replace(" ", "\0")
        for file in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                if words in file.read_text("utf-8", "replace"):
                    return int(file.parent.name)
        raise AssertionError(f"no process {name}")

    def store_pid(self) -> int:
        """Of its Valkey: the child that is none of ours."""
        for file in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                name, _, rest = file.read_text("utf-8").partition("(")[2].rpartition(")")
                if "valkey" in name and int(rest.split()[1]) == self.process.pid:
                    return int(file.parent.name)
        raise AssertionError("no Valkey")

    @contextlib.contextmanager
    def standing_still(self, *pids: int):
        """They do nothing while the block lasts."""
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    async def operator(self, *words: str) -> None:
        """As `readyup operator` does it."""
        console = json.loads((self.folder / "readyup.json").read_text())["console"]
        url = f"http://127.0.0.1:{console['port']}"
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "readyup", "operator", *words, "--url", url,
            stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        assert await process.wait() == 0


@dataclass
class Prometheus:
    """Its API."""

    url: str
    http: aiohttp.ClientSession

    async def query(self, expr: str) -> list[dict[str, Any]]:
        """What an expression gives now."""
        async with self.http.get(f"{self.url}/api/v1/query", params={"query": expr}) as answer:
            said = await answer.json()
        assert said["status"] == "success", said
        return said["data"]["result"]

    async def firing(self) -> Firing:
        """What fires now."""
        async with self.http.get(f"{self.url}/api/v1/alerts") as answer:
            said = await answer.json()
        return {
            alert["labels"]["alertname"]: alert["annotations"]["summary"]
            for alert in said["data"]["alerts"]
            if alert["state"] == "firing"
        }

    async def until(
        self, true: Callable[[dict[str, str]], bool], within_s: float
    ) -> dict[str, str]:
        """Wait for what fires to be as it should; returns it."""
        firing: Firing = {}
        try:
            async with asyncio.timeout(within_s):
                while not true(firing := await self.firing()):
                    await asyncio.sleep(0.2)
        except TimeoutError:
            raise AssertionError(f"after {within_s:g} s fires: {sorted(firing)}") from None
        return firing


@contextlib.asynccontextmanager
async def demo(folder: Path) -> AsyncIterator[Demo]:
    """Play until the block ends."""
    ports = {f"READYUP_{name}_PORT": "0" for name in ("API", "CONSOLE", "SESSIONS")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "readyup", "demo", "--headless", "--players", "60", "--duration",
        "120", "--dir", str(folder),
        env={**os.environ, **ports},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(UP_S):
            while not all(f'"{role}"' in targets(folder) for role in ROLES):
                assert process.returncode is None, "the demo did not begin"
                await asyncio.sleep(0.1)
        yield Demo(folder, process)
    finally:
        # The second one ends it at once.
        for _ in range(2):
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGINT)
            await asyncio.sleep(0.5)
        await process.wait()


@contextlib.asynccontextmanager
async def prometheus(run: Path, folder: Path) -> AsyncIterator[Prometheus]:
    """Our own configuration and rules, with a second for what takes minutes."""
    folder.mkdir()
    (folder / "targets.json").write_text(targets(run))
    rules = re.sub(r"(for|interval): \w+", r"\1: 1s", RULES.read_text("utf-8"))
    (folder / "rules.yaml").write_text(rules)
    config = yaml.safe_load(CONFIGURATION.read_text("utf-8"))
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = ["rules.yaml"]
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        "prometheus", f"--config.file={folder}/prometheus.yaml",
        f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}",
        stdout=asyncio.subprocess.DEVNULL, stderr=(folder / "log").open("wb"),
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        async with aiohttp.ClientSession() as http:
            await _ready(http, url, (folder / "log"))
            yield Prometheus(url, http)
    finally:
        process.terminate()
        await process.wait()


async def _ready(http: aiohttp.ClientSession, url: str, log: Path) -> None:
    for _ in range(200):
        with contextlib.suppress(aiohttp.ClientError):
            async with http.get(f"{url}/-/ready") as answer:
                if answer.status == 200:
                    return
        await asyncio.sleep(0.1)
    raise AssertionError(log.read_text("utf-8")[-2000:])
