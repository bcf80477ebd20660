"""The page on games that speak only an Agones SDK, followed by a stranger: it ends in a match."""

import asyncio
import json
import re
import shutil
import socket
import textwrap
from pathlib import Path

import aiohttp
import pytest

from tests.e2e.test_own_server import free_port, running, until_ready
from tests.gameserver.sidecar.test_npm_client import client as client  # noqa: PLC0414 - a fixture

pytestmark = [pytest.mark.slow, pytest.mark.timeout(90)]

PAGE = Path(__file__).parents[2] / "docs" / "sdk-only.md"


def written(language: str, holding: str) -> str:
    """The page's block that holds a word, as it is copied from a list."""
    text = PAGE.read_text("utf-8")
    blocks = re.findall(rf"^( *)```{language}\n(.*?)^\1```", text, re.DOTALL | re.MULTILINE)
    (found,) = [body for _, body in blocks if holding in body]
    return textwrap.dedent(found)


async def way_in(http: aiohttp.ClientSession, player: str) -> dict[str, str | int]:
    headers = {"Authorization": f"Bearer dev-player:{player}"}
    while True:
        async with http.get(f"/v1/players/{player}/session", headers=headers) as answer:
            if answer.status == 200:
                return dict((await answer.json())["assignment"])
        await asyncio.sleep(0.3)


async def says(token: str, address: str, port: int) -> str:
    """What the game answers to a token."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.setblocking(False)
        line.connect((address, port))
        line.send(token.encode())
        async with asyncio.timeout(5):
            return (await asyncio.get_running_loop().sock_recv(line, 100)).decode()


async def test_a_game_that_was_written_by_the_page_plays_a_match(client: Path, tmp_path: Path):
    shutil.copytree(client / "node_modules", tmp_path / "node_modules")
    (tmp_path / "server.js").write_text(written("js", "agones-sdk"))
    (tmp_path / "game.js").write_text(written("js", "dgram"))
    ports = {name: free_port(socket.SOCK_STREAM) for name in ("api", "sessions", "console")}
    ours = "".join(f"\n[{name}]\nport = {port}" for name, port in ports.items() if name != "api")
    page = written("toml", "server.js").replace("[api]", f"[api]\nport = {ports['api']}")
    (tmp_path / "own.toml").write_text(page + ours)

    async with (
        asyncio.timeout(80),
        running(tmp_path, "serve", "--config", "own.toml"),
        aiohttp.ClientSession(f"http://127.0.0.1:{ports['api']}") as http,
    ):
        await until_ready(http, within_s=60)
        for player in ("ann", "bob"):
            ticket = {"queue": "duel", "players": [{"id": player}]}
            headers = {"Authorization": f"Bearer dev-player:{player}"}
            async with http.post("/v1/tickets", data=json.dumps(ticket), headers=headers) as made:
                assert made.status == 201
        ways = [await way_in(http, player) for player in ("ann", "bob")]
        told = [await says(one["token"], one["address"], one["port"]) for one in ways]  # type: ignore[arg-type]
        headers = {"Authorization": "Bearer dev-player:ann"}
        while True:
            async with http.get("/v1/players/ann/session", headers=headers) as answer:
                if answer.status == 404:
                    break
            await asyncio.sleep(0.3)

    assert sorted(told) == ["blue", "red"]
