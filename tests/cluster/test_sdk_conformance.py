"""Our SDK against Agones' own: our client in its conformance mode, our server beside its server."""

import asyncio
import contextlib
import json
import random
import re
import socket
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from core.clock import SystemClock
from gameserver.sdk.client import AgonesSdk
from gameserver.sidecar.endpoint import SdkPorts
from gameserver.sidecar.local import LocalSdk, LocalSettings
from tests.cluster.plane import binaries

SDK = (
    "ready,allocate,setlabel,setannotation,gameserver,health,shutdown,watch,reserve,"
    "getcounter,updatecounter,setcountcounter,setcapacitycounter,"
    "getlist,updatelist,addlistvalue,removelistvalue"
)
STEPS = 60


@pytest.fixture(scope="module")
def sdk_server() -> Path:
    """Agones' own."""
    try:
        return binaries.agones() / "sdk-server"
    except RuntimeError as missing:
        pytest.skip(str(missing))


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@contextlib.asynccontextmanager
async def agones(sdk_server: Path, *arguments: str) -> AsyncIterator[tuple[Any, SdkPorts]]:
    """Agones' SDK server as a process; killed at the end if it still runs."""
    grpc, http = free_ports(2)
    process = await asyncio.create_subprocess_exec(
        sdk_server,
        "--address=127.0.0.1",
        f"--grpc-port={grpc}",
        f"--http-port={http}",
        *arguments,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        yield process, SdkPorts(grpc, http)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def judged(process: asyncio.subprocess.Process) -> tuple[int, str]:
    """Told to end, it compares what it was asked with what it should have been."""
    process.terminate()
    said, _ = await process.communicate()
    return process.returncode, said.decode(errors="replace")


async def say_everything(sdk: AgonesSdk) -> None:
    done = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(sdk.health(0.1, done))
        me = await sdk.game_server()
        async for _ in sdk.watch():
            break
        await sdk.ready()
        await sdk.reserve(5)
        await sdk.allocate()
        await sdk.set_label("timestamp", str(me.created_s))
        await sdk.set_annotation("uid", me.uid)
        await say_counters_and_lists(sdk)
        await sdk.shutdown()
        await asyncio.sleep(0.3)  # a ping goes one way; give it the time to arrive
        done.set()


async def say_counters_and_lists(sdk: AgonesSdk) -> None:
    beta = sdk.beta
    assert await beta.get_counter_count("rooms") == 1
    await beta.increment_counter("rooms", 1)
    await beta.decrement_counter("rooms", 1)
    await beta.set_counter_count("rooms", 4)
    await beta.set_counter_capacity("rooms", 12)
    assert await beta.get_list_values("players") == ["test0", "test1", "test2"]
    await beta.append_list_value("players", "test3")
    await beta.delete_list_value("players", "test3")
    await beta.set_list_capacity("players", 50)


async def test_our_client_passes_agones_conformance_with_counters_and_lists(sdk_server: Path):
    asked = ("--sdk-name=readyup", f"--test={SDK}", "--timeout=30")
    async with agones(sdk_server, *asked) as (process, ports):
        async with AgonesSdk.connect("127.0.0.1", ports.grpc) as sdk:
            await say_everything(sdk)
        code, said = await judged(process)

    assert "Test run was successful" in said
    assert code == 0


async def test_the_conformance_mode_notices_a_client_that_leaves_something_out(sdk_server: Path):
    asked = ("--sdk-name=readyup", f"--test={SDK}", "--timeout=30")
    async with agones(sdk_server, *asked) as (process, ports):
        async with AgonesSdk.connect("127.0.0.1", ports.grpc) as sdk:
            await sdk.ready()
        code, said = await judged(process)

    assert "Testing Failed" in said
    assert code != 0


@contextlib.asynccontextmanager
async def ours() -> AsyncIterator[SdkPorts]:
    stop = asyncio.Event()
    opened: asyncio.Future[SdkPorts] = asyncio.get_running_loop().create_future()
    local = LocalSdk(LocalSettings(None, SdkPorts(0, 0)), SystemClock())
    async with asyncio.TaskGroup() as group:
        group.create_task(local.run(stop, opened=opened.set_result))
        yield await opened
        stop.set()


Call = tuple[str, str, Any]
"""Method, path, body."""


def random_call(dice: random.Random) -> Call:
    """One call of REST with what both servers take."""
    value = f"test{dice.randrange(6)}"
    small = str(dice.choice((-30, -3, -1, 1, 2, 9, 60)))
    room = str(dice.choice((40, 40, -1)))
    return dice.choice(
        [
            ("GET", "/gameserver", None),
            ("POST", "/ready", {}),
            ("POST", "/allocate", {}),
            ("POST", "/health", {}),
            ("POST", "/reserve", {"seconds": "1000"}),
            ("PUT", "/metadata/label", {"key": f"k{dice.randrange(3)}", "value": value}),
            ("PUT", "/metadata/annotation", {"key": f"k{dice.randrange(3)}", "value": value}),
            ("GET", "/v1beta1/counters/rooms", None),
            ("PATCH", "/v1beta1/counters/rooms", {"countDiff": small}),
            ("PATCH", "/v1beta1/counters/rooms", {"count": small}),
            ("PATCH", "/v1beta1/counters/rooms", {"capacity": room}),
            ("PATCH", "/v1beta1/counters/rooms", {"countDiff": small, "capacity": room}),
            ("GET", "/v1beta1/lists/players", None),
            ("POST", "/v1beta1/lists/players:addValue", {"value": value}),
            ("POST", "/v1beta1/lists/players:removeValue", {"value": value}),
            ("PATCH", "/v1beta1/lists/players", {"capacity": str(dice.randrange(3, 9))}),
            ("PATCH", "/v1beta1/lists/players", {"values": [value]}),
            ("GET", "/nowhere", None),
        ]
    )


async def answer(http: aiohttp.ClientSession, call: Call):
    method, path, body = call
    async with http.request(method, path, json=body) as response:
        text = await response.text()
    try:
        return response.status, masked(json.loads(text))
    except json.JSONDecodeError:
        return response.status, text


def masked(value):
    """Without what differs from one life to the next, and of an error what clients go by."""
    if isinstance(value, dict) and "code" in value:
        return value["code"], re.split(r"[.:]", value["message"])[0].lower()
    if isinstance(value, dict):
        hidden = {"uid", "creation_timestamp", "resource_version", "generation", "addresses"}
        return {key: "*" if key in hidden else masked(inner) for key, inner in value.items()}
    return [masked(one) for one in value] if isinstance(value, list) else value


async def up(port: int) -> aiohttp.ClientSession:
    http = aiohttp.ClientSession(f"http://127.0.0.1:{port}")
    async with asyncio.timeout(20):
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                async with http.get("/gameserver"):
                    return http
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("seed", range(6))
async def test_our_server_answers_as_agones_own_does(sdk_server: Path, seed: int):
    dice = random.Random(seed)
    calls = [random_call(dice) for _ in range(STEPS)]
    async with agones(sdk_server, "--local") as (_, theirs), ours() as mine:
        real, local = await up(theirs.http), await up(mine.http)
        async with real, local:
            both = [(call, await answer(real, call), await answer(local, call)) for call in calls]

    for n, (call, expected, got) in enumerate(both):
        assert got == expected, f"call {n} of seed {seed}: {call}"


COUNTER = "/v1beta1/counters/rooms"
DEVIATIONS: dict[str, tuple[list[Call], Any, Any]] = {
    "a label that no object may have is refused": (
        [("PUT", "/metadata/label", {"key": "a", "value": "foo bar!!"})],
        200,
        400,
    ),
    "a counter that is not there is named": (
        [("GET", "/v1beta1/counters/none", None)],
        (2, "not found"),
        (2, "counter not found"),
    ),
    "a list that is not there is named": (
        [("GET", "/v1beta1/lists/none", None)],
        (2, "not found"),
        (2, "list not found"),
    ),
    "a change that changes nothing is a mistake": (
        [("PATCH", COUNTER, {"countDiff": "0"})],
        200,
        500,
    ),
    "a count never exceeds its capacity": (
        [("PATCH", COUNTER, {"count": "9"}), ("PATCH", COUNTER, {"capacity": "3"})],
        {"name": "rooms", "count": "9", "capacity": "3"},
        {"name": "rooms", "count": "3", "capacity": "3"},
    ),
}
"""Where Agones' --local does other than its real server, which is what ours goes by. It also
leaves ``status.addresses`` empty, which the real one fills."""


@pytest.mark.parametrize("name", DEVIATIONS)
async def test_where_we_differ_we_do_as_agones_real_server_does(sdk_server: Path, name: str):
    calls, theirs, mine = DEVIATIONS[name]
    said = None
    async with agones(sdk_server, "--local") as (_, theirs_at), ours() as mine_at:
        real, local = await up(theirs_at.http), await up(mine_at.http)
        async with real, local:
            for call in calls:
                said = await answer(real, call), await answer(local, call)

    assert said is not None
    assert theirs in said[0]  # a status, or a body
    assert mine in said[1]
