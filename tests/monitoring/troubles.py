"""Faults that make our alerts fire, each done to a demo that plays, and each with its cure."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import aiohttp

from readyup.events.streams import streams_of
from tests.monitoring.live import Demo, standing_still, told
from tests.monitoring.watch import Prometheus

Fault = Callable[[Demo, Prometheus], AbstractAsyncContextManager[None]]

PLAYING = ("queue/duel", "queue/squad")


@dataclass(frozen=True)
class Trouble:
    """What is done, and what fires while it lasts and, of some, only once it is over."""

    fault: Fault
    during: Sequence[str] = ()
    after: Sequence[str] = ()
    within_s: float = 40.0
    clear_s: float = 45.0


@contextlib.asynccontextmanager
async def directors_stopped(demo: Demo, _: Prometheus) -> AsyncIterator[None]:
    """Both directors stand still."""
    with standing_still(demo.pid("director-1"), demo.pid("director-2")):
        yield


@contextlib.asynccontextmanager
async def fleet_paused(demo: Demo, _: Prometheus) -> AsyncIterator[None]:
    """An operator pauses the fleet."""
    await demo.operator("pause", "fleet/arena")
    yield
    await demo.operator("resume", "fleet/arena")


@contextlib.asynccontextmanager
async def fleet_full(demo: Demo, _: Prometheus) -> AsyncIterator[None]:
    """An operator announces all the servers that the fleet may have, and takes that back."""
    plan = ("fleet", "plan", "arena", "--config", str(demo.folder / "readyup.json"), "--json")
    await demo.readyup(*plan, "--at", "now", "--servers", "12", "--for", "10m")
    yield
    for one in json.loads(await demo.readyup(*plan)):
        await demo.readyup(*plan, "--remove", one)


@contextlib.asynccontextmanager
async def queues_paused(demo: Demo, _: Prometheus) -> AsyncIterator[None]:
    """An operator pauses both queues for 65 s, so that whoever waits has waited too long."""
    for queue in PLAYING:
        await demo.operator("pause", queue)
    async with asyncio.TaskGroup() as group:
        paused = group.create_task(asyncio.sleep(65), name="paused")
        yield
        await paused
    for queue in PLAYING:
        await demo.operator("resume", queue)


@contextlib.asynccontextmanager
async def fleets_stopped(demo: Demo, _: Prometheus) -> AsyncIterator[None]:
    """The fleets role stands still."""
    with standing_still(demo.pid("fleets-1")):
        yield


@contextlib.asynccontextmanager
async def store_slow(demo: Demo, _: Prometheus) -> AsyncIterator[None]:
    """The primary gets a quarter of a processor, in strokes of 120 ms."""
    primary = demo.stores()[str(await demo.primary())]
    async with stumbling([primary], stands_s=0.12, goes_s=0.04):
        yield


@contextlib.asynccontextmanager
async def api_crowded(demo: Demo, _: Prometheus) -> AsyncIterator[None]:
    """The API gets little processor, and a crowd with a wrong key asks for tickets at once."""
    async with (
        stumbling([demo.pid("api-1")], stands_s=0.4, goes_s=0.15),
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http,
        _for_as_long(lambda: _crowd(http, demo.api())),
    ):
        yield


async def _crowd(http: aiohttp.ClientSession, api: str) -> None:
    async def ask() -> None:
        body = {"queue": "duel", "players": [{"id": "nobody"}]}
        headers = {"Authorization": "Bearer wrong"}
        with contextlib.suppress(aiohttp.ClientError):
            async with http.post(f"{api}/v1/tickets", json=body, headers=headers):
                pass

    async with asyncio.TaskGroup() as group:
        for _ in range(200):
            group.create_task(ask(), name="one of a crowd")


@contextlib.asynccontextmanager
async def servers_killed(demo: Demo, _: Prometheus) -> AsyncIterator[None]:
    """The youngest game server is killed, again and again."""

    async def kill() -> None:
        if servers := demo.servers():
            told(servers[-1:], signal.SIGKILL)
        await asyncio.sleep(0.4)

    async with _for_as_long(kill):
        yield


@contextlib.asynccontextmanager
async def servers_slow(demo: Demo, _: Prometheus) -> AsyncIterator[None]:
    """Every game server stands still for a second of two."""
    async with stumbling(demo.servers, stands_s=1.0, goes_s=1.0):
        yield


@contextlib.asynccontextmanager
async def server_slow(demo: Demo, _: Prometheus) -> AsyncIterator[None]:
    """One game server stands still for two seconds of four."""
    async with stumbling(demo.servers()[:1], stands_s=2.0, goes_s=2.0):
        yield


@contextlib.asynccontextmanager
async def store_filled(demo: Demo, _: Prometheus) -> AsyncIterator[None]:
    """Somebody else's keys fill the store; the cure is a higher limit, then they go."""
    ensemble, primary = demo.ensemble(), await demo.primary()

    async def used() -> int:
        info = await ensemble.ask(primary, "INFO", "memory")
        assert isinstance(info, dict)
        return int(info["used_memory"])

    limit, keys = await used() + 40_000_000, 0
    await ensemble.ask(primary, "CONFIG SET", "maxmemory", limit)
    while await used() < 0.9 * limit:
        await ensemble.ask(primary, "SET", f"somebody:{keys}", "x" * 1_000_000)
        keys += 1
    yield
    await ensemble.ask(primary, "CONFIG SET", "maxmemory", 4 * limit)
    for n in range(keys):
        await ensemble.ask(primary, "DEL", f"somebody:{n}")


@contextlib.asynccontextmanager
async def snapshot_fails(demo: Demo, _: Prometheus) -> AsyncIterator[None]:
    """A folder lies where the primary's snapshot must go."""
    ensemble, primary = demo.ensemble(), await demo.primary()
    pid = demo.stores()[str(primary)]
    obstacle = f"/proc/{pid}/cwd/dump.rdb"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(obstacle)
    os.mkdir(obstacle)
    await ensemble.ask(primary, "BGSAVE")
    yield
    os.rmdir(obstacle)
    await ensemble.ask(primary, "BGSAVE")


@contextlib.asynccontextmanager
async def replica_stopped(demo: Demo, _: Prometheus) -> AsyncIterator[None]:
    """One of two replicas stands still, until the primary gives it up and longer."""
    primary = str(await demo.primary())
    replica = next(pid for where, pid in demo.stores().items() if where != primary)
    with standing_still(replica):
        yield


@contextlib.asynccontextmanager
async def primary_stopped(demo: Demo, _: Prometheus) -> AsyncIterator[None]:
    """The primary stands still; the Sentinels choose another."""
    with standing_still(demo.stores()[str(await demo.primary())]):
        yield


@contextlib.asynccontextmanager
async def store_stopped(demo: Demo, _: Prometheus) -> AsyncIterator[None]:
    """The primary and both replicas stand still."""
    with standing_still(*demo.stores().values()):
        yield


@contextlib.asynccontextmanager
async def ticket_stuck(demo: Demo, _: Prometheus) -> AsyncIterator[None]:
    """A ticket that nobody can play with; the cure is the runbook's."""
    body = {"queue": "duel", "players": [{"id": "lonely", "rating": 90_000}]}
    headers = {"Authorization": "Bearer dev-backend"}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.post(f"{demo.api()}/v1/tickets", json=body) as answer,
    ):
        ticket = (await answer.json())["id"]
    yield
    explained = await demo.readyup(
        "explain", ticket, "--url", demo.api(), "--console", demo.console()
    )
    assert explained
    await demo.operator("cancel", ticket)


@contextlib.asynccontextmanager
async def teller_stuck(demo: Demo, seen: Prometheus) -> AsyncIterator[None]:
    """Events go into a pipe that nobody reads."""
    process = await _teller(demo)
    assert process.stdout is not None
    await _until_seen(demo, seen)
    yield
    async with asyncio.TaskGroup() as group:
        group.create_task(process.stdout.read(), name="read")
        await seen.until_clear([("ReadyUpEventsBehind", "warning")], 30)
        await _ended(process, seen)


@contextlib.asynccontextmanager
async def events_trimmed(demo: Demo, seen: Prometheus) -> AsyncIterator[None]:
    """While nobody tells events the streams are cut, as if they were far too short."""
    ensemble, primary = demo.ensemble(), await demo.primary()
    for stream in streams_of(demo.config()):
        await ensemble.ask(primary, "XTRIM", stream.key, "MAXLEN", 1)
    process = await _teller(demo, to=f"file:{demo.folder}/events.told")
    await _until_seen(demo, seen)
    yield
    await _ended(process, seen)


async def _teller(demo: Demo, *, to: str = "stdout") -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "readyup", "events", "--to", to, "--name", "seen"),
        *("--config", str(demo.folder / "readyup.json")),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )


async def _until_seen(demo: Demo, seen: Prometheus) -> None:
    async with asyncio.timeout(120):
        while not (demo.folder / "admin" / "events-seen").exists():
            await asyncio.sleep(0.1)
    seen.find_targets()


async def _ended(process: asyncio.subprocess.Process, seen: Prometheus) -> None:
    """It ends, and is no target any more."""
    process.terminate()
    await process.wait()
    seen.find_targets()


def together(*faults: Fault) -> Fault:
    """All of them at once, cured in the other order."""

    @contextlib.asynccontextmanager
    async def all_of_them(demo: Demo, seen: Prometheus) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            for fault in faults:
                await stack.enter_async_context(fault(demo, seen))
            yield

    return all_of_them


@contextlib.asynccontextmanager
async def stumbling(
    pids: Sequence[int] | Callable[[], Sequence[int]], *, stands_s: float, goes_s: float
) -> AsyncIterator[None]:
    """They stand still for so long, then go on for so long, again and again."""

    async def once() -> None:
        victims = list(pids() if callable(pids) else pids)
        with standing_still(*victims):
            await asyncio.sleep(stands_s)
        await asyncio.sleep(goes_s)

    async with _for_as_long(once):
        yield


@contextlib.asynccontextmanager
async def _for_as_long(what: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    async def on() -> None:
        while True:
            await what()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(on(), name="trouble")
        try:
            yield
        finally:
            task.cancel()
