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
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import aiohttp
import msgspec

from core.clock import SystemClock
from core.errors import Unreachable
from core.valkey import embedded_valkey
from readyup.bench.machine import machine
from readyup.bots.report import percentile
from readyup.commands.serve import own_keys
from readyup.demo.roles import RoleProcess
from readyup.demo.stack import free
from readyup.settings import Config, StoreSettings, as_table

CLIENTS = 48
"""For capacity: fewer than the creates that are let in at once, so none is shed."""

LINES = 1_500
"""Connections of the open loop."""

GOOD_S = 1.0
"""An acceptance that comes later than this is nobody's good."""

WINDOW_S = 0.1
BACKEND = {"Authorization": "Bearer dev-backend"}
READER = {"queue": "duel", "players": [{"id": "reader"}]}
TICK_S = 0.002

_CLOCK = SystemClock()


@dataclass(frozen=True, slots=True)
class OverloadSettings:
    """What is asked of the benchmark."""

    seconds: float = 4.0
    """For each rate."""

    times: tuple[float, ...] = (1, 2, 10, 1)


@dataclass(slots=True)
class Phase:
    """What became of one phase's requests."""

    rate_per_s: float
    began_s: float
    asked: int = 0
    unsent: int = 0
    answers: dict[int, int] = field(default_factory=dict)
    accepted_s: list[tuple[float, float]] = field(default_factory=list)
    """When a good acceptance came, and how long it took."""

    late: int = 0


class Line(asyncio.Protocol):
    """One client's connection; one request at a time."""

    def __init__(self, idle: "deque[Line]") -> None:
        self._idle = idle
        self._phase: Phase | None = None
        self._sent_s = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it
        self._idle.append(self)

    def ask(self, request: bytes, phase: Phase) -> None:
        """Send one; the answer is noted in the phase that it belongs to."""
        assert self._transport is not None
        self._phase, self._sent_s = phase, _CLOCK.elapsed_s()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        phase, self._phase = self._phase, None
        if phase is None:
            return  # the rest of an answer that came in two pieces
        now_s = _CLOCK.elapsed_s()
        status, took_s = int(data[9:12]), now_s - self._sent_s
        phase.answers[status] = phase.answers.get(status, 0) + 1
        if status == 201 and took_s <= GOOD_S:
            phase.accepted_s.append((now_s, took_s))
        elif status == 201:
            phase.late += 1
        self._idle.append(self)


class Crowd:
    """Players who each ask once."""

    def __init__(self, name: bytes) -> None:
        self.idle: deque[Line] = deque()
        self._name = name
        self._players = 0

    async def connect(self, host: str, port: int, lines: int) -> None:
        """Open so many connections."""
        loop = asyncio.get_running_loop()
        for _ in range(lines):
            await loop.create_connection(lambda: Line(self.idle), host, port)

    def ask(self, phase: Phase) -> None:
        """One more player asks, if a line is free."""
        phase.asked += 1
        if not self.idle:
            phase.unsent += 1
            return
        self._players += 1
        player = b"%b-%d" % (self._name, self._players)
        body = b'{"queue":"duel","players":[{"id":"%b"}]}' % player
        request = (
            b"POST /v1/tickets HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer dev-player:%b\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (player, len(body), body)
        )
        self.idle.popleft().ask(request, phase)


async def bench_overload(
    config: Config, settings: OverloadSettings, run_dir: Path
) -> dict[str, Any]:
    """Run it; requests a second, milliseconds, exact nearest-rank percentiles."""
    ran_on = machine()
    async with _api(config, run_dir) as url, aiohttp.ClientSession(url) as http:
        host, port = config.api.host, int(url.rpartition(":")[2])
        async with http.post("/v1/tickets", json=READER, headers=BACKEND) as made:
            ticket = (await made.json())["id"]
        capacity = await _capacity(b"patient", host, port, settings.seconds)
        crowd, reads, done = Crowd(b"open"), list[tuple[int, float]](), asyncio.Event()
        await crowd.connect(host, port, LINES)
        phases: list[Phase] = []
        async with asyncio.TaskGroup() as group:
            group.create_task(_reading(http, ticket, reads, done), name="reads")
            for times in settings.times:
                phase = await _open_loop(crowd, capacity * times, settings.seconds)
                phases.append(phase)
            await asyncio.sleep(GOOD_S)
            done.set()
        after = await _capacity(b"patient-again", host, port, settings.seconds)
    figures = [
        {"times": times, **_told(phase, settings.seconds)}
        for times, phase in zip(settings.times, phases, strict=True)
    ]
    took = sorted(took_s for _, took_s in reads)
    return {
        "machine": ran_on,
        "capacity_per_s": round(capacity, 1),
        "capacity_after_per_s": round(after, 1),
        "seconds": settings.seconds,
        "phases": figures,
        "goodput_share_at_worst": round(
            min(one["goodput_per_s"] for one in figures) / min(capacity, after), 3
        ),
        "recovered_s": _recovered_s(phases[-1], min(figures[0]["goodput_per_s"], after)),
        "reads": {
            "asked": len(reads),
            "failed": sum(status != 200 for status, _ in reads),
            "p50_ms": _ms(took, 0.5),
            "p99_ms": _ms(took, 0.99),
        },
    }


async def _capacity(name: bytes, host: str, port: int, seconds: float) -> float:
    """Accepted a second when a few dozen clients ask as fast as they are answered."""
    crowd = Crowd(name)
    await crowd.connect(host, port, CLIENTS)
    loop = asyncio.get_running_loop()
    phase = Phase(0.0, _CLOCK.elapsed_s())
    end_s = loop.time() + seconds + 1.0  # the first second warms up
    while loop.time() < end_s:
        while crowd.idle:
            crowd.ask(phase)
        await asyncio.sleep(0)
    warm_s = phase.began_s + 1.0
    accepted = sum(at_s >= warm_s for at_s, _ in phase.accepted_s)
    if not accepted:
        raise Unreachable(f"the API accepted nothing; it answered {phase.answers}")
    return accepted / seconds


async def _open_loop(crowd: Crowd, rate_per_s: float, seconds: float) -> Phase:
    phase = Phase(rate_per_s, _CLOCK.elapsed_s())
    while (since_s := _CLOCK.elapsed_s() - phase.began_s) < seconds:
        for _ in range(int(since_s * rate_per_s) - phase.asked):
            crowd.ask(phase)
        await asyncio.sleep(TICK_S)
    return phase


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
        "goodput_per_s": round(len(took) / seconds, 1),
        "accepted_p50_ms": _ms(took, 0.5),
        "accepted_p99_ms": _ms(took, 0.99),
        "shed": phase.answers.get(503, 0),
        "late": phase.late,
        "unsent": phase.unsent,
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
async def _api(config: Config, run_dir: Path) -> AsyncIterator[str]:
    """One API process before a Valkey of its own; yields its base URL."""
    async with embedded_valkey() as store:
        api = replace(free(config.api), dev_keys=True)
        config = replace(
            config, store=StoreSettings(store), run_dir=str(run_dir), events=False, api=api
        )
        file = run_dir / "readyup.json"
        file.write_bytes(msgspec.json.encode(as_table(config)))
        role = RoleProcess(
            "api-1",
            ["serve", "--role", "api", "--config", str(file), "--name", "api-1"],
            env=os.environ | own_keys(),
            output=run_dir / "api.log",
        )
        stop, url = asyncio.Event(), f"http://{api.host}:{api.port}"
        async with asyncio.TaskGroup() as group:
            group.create_task(role.run(stop), name="api")
            try:
                await _until_up(url)
                yield url
            finally:
                stop.set()


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
