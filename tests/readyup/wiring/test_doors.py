"""Doors: bound once, known by their real port, handed to whoever serves behind them."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import aiohttp
import pytest
from aiohttp import web

from core.errors import Conflict, Invalid
from core.web import problems, serve_app
from readyup.settings import Config, load
from readyup.wiring.doors import HANDED, handed_to_child, handed_to_us, open_doors


@pytest.fixture
def config() -> Config:
    return load(environ=dict.fromkeys(("READYUP_API_PORT", "READYUP_SESSIONS_PORT"), "0"))


@contextlib.contextmanager
def closed_at_end(doors: dict[str, socket.socket]) -> Iterator[None]:
    try:
        yield
    finally:
        for door in doors.values():
            door.close()


def test_a_door_is_known_by_the_port_it_became(config: Config):
    there, doors = open_doors(config, ["api", "sessions"])

    with closed_at_end(doors):
        assert there.api.port == doors["api"].getsockname()[1] != 0
        assert there.sessions.port == doors["sessions"].getsockname()[1] != there.api.port
        assert (there.api.dev_keys, there.console) == (config.api.dev_keys, config.console)


def test_two_who_want_one_place_get_two_and_nobody_loses_a_race(config: Config):
    first, doors = open_doors(config, ["api"])
    with closed_at_end(doors):
        second, others = open_doors(first, ["api"], elsewhere=True)

        with closed_at_end(others):
            assert second.api.port != first.api.port


def test_a_taken_port_is_refused_with_its_cure(config: Config):
    there, doors = open_doors(config, ["api"])

    with closed_at_end(doors), pytest.raises(Conflict, match="--api-port, READYUP_API_PORT or"):
        open_doors(there, ["api"])


def test_when_one_door_cannot_be_opened_none_stays_open(config: Config):
    there, doors = open_doors(config, ["api", "sessions"])
    doors["api"].close()
    with closed_at_end(doors):
        with pytest.raises(Conflict):
            open_doors(there, ["api", "sessions"])

        _, again = open_doors(there, ["api"])
        again["api"].close()


def test_localhost_is_where_most_knock(config: Config):
    there = replace(config, api=replace(config.api, host="localhost"))
    _, doors = open_doors(there, ["api"])

    with closed_at_end(doors):
        assert doors["api"].getsockname()[0] == "127.0.0.1"


def test_a_child_is_handed_its_own_doors_and_no_other(config: Config):
    _, doors = open_doors(config, ["api", "sessions"])

    with closed_at_end(doors):
        fd = doors["sessions"].fileno()
        assert handed_to_child(doors, ["allocator"]) == ({HANDED: f"sessions={fd}"}, (fd,))
        assert handed_to_child(doors, ["director", "fleets"]) == ({}, ())


def test_a_child_knows_its_door_again(config: Config):
    there, doors = open_doors(config, ["api"])
    env, fds = handed_to_child(doors, ["api"])
    script = (
        "from readyup.wiring.doors import handed_to_us\n"
        "print(handed_to_us()['api'].getsockname()[1])"
    )
    with closed_at_end(doors):
        said = subprocess.check_output(
            [sys.executable, "-c", script], env=os.environ | env, pass_fds=fds, text=True
        )

    assert said == f"{there.api.port}\n"


@pytest.mark.parametrize("word", ["api=99999", "api=x", "api=0", "api"])
def test_a_door_that_is_none_is_refused(word: str):
    with pytest.raises(Invalid, match="no door we were handed"):
        handed_to_us({HANDED: word})


async def test_who_knocks_while_nobody_is_in_is_let_in_by_the_next(config: Config):
    there, doors = open_doors(config, ["api"])
    url = f"http://127.0.0.1:{there.api.port}/"

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="here")

    with closed_at_end(doors):
        for _ in range(2):
            app = web.Application()
            app.add_routes([web.get("/", answer)])
            knocking = socket.create_connection(("127.0.0.1", there.api.port))
            async with (
                serve_app(app, door=doors["api"].dup(), drain_s=0.1),
                aiohttp.ClientSession() as http,
                http.get(url) as said,
            ):
                assert await said.text() == "here"
            knocking.close()


async def test_who_left_before_somebody_was_in_is_no_error(
    config: Config, caplog: pytest.LogCaptureFixture
):
    there, doors = open_doors(config, ["api"])
    came = asyncio.Event()

    async def talk(request: web.Request) -> web.WebSocketResponse:
        came.set()
        socket_to_nobody = web.WebSocketResponse()
        while request.transport is not None and not request.transport.is_closing():
            await asyncio.sleep(0.001)
        await socket_to_nobody.prepare(request)
        await socket_to_nobody.receive()
        return socket_to_nobody

    app = web.Application(middlewares=[problems])
    app.add_routes([web.get("/", talk)])
    with closed_at_end(doors):
        with socket.create_connection(("127.0.0.1", there.api.port)) as knocking:
            knocking.sendall(UPGRADE)
        async with serve_app(app, door=doors["api"].dup(), drain_s=0.1), asyncio.timeout(5):
            await came.wait()

    assert "Error handling request" not in caplog.text


UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
