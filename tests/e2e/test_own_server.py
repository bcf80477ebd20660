"""A game server started by hand takes the matches of a queue that lets it."""

import asyncio
import contextlib
import hashlib
import json
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]

KEY = "rus_a-key-for-the-workshop"


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.asynccontextmanager
async def running(folder: Path, *words: str) -> AsyncIterator[None]:
    with (folder / f"{words[0]}.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "readyup", *words, cwd=folder, stdout=log, stderr=log
        )
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def until_ready(http: aiohttp.ClientSession, *, within_s: float = 20) -> None:
    async with asyncio.timeout(within_s):
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                async with http.get("/readyz") as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.05)


async def assignment(http: aiohttp.ClientSession, player: str) -> dict:
    headers = {"Authorization": f"Bearer dev-player:{player}"}
    async with http.ws_connect("/v1/connect", headers=headers) as ws:
        await ws.send_json({"type": "enqueue", "queue": "try-out", "rating": 1500})
        async with asyncio.timeout(20):
            while (message := await ws.receive_json())["type"] != "assignment":
                assert message["type"] != "problem", message
    return message["assignment"]


async def test_two_players_are_led_to_a_server_that_registered_itself(tmp_path: Path):
    api, sessions, console = (free_port(socket.SOCK_STREAM) for _ in range(3))
    udp = free_port(socket.SOCK_DGRAM)
    config = {
        "run_dir": str(tmp_path / "run"),
        "api": {"port": api, "dev_keys": True},
        "sessions": {"port": sessions},
        "console": {"port": console},
        "own_fleets": {"workshop": {"key_sha256": hashlib.sha256(KEY.encode()).hexdigest()}},
        "queues": {"try-out": {"teams": ["a", "b"], "team_size": 1, "fleet": "workshop"}},
    }
    file = tmp_path / "readyup.json"
    file.write_text(json.dumps(config))
    by_hand = ("--fleet", "workshop", "--key", KEY, "--port", str(udp), "--name", "anns-laptop")
    register = ("--register", f"http://127.0.0.1:{sessions}")
    async with (
        running(tmp_path, "serve", "--config", str(file)),
        running(tmp_path, "gameserver", "arena", *register, *by_hand),
        aiohttp.ClientSession(f"http://127.0.0.1:{api}") as http,
    ):
        await until_ready(http)
        async with asyncio.TaskGroup() as group:
            ways = [group.create_task(assignment(http, name)) for name in ("ann", "bo")]

    assert {way.result()["port"] for way in ways} == {udp}
    assert len({way.result()["match"] for way in ways}) == 1
