"""A Prometheus that scrapes a demo, with our rules sixty times as fast."""

import asyncio
import contextlib
import re
import socket
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from deploy.monitoring.targets import targets
from tests.monitoring.test_rules import ROOT, RULES

EXAMPLES = ROOT / "deploy" / "monitoring"
STEP = "500ms"
"""Between two scrapes, and two looks at the rules."""

UNITS_MS = {"s": 1000 // 60, "m": 1000, "h": 60_000, "d": 24 * 60_000}

Alert = tuple[str, str]
"""Name and severity."""


def hurried(rules: str) -> str:
    """The rules with a second for each minute: of their windows, and of how long they wait.

    What is compared with a figure of ours, as "older than 300 seconds", stays as it is, but
    for late ticks: where cores are shared, 5 ms late are all of them.
    """

    def quick(found: re.Match[str]) -> str:
        return f"{found[1]}{int(found[2]) * UNITS_MS[found[3]]}ms"

    quicker = re.sub(r"(for: |\[|offset )(\d+)([smhd])\b", quick, rules)
    return (
        re.sub(r"interval: \w+", f"interval: {STEP}", quicker)
        .replace("* 3600", "* 60")
        .replace("> 0.005", "> 0.5")
    )


@dataclass
class Prometheus:
    """Its API."""

    url: str
    run: Path
    """The run folder whose processes it scrapes."""

    folder: Path
    http: aiohttp.ClientSession

    def find_targets(self) -> None:
        """Look again for who lives in the run folder."""
        (self.folder / "targets.json").write_text(targets(self.run))

    async def query(self, expr: str) -> list[dict[str, Any]]:
        """What an expression gives now."""
        async with self.http.get(f"{self.url}/api/v1/query", params={"query": expr}) as answer:
            said = await answer.json()
        assert said["status"] == "success", said
        result: list[dict[str, Any]] = said["data"]["result"]
        return result

    async def firing(self) -> dict[Alert, str]:
        """What fires now, with its summary."""
        async with self.http.get(f"{self.url}/api/v1/alerts") as answer:
            said = await answer.json()
        return {
            (alert["labels"]["alertname"], alert["labels"]["severity"]): alert["annotations"][
                "summary"
            ]
            for alert in said["data"]["alerts"]
            if alert["state"] == "firing"
        }

    async def until_fired(self, wanted: Iterable[Alert], within_s: float) -> dict[Alert, float]:
        """Wait until each of them was seen firing; returns the moments of `time.monotonic`."""
        wanted = set(wanted)
        seen: dict[Alert, float] = {}
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while wanted - seen.keys():
                    for alert in await self.firing():
                        seen.setdefault(alert, time.monotonic())
                    await asyncio.sleep(0.2)
        assert not wanted - seen.keys(), f"{within_s:g} s, and silent: {wanted - seen.keys()}"
        return {alert: seen[alert] for alert in wanted}

    async def until_clear(self, wanted: Iterable[Alert], within_s: float) -> float:
        """Wait until none of them fires; returns after how many seconds."""
        wanted, began_s = set(wanted), time.monotonic()
        still = wanted
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while still := wanted & (await self.firing()).keys():
                    await asyncio.sleep(0.2)
        assert not still, f"{within_s:g} s, and not clear: {still}"
        return time.monotonic() - began_s


@contextlib.asynccontextmanager
async def prometheus(run: Path, folder: Path, *, pages: str = "") -> AsyncIterator[Prometheus]:
    """Our own configuration and hurried rules; ``pages``: the Alertmanager that it tells."""
    folder.mkdir()
    (folder / "rules.yaml").write_text(hurried(RULES.read_text("utf-8")))
    config = yaml.safe_load((EXAMPLES / "prometheus.yaml").read_text("utf-8"))
    config["global"] = {
        "scrape_interval": STEP,
        "scrape_timeout": STEP,
        "evaluation_interval": STEP,
    }
    config["rule_files"] = ["rules.yaml"]
    config["alerting"] = {
        "alertmanagers": [{"static_configs": [{"targets": [pages] if pages else []}]}]
    }
    config["scrape_configs"][0]["file_sd_configs"][0]["refresh_interval"] = "1s"
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
    port = free_port()
    started = running(
        *("prometheus", f"--config.file={folder}/prometheus.yaml"),
        *(f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}"),
        log=folder / "log",
    )
    async with started, aiohttp.ClientSession() as http:
        seen = Prometheus(f"http://127.0.0.1:{port}", run, folder, http)
        seen.find_targets()
        await until_ready(http, seen.url, folder / "log")
        yield seen


def free_port() -> int:
    """One that nobody listened on a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


@contextlib.asynccontextmanager
async def running(*words: str, log: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A program while the block lasts."""
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *words, stdout=asyncio.subprocess.DEVNULL, stderr=output
        )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def until_ready(http: aiohttp.ClientSession, url: str, log: Path) -> None:
    for _ in range(200):
        with contextlib.suppress(aiohttp.ClientError):
            async with http.get(f"{url}/-/ready") as answer:
                if answer.status == 200:
                    return
        await asyncio.sleep(0.1)
    raise AssertionError(log.read_text("utf-8")[-2000:])
