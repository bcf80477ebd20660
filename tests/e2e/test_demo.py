"""The whole of it, every part real: what `readyup demo` promises, kept under faults too."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from core.redis import Store
from readyup.commands.check_history import check_history

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


PORTS = ("READYUP_API_PORT", "READYUP_SESSIONS_PORT", "READYUP_CONSOLE_PORT")
"""0 takes free ones, so that another demo on this machine is nobody's business."""

ANY = dict.fromkeys(PORTS, "0")


async def start(
    folder: Path, *arguments: str, ports: dict[str, str] = ANY
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "readyup", "demo", "--headless", "--dir", str(folder)),
        *("--json", str(folder / "report.json"), *arguments),
        env=os.environ | ports,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )


def report(folder: Path) -> dict:
    return json.loads((folder / "report.json").read_text())


def history(folder: Path) -> list[dict]:
    return [msgspec.json.decode(line) for line in (folder / "history.jsonl").open("rb")]


def processes_of(folder: Path) -> list[str]:
    """Command lines of live processes that have anything to do with this run."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                words = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            except OSError:
                continue
            if str(folder).encode() in words:
                found.append(words.split(b"\0")[0].decode())
    return found


async def until_file(path: Path) -> None:
    async with asyncio.timeout(30):
        while not path.exists():
            await asyncio.sleep(0.05)


async def leader_of(store: Store, queue: str) -> str:
    async with asyncio.timeout(10):
        while True:
            held = await store.call("HMGET", f"{{q:arena}}:{queue}:leader", "holder", "until_ms")
            if held[0] and int(held[1] or 0) > 0:
                return str(held[0]).rpartition(".")[0]
            await asyncio.sleep(0.05)


def pid_of_role(folder: Path, name: str) -> int:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if name.encode() in words and str(folder / "readyup.json").encode() in words:
                return int(entry.name)
    raise AssertionError(f"no process {name}")


async def test_a_short_demo_keeps_every_promise_and_leaves_nothing_behind(tmp_path: Path):
    demo = await start(tmp_path, "--duration", "6", "--players", "60", "--servers", "4")
    _, said = await demo.communicate()

    assert demo.returncode == 0, said.decode()
    figures = report(tmp_path)
    assert figures["matches"]["completed"] >= 5
    assert figures["breaches"] == 0
    assert set(figures) >= {"tickets", "matches", "wait_ms", "place_ms", "claim_ms", "rejoins"}
    assert processes_of(tmp_path) == []
    assert check_history(tmp_path / "history.jsonl", json=True) == 0


async def test_a_killed_leader_loses_no_ticket_and_the_other_leads_on(tmp_path: Path):
    demo = await start(tmp_path, "--duration", "12", "--players", "60", "--servers", "4")
    await until_file(tmp_path / "readyup.json")
    url = json.loads((tmp_path / "readyup.json").read_text())["store"]["url"]
    store = await Store.connect(url)
    led = await leader_of(store, "duel")
    await asyncio.sleep(6)  # let matches be in every step of their way
    os.kill(pid_of_role(tmp_path, led), signal.SIGKILL)
    await store.aclose()
    _, said = await demo.communicate()

    assert demo.returncode == 0, said.decode()
    elected = [e for e in history(tmp_path) if e["k"] == "leader.elected"]
    assert max(event["epoch"] for event in elected) >= 2
    assert report(tmp_path)["breaches"] == 0


async def test_a_killed_demo_takes_every_process_with_it(tmp_path: Path):
    demo = await start(tmp_path, "--duration", "60", "--players", "20", "--servers", "3")
    await until_file(tmp_path / "events" / "bots.jsonl")
    assert len(processes_of(tmp_path)) > 5
    demo.kill()
    await demo.wait()
    async with asyncio.timeout(5):
        while processes_of(tmp_path):
            await asyncio.sleep(0.05)


async def test_two_demos_that_want_the_same_ports_both_play_and_keep_them_over_a_kill(
    tmp_path: Path,
):
    with contextlib.ExitStack() as closing:
        taken = [closing.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in PORTS]
        numbers = [str(one.getsockname()[1]) for one in taken]
    ports = dict(zip(PORTS, numbers, strict=True))
    folders = [tmp_path / name for name in ("one", "two")]
    asked = ("--chaos", "api", "--duration", "20", "--players", "30", "--servers", "2")
    demos = [await start(folder, *asked, ports=ports) for folder in folders]
    said = [(await demo.communicate())[1].decode() for demo in demos]

    assert [demo.returncode for demo in demos] == [0, 0], said
    settings = [json.loads((folder / "readyup.json").read_text()) for folder in folders]
    for section in ("api", "sessions", "console"):
        assert len({one[section]["port"] for one in settings}) == 2
    for folder in folders:
        assert report(folder)["chaos"]["api-kill"]["lost"] == 0
        assert report(folder)["matches"]["completed"] >= 1
        assert "cannot be listened on" not in (folder / "logs" / "api-1.log").read_text()


async def test_players_are_led_on_while_the_api_and_game_servers_are_killed_and_stopped(
    tmp_path: Path,
):
    demo = await start(
        tmp_path, "--chaos", "api,gameserver", "--players", "80", "--servers", "6", "--seed", "3"
    )
    _, said = await demo.communicate()

    assert demo.returncode == 0, said.decode()
    figures = report(tmp_path)
    assert set(figures["chaos"]) == {"api-kill", "api-stop", "gameserver-kill", "gameserver-stop"}
    assert all(fault["lost"] == 0 for fault in figures["chaos"].values())
    assert figures["breaches"] == 0


def test_bad_arguments_are_refused_in_a_sentence():
    asked = [sys.executable, "-m", "readyup", "demo", "--players", "0"]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False)

    assert answer.returncode == 1
    assert answer.stderr == "readyup demo: --players: 0 is less than 1\n"
