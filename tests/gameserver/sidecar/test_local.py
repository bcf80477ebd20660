"""A developer's SDK server: its file replaced in every way, its game server allocated."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from core.errors import Invalid, Unreachable
from core.game_server import State
from gameserver.sdk.client import AgonesSdk
from gameserver.sidecar.endpoint import SdkPorts
from gameserver.sidecar.local import LocalSdk, LocalSettings
from tests.gameserver.sidecar.random_calls import HandClock


@pytest.fixture(autouse=True)
def _look_often(monkeypatch):
    monkeypatch.setattr("gameserver.sidecar.local.LOOK_EVERY_S", 0.005)


@contextlib.asynccontextmanager
async def served(
    file: Path | None = None, *, check_health: bool = False
) -> AsyncIterator[tuple[LocalSdk, SdkPorts, HandClock]]:
    clock, stop = HandClock(), asyncio.Event()
    opened: asyncio.Future[SdkPorts] = asyncio.get_running_loop().create_future()
    sdk = LocalSdk(LocalSettings(file, SdkPorts(), check_health=check_health), clock)
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(sdk.run(stop, opened=opened.set_result), name="sdk")
        try:
            yield sdk, await opened, clock
        finally:
            stop.set()


async def until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.002)


def text(label: str) -> str:
    return json.dumps({"metadata": {"labels": {"map": label}}})


def renamed(file: Path, said: str) -> None:
    other = file.with_suffix(".tmp")
    other.write_text(said)
    other.replace(file)


def written(file: Path, said: str) -> None:
    file.write_text(said)


def deleted_first(file: Path, said: str) -> None:
    file.unlink()
    file.write_text(said)


async def test_a_file_is_read_again_however_often_and_in_whatever_way_it_changes(tmp_path):
    file = tmp_path / "gs.json"
    file.write_text(text("hills"))
    async with served(file) as (sdk, _, _):
        seen = [sdk.live.state.view.labels["map"]]
        for n, change in enumerate((renamed, written, renamed, deleted_first, written)):
            change(file, text(f"map{n}"))
            await until(lambda n=n: sdk.live.state.view.labels["map"] == f"map{n}")
            seen.append(sdk.live.state.view.labels["map"])

    assert seen == ["hills", "map0", "map1", "map2", "map3", "map4"]


async def test_a_file_that_cannot_be_read_leaves_things_as_they_are(tmp_path, capsys):
    file = tmp_path / "gs.json"
    file.write_text(text("hills"))
    async with served(file) as (sdk, ports, _):
        async with AgonesSdk.connect("127.0.0.1", ports.grpc) as client:
            await client.allocate()
        file.write_text("{")
        await until(lambda: bool(sdk._complaint))
        complaint = sdk._complaint
        file.unlink()
        await until(lambda: "No such file" in sdk._complaint)
        kept = sdk.live.state.view
        file.write_text(text("lakes"))
        await until(lambda: sdk.live.state.view.labels["map"] == "lakes")

    assert "gs.json is not JSON" in complaint
    assert (kept.labels, kept.state) == ({"map": "hills"}, State.ALLOCATED)
    assert sdk.live.state.view.state is State.ALLOCATED
    assert sdk._complaint == ""
    assert capsys.readouterr().out.count("sdk.file_refused") == 2


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(Invalid, match=r"nowhere\.json: No such file"):
        LocalSdk(LocalSettings(Path("nowhere.json")), HandClock())


async def test_a_match_can_be_played_on_one_machine():
    async with served() as (_, ports, _), aiohttp.ClientSession() as http:
        url = f"http://127.0.0.1:{ports.http}/gameserverallocation"
        request: dict[str, Any] = {
            "metadata": {"labels": {"match": "m1"}},
            "counters": {"rooms": {"action": "Increment", "amount": "1"}},
            "lists": {"players": {"addValues": ["ann", "bob"]}},
        }
        async with AgonesSdk.connect("127.0.0.1", ports.grpc) as sdk:
            watch = sdk.watch()
            before = await anext(watch)
            async with http.post(url, json=request) as answer:
                given = (answer.status, await answer.json())
            after = await anext(watch)
            async with http.post(url, json={}) as answer:
                again = (answer.status, (await answer.json())["code"])
            async with http.post(url, data="wat") as answer:
                wrong = (answer.status, (await answer.json())["code"])
            await sdk.shutdown()
            await sdk.ready()
            assert await sdk.beta.get_list_values("players") == [
                *("test0", "test1", "test2", "ann", "bob")
            ]
            await watch.aclose()

    status, told = given
    assert (status, told["gameServerName"], told["address"]) == (200, "local", "127.0.0.1")
    assert told["ports"] == [{"name": "default", "port": 7777}]
    assert told["counters"] == {"rooms": {"count": "2", "capacity": "10"}}
    assert told["metadata"]["labels"] == {"islocal": "true", "match": "m1"}
    assert (before.state, after.state) == (State.READY, State.ALLOCATED)
    assert after.labels["match"] == "m1"
    assert again == (429, 8)
    assert wrong == (400, 3)


async def test_a_server_that_ended_begins_again_when_it_is_started_again():
    async with (
        served() as (sdk, ports, _),
        AgonesSdk.connect("127.0.0.1", ports.grpc) as client,
    ):
        await client.shutdown()
        ended = sdk.live.state.view.state
        await client.ready()

    assert (ended, sdk.live.state.view.state) == (State.SHUTDOWN, State.READY)


@pytest.mark.parametrize("check_health", [True, False])
async def test_silence_costs_a_developers_server_nothing_unless_asked(check_health):
    async with served(check_health=check_health) as (sdk, _, clock):
        for _ in range(20):
            clock.now_s += 4.0
            await sdk._look()

    lost = sdk.live.state.view.state is State.UNHEALTHY
    assert lost is check_health


async def test_a_reservation_ends_by_itself():
    async with (
        served() as (sdk, ports, clock),
        AgonesSdk.connect("127.0.0.1", ports.grpc) as client,
    ):
        await client.reserve(30)
        kept = sdk.live.state.view.state
        clock.now_s += 30.0
        await until(lambda: sdk.live.state.view.state is State.READY)

    assert kept is State.RESERVED


async def test_a_port_that_is_taken_is_named():
    async with served() as (_, ports, _):
        for taken in (SdkPorts(grpc=ports.grpc), SdkPorts(http=ports.http)):
            other = LocalSdk(LocalSettings(ports=taken), HandClock())
            with pytest.raises(Unreachable, match=str(taken.grpc or taken.http)):
                await other.run(asyncio.Event())
