"""A demo that is looked at: every process's health and figures, and whole traces of tickets."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from readyup.wiring.vitals import Counted, ProcessMetrics
from tests.e2e.collector import collector

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

ROLES = {
    "api-1": "matchmaker",
    "director-1": "matchmaker",
    "director-2": "matchmaker",
    "allocator-1": "allocator",
    "fleets-1": "fleets",
}
"""Each process of the demo, and whose figures it shows."""

STEPS = [
    "ticket.enqueue",
    "queue.wait",
    "match.pass",
    "match.propose",
    "match.claim",
    "match.commit",
    "match.announce",
    "ticket.push",
    "server.assign",
    "server.ack",
    "server.first_packet",
]


async def demo(folder: Path, **env: str) -> asyncio.subprocess.Process:
    ports = ("READYUP_API_PORT", "READYUP_SESSIONS_PORT", "READYUP_CONSOLE_PORT")
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "readyup", "demo", "--headless", "--dir", str(folder), "--duration", "6"),
        *("--players", "30", "--servers", "3", "--seed", "7"),
        env=os.environ | dict.fromkeys(ports, "0") | env,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def declared(package: str) -> set[str]:
    """The families of a package, and of every process."""
    counted = Counted()
    ProcessMetrics(counted.registry)
    assert getattr(counted, package)
    return families(counted.registry)


def families(registry: CollectorRegistry) -> set[str]:
    return {family.name for family in registry.collect()}


async def look(folder: Path, process: str) -> tuple[dict, set[str]]:
    """What a process says of itself once it is ready, and the families it shows."""
    file = folder / "admin" / process
    async with asyncio.timeout(40), aiohttp.ClientSession() as http:
        while True:
            await asyncio.sleep(0.1)
            if not file.exists():
                continue
            url = file.read_text().strip()
            async with http.get(f"{url}/readyz") as answer:
                if answer.status == 200:
                    said = (await answer.json())["checks"]
                    break
        async with http.get(f"{url}/metrics") as answer:
            shown = text_string_to_metric_families(await answer.text())
            return said, {family.name for family in shown}


async def test_every_process_of_a_demo_says_how_it_is_and_shows_every_figure(tmp_path: Path):
    running = await demo(tmp_path)
    seen = {process: await look(tmp_path, process) for process in ROLES}
    _, complained = await running.communicate()

    assert running.returncode == 0, complained
    for process, package in ROLES.items():
        assert declared(package) - seen[process][1] == set(), process
    directors = [seen[f"director-{n}"][0]["director duel"] for n in (1, 2)]
    assert sum(said.startswith("leads") for said in directors) == 1, directors
    assert seen["fleets-1"][0] == {"store": "ok", "fleets": "reconciles"}


async def test_a_tickets_trace_leads_from_its_enqueue_to_its_players_first_packet(tmp_path: Path):
    async with collector() as kept:
        running = await demo(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=kept.url)
        _, complained = await running.communicate()

    assert running.returncode == 0, complained
    assert kept.orphans() == []
    whole = [spans for spans in kept.traces().values() if {one.name for one in spans} >= set(STEPS)]
    assert whole, {one.name for one in kept.spans}
    spans = {one.name: one for one in whole[0]}
    root = spans["ticket.enqueue"]
    assert root.parent == ""
    assert {one.parent for one in whole[0]} == {"", root.id}
    assert all(one.ended_ns >= one.began_ns for one in kept.spans)
    assert len({one.facts["readyup.match"] for one in whole[0] if one.name[:5] == "match"}) == 1
    assert {one.service for one in whole[0]} == {
        "readyup-api",
        "readyup-director",
        "readyup-allocator",
    }
    steps = [spans[name].began_ns // 1_000_000 for name in STEPS[2:7]]
    assert steps == sorted(steps)


async def test_a_collector_that_is_away_costs_the_run_nothing_and_is_told_of_once(tmp_path: Path):
    running = await demo(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1")
    _, complained = await running.communicate()
    said = {log.stem: log.read_text() for log in (tmp_path / "logs").glob("*.log")}

    assert running.returncode == 0, complained
    assert said["api-1"].count("telemetry.lost") == 1
    assert not any("Traceback" in text for text in said.values())
