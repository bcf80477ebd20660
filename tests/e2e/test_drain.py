"""A machine is drained while a match is on it: the match goes on at another, and it is empty."""

import asyncio
import hashlib
import json
import socket
from pathlib import Path

import aiohttp
import pytest

from core.redis import Store
from readyup.fleetctl.drain import DrainAsked, drain
from readyup.settings import load
from tests.e2e.test_own_server import KEY, free_port, running, until_ready

pytestmark = [pytest.mark.slow, pytest.mark.timeout(90)]

HERE, THERE = "127.0.0.1", "127.0.0.2"


def configured(folder: Path, valkey_url: str) -> tuple[Path, dict[str, int]]:
    ports = {name: free_port(socket.SOCK_STREAM) for name in ("api", "sessions", "console")}
    config = {
        "run_dir": str(folder / "run"),
        "store": {"url": valkey_url},
        **{name: {"port": port} for name, port in ports.items()},
        "own_fleets": {"workshop": {"key_sha256": hashlib.sha256(KEY.encode()).hexdigest()}},
        "queues": {"try-out": {"teams": ["a", "b"], "team_size": 1, "fleet": "workshop"}},
    }
    config["api"] = {"port": ports["api"], "dev_keys": True}
    file = folder / "readyup.json"
    file.write_text(json.dumps(config))
    return file, ports


async def player(http: aiohttp.ClientSession, name: str, seen: asyncio.Queue[dict]) -> None:
    headers = {"Authorization": f"Bearer dev-player:{name}"}
    async with http.ws_connect("/v1/connect", headers=headers) as ws:
        await ws.send_json({"type": "enqueue", "queue": "try-out", "rating": 1500})
        while True:
            message = await ws.receive_json()
            if message["type"] == "assignment":
                seen.put_nowait(message["assignment"])


async def test_a_match_goes_on_elsewhere_and_the_machine_is_empty(
    tmp_path: Path, store: Store, valkey_url: str
):
    file, ports = configured(tmp_path, valkey_url)
    register = ("--register", f"http://127.0.0.1:{ports['sessions']}", "--key", KEY)
    seen: asyncio.Queue[dict] = asyncio.Queue()

    def by_hand(folder: str, address: str) -> tuple[Path, ...]:
        (tmp_path / folder).mkdir()
        port = str(free_port(socket.SOCK_DGRAM))
        here = ("--address", address, "--port", port, "--name", folder)
        return (tmp_path / folder, "gameserver", "arena", *register, "--fleet", "workshop", *here)

    async with (
        asyncio.timeout(80),
        running(tmp_path, "serve", "--config", str(file)),
        running(*by_hand("one", HERE)),
        running(*by_hand("two", THERE)),
        aiohttp.ClientSession(f"http://127.0.0.1:{ports['api']}") as http,
        asyncio.TaskGroup() as group,
    ):
        await until_ready(http, within_s=60)
        while await store.call("ZCARD", "{f:workshop}:free") < 2:
            await asyncio.sleep(0.05)
        ways = [group.create_task(player(http, name, seen)) for name in ("ann", "bo")]
        before = [await seen.get(), await seen.get()]
        old = before[0]["address"]
        looks = [one async for one in drain(load(file), old, DrainAsked(by="0s"))]
        after = [await seen.get(), await seen.get()]
        for way in ways:
            way.cancel()

    assert {one["address"] for one in after} == {HERE, THERE} - {old}
    assert {one["match"] for one in before} == {one["match"] for one in after}
    assert looks[-1].state == "drained"
