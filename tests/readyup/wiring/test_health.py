"""A container's own check finds the admin port of whatever runs in it."""

import os
from pathlib import Path

from aiohttp import web

from core.web import serve_app
from readyup.wiring.health import address, lives


def left(folder: Path, name: str, said: str, *, age_s: float = 0.0) -> None:
    file = folder / "readyup-run-x" / "admin" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{said}\n")
    os.utime(file, (1_000 - age_s, 1_000 - age_s))


def test_the_newest_process_is_the_one_that_is_asked(tmp_path: Path):
    left(tmp_path, "killed", "http://127.0.0.1:1", age_s=60)
    left(tmp_path, "api", "http://127.0.0.1:8083")

    assert address({}, tmp_path) == ("127.0.0.1", 8083)


def test_a_port_that_is_fixed_is_asked_without_looking(tmp_path: Path):
    assert address({"READYUP_ADMIN_PORT": "9"}, tmp_path) == ("127.0.0.1", 9)
    assert address({"READYUP_ADMIN_PORT": "0"}, tmp_path) is None


def test_one_that_listens_everywhere_is_asked_on_loopback(tmp_path: Path):
    left(tmp_path, "api", "http://0.0.0.0:8083")

    assert address({}, tmp_path) == ("127.0.0.1", 8083)


async def test_only_a_good_answer_means_that_it_lives():
    import asyncio

    async def sick(_: web.Request) -> web.Response:
        return web.Response(status=500)

    app = web.Application()
    app.router.add_get("/livez", sick)
    async with serve_app(app) as port:
        answered = await asyncio.to_thread(lives, "127.0.0.1", port)

    assert not answered
    assert not await asyncio.to_thread(lives, "127.0.0.1", 1)
