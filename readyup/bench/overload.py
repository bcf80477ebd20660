"""What an API process does with more than it can: an open loop at 1, 2 and 10 times capacity.

Capacity is measured first, by clients that wait for each answer before they ask again, and
once more at the end, since what a machine can do depends on what else it does.
Then requests come at a fixed rate, whether answers do or not, each on a connection that has
none under way; a request that finds no such connection, or no answer within a second, has
failed as it would for a player. A back end reads one ticket all the while. The API runs in
a process of its own before a Valkey; nobody leads the queue, so tickets only come in.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from core.clock import SystemClock
from core.errors import Unreachable
from core.redis import Store
from core.valkey import embedded_valkey
from readyup.bench.cores import cpu_s, move_to, own_cores, split, used_between
from readyup.bench.machine import machine
from readyup.bench.overload_crowd import GOOD_S, Crowd, Phase
from readyup.bots.report import percentile
from readyup.commands.serve import own_keys
from readyup.demo.roles import RoleProcess
from readyup.settings import Config, StoreSettings, as_table
from readyup.wiring.doors import handed_to_child, open_doors

CLIENTS = 48
"""For capacity: fewer than the creates that are let in at once, so none is shed."""

WARM_UP_S = 1.0

LINES = 1_500
"""Connections of the open loop."""

WINDOW_S = 0.1
BACKEND = {"Authorization": "Bearer dev-backend"}
READER = {"queue": "duel", "players": [{"id": "reader"}]}

_CLOCK = SystemClock()


@dataclass(frozen=True, slots=True)
class OverloadSettings:
    """What is asked of the benchmark."""

    seconds: float = 4.0
    """For each rate."""

    times: tuple[float, ...] = (1, 2, 10, 1)


async def bench_overload(
    config: Config, settings: OverloadSettings, run_dir: Path
) -> dict[str, Any]:
    """Run it; requests a second, milliseconds, exact nearest-rank percentiles."""
    ran_on, whole, cores = machine(), own_cores(), split(own_cores())
    move_to(cores.server)  # what is started here stays here
    try:
        async with _api(config, run_dir) as (url, pids), aiohttp.ClientSession(url) as http:
            move_to(cores.load)
            load = _Load(config.api.host, int(url.rpartition(":")[2]), pids, settings.seconds)
            figures = await _measured(load, http, settings)
    finally:
        move_to(whole)
    return {"machine": ran_on, "cores": cores.told(), "seconds": settings.seconds, **figures}


@dataclass(frozen=True, slots=True)
class _Load:
    """Where the load goes, and whose processor time is counted beside it."""

    host: str
    port: int
    pids: dict[str, int]
    seconds: float

    async def crowd(self, name: bytes, lines: int) -> Crowd:
        crowd = Crowd(name)
        await crowd.connect(self.host, self.port, lines)
        return crowd

    async def capacity(self, name: bytes) -> Phase:
        """What a few dozen clients get who ask as fast as they are answered."""
        crowd = await self.crowd(name, CLIENTS)
        await crowd.closed_loop(WARM_UP_S)
        return await self.counted(crowd.closed_loop(self.seconds))

    async def counted(self, phase: Awaitable[Phase]) -> Phase:
        """The phase with the processor time of each process in it."""
        before = cpu_s(self.pids)
        done = await phase
        done.cpu_s = used_between(before, cpu_s(self.pids))
        return done


async def _measured(
    load: _Load, http: aiohttp.ClientSession, settings: OverloadSettings
) -> dict[str, Any]:
    async with http.post("/v1/tickets", json=READER, headers=BACKEND) as made:
        ticket = (await made.json())["id"]
    before = await load.capacity(b"patient")
    capacity = _accepted_per_s(before, load.seconds)
    crowd, reads, done = (
        await load.crowd(b"open", LINES),
        list[tuple[int, float]](),
        asyncio.Event(),
    )
    phases: list[Phase] = []
    async with asyncio.TaskGroup() as group:
        group.create_task(_reading(http, ticket, reads, done), name="reads")
        for times in settings.times:
            rate_per_s = capacity * times
            phases.append(await load.counted(crowd.open_loop(rate_per_s, load.seconds)))
        await asyncio.sleep(GOOD_S)
        done.set()
    after = _accepted_per_s(await load.capacity(b"patient-again"), load.seconds)
    figures = [
        {"times": times, **_told(phase, load.seconds)}
        for times, phase in zip(settings.times, phases, strict=True)
    ]
    took = sorted(took_s for _, took_s in reads)
    worst = min(one["goodput_per_s"] for one in figures if one["times"] > 1)
    return {
        "capacity_per_s": round(capacity, 1),
        "capacity_after_per_s": round(after, 1),
        "capacity_cpu": _cpu(before, load.seconds),
        "phases": figures,
        "goodput_share_at_worst": round(worst / capacity, 3),
        "goodput_share_of_later": round(worst / after, 3),
        "recovered_s": _recovered_s(phases[-1], figures[0]["goodput_per_s"]),
        "reads": {
            "asked": len(reads),
            "failed": sum(status != 200 for status, _ in reads),
            "p50_ms": _ms(took, 0.5),
            "p99_ms": _ms(took, 0.99),
        },
    }


def _accepted_per_s(phase: Phase, seconds: float) -> float:
    if not phase.accepted_s:
        raise Unreachable(f"the API accepted nothing; it answered {phase.answers}")
    return len(phase.accepted_s) / seconds


def _cpu(phase: Phase, seconds: float) -> dict[str, dict[str, float]]:
    """Of each process: the share of a core that it used, and its time for one good answer."""
    good = max(1, len(phase.accepted_s))
    return {
        name: {"share": round(used_s / seconds, 2), "us_per_accepted": round(1e6 * used_s / good)}
        for name, used_s in phase.cpu_s.items()
    }


async def _reading(
    http: aiohttp.ClientSession,
    ticket: str,
    reads: list[tuple[int, float]],
    done: asyncio.Event,
) -> None:
    """A back end that looks at one ticket of its own twenty times a second."""
    while not done.is_set():
        began_s = _CLOCK.elapsed_s()
        async with http.get(f"/v1/tickets/{ticket}", headers=BACKEND) as answer:
            await answer.read()
        reads.append((answer.status, _CLOCK.elapsed_s() - began_s))
        await asyncio.sleep(0.05)


def _told(phase: Phase, seconds: float) -> dict[str, Any]:
    took = sorted(took_s for _, took_s in phase.accepted_s)
    return {
        "offered_per_s": round(phase.asked / seconds, 1),
        "sent_per_s": round((phase.asked - phase.unsent) / seconds, 1),
        "goodput_per_s": round(len(took) / seconds, 1),
        "accepted_p50_ms": _ms(took, 0.5),
        "accepted_p99_ms": _ms(took, 0.99),
        "shed": phase.answers.get(503, 0),
        "late": phase.late,
        "unsent": phase.unsent,
        "lost": phase.lost,
        "cpu": _cpu(phase, seconds),
        "other": sum(n for status, n in phase.answers.items() if status not in (201, 503)),
    }


def _recovered_s(phase: Phase, before_per_s: float) -> float | None:
    """From the end of the overload to the first tenth of a second that is as good as before."""
    windows: dict[int, int] = {}
    for at_s, _ in phase.accepted_s:
        n = int((at_s - phase.began_s) / WINDOW_S)
        windows[n] = windows.get(n, 0) + 1
    good = [n for n, accepted in windows.items() if accepted >= 0.9 * before_per_s * WINDOW_S]
    return round((min(good) + 1) * WINDOW_S, 1) if good else None


def _ms(ordered: list[float], share: float) -> float:
    return round(percentile(ordered, share) * 1000, 2) if ordered else 0.0


@contextlib.asynccontextmanager
async def _api(config: Config, run_dir: Path) -> AsyncIterator[tuple[str, dict[str, int]]]:
    """One API process before a Valkey of its own; yields its base URL and who is which process."""
    async with embedded_valkey() as store:
        config, doors = open_doors(config, ["api"], elsewhere=True)
        told, inherited = handed_to_child(doors, ["api"])
        api = replace(config.api, dev_keys=True)
        config = replace(
            config, store=StoreSettings(store), run_dir=str(run_dir), events=False, api=api
        )
        file = run_dir / "readyup.json"
        file.write_bytes(msgspec.json.encode(as_table(config)))
        role = RoleProcess(
            "api-1",
            ["serve", "--role", "api", "--config", str(file), "--name", "api-1"],
            env=os.environ | own_keys() | told,
            output=run_dir / "api.log",
            doors=inherited,
        )
        stop, url = asyncio.Event(), f"http://{api.host}:{api.port}"
        async with asyncio.TaskGroup() as group:
            group.create_task(role.run(stop), name="api")
            try:
                await _until_up(url)
                yield url, {"api": role.pid, "valkey": await _pid_of(store), "load": os.getpid()}
            finally:
                stop.set()
                doors["api"].close()


async def _pid_of(store: str) -> int:
    connected = await Store.connect(store)
    try:
        return int((await connected.call("INFO", "server"))["process_id"])
    finally:
        await connected.aclose()


async def _until_up(url: str) -> None:
    try:
        async with asyncio.timeout(20), aiohttp.ClientSession() as http:
            while True:
                with contextlib.suppress(aiohttp.ClientError):
                    async with http.get(f"{url}/readyz") as answer:
                        if answer.status == 200:
                            return
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise Unreachable(f"no API at {url} after 20 s") from None
