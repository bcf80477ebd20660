"""`readyup top` against a console that is there, and against none."""

import asyncio
import io
import json
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
from rich.console import Console

from core.web import serve_app
from readyup.commands.top import top
from readyup.console.server import console_app
from readyup.console.snapshot import Promises, Snapshot
from readyup.console.terminal import promise_words, screen
from tests.readyup.console.world import Nobody, Show, World

NOW_MS = 1_700_000_000_000


@pytest.fixture(scope="module")
def show() -> Show:
    world = World(NOW_MS)
    for _ in range(300):
        world.step()
    return Show(world)


@pytest.fixture(scope="module")
def url(show: Show) -> Iterator[str]:
    """A console on a thread of its own: ``top`` brings its own loop."""
    started, address = threading.Event(), []

    async def main(stop: asyncio.Event) -> None:
        async with serve_app(console_app(show, Nobody()), drain_s=0.1) as port:
            address.append(f"http://127.0.0.1:{port}")
            started.set()
            await stop.wait()

    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(main(stop),), daemon=True)
    thread.start()
    assert started.wait(5)
    yield address[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join(5)
    loop.close()


def drawn(page: Snapshot, *, lines: int | None = None, width: int = 140) -> str:
    console = Console(width=width, file=io.StringIO())
    with console.capture() as captured:
        console.print(screen(page, lines=lines))
    return captured.get()


def test_once_prints_queues_servers_pool_and_promises(url: str, capsys):
    code = top(url=url, once=True)
    text = capsys.readouterr().out

    assert code == 0
    for word in ("duel", "trio", "arena-12", "director-1", "0 broken promises", "wanted:"):
        assert word in text
    assert "\x1b[" not in text


def test_where_there_is_no_terminal_it_prints_once(url: str, capsys):
    assert top(url=url) == 0
    assert "arena-1" in capsys.readouterr().out


def test_json_is_the_snapshot_itself(url: str, show: Show, capsys):
    code = top(url=url, json=True)
    page = json.loads(capsys.readouterr().out)

    assert code == 0
    assert page == json.loads(show.latest().body)


def test_a_console_that_is_not_there_is_said_so(capsys):
    code = top(url="http://127.0.0.1:9", once=True)

    assert code == 1
    assert "nobody answers at http://127.0.0.1:9; start `readyup demo`" in capsys.readouterr().err


def test_something_else_that_answers_is_no_console(url: str, capsys):
    assert top(url=f"{url}/promises", once=True) == 1
    assert "is no console of ReadyUp" in capsys.readouterr().err
    assert top(url="localhost:8080", once=True) == 1
    assert "write http://HOST:PORT" in capsys.readouterr().err


def test_the_command_is_there_by_name(url: str):
    asked = [sys.executable, "-m", "readyup", "top", "--url", url, "--once"]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=30, check=False)

    assert done.returncode == 0
    assert "arena-1" in done.stdout


def test_eighty_columns_are_enough(show: Show):
    page = show.world.page()
    led = tuple(replace(queue, holder="director-1.0a1b2c3d") for queue in page.queues)

    assert "…" not in drawn(replace(page, queues=led), width=80)


def test_a_queue_says_what_a_newcomer_waits_and_how_good_its_matches_are(show: Show):
    text = drawn(show.world.page(), width=80)

    assert "duel  newcomers wait p50 2.5 s, p90 9.0 s; quality p50 0." in text


def test_a_low_screen_shows_fewer_servers_and_says_so(show: Show):
    text = drawn(show.world.page(), lines=26)

    assert "arena-1 " in text
    assert "and 4 more" in text
    assert "arena-12" not in text


def test_names_from_outside_are_text_and_not_markup(show: Show):
    page = show.world.page()
    odd = replace(page.queues[0], name="[red]duel[/nope]", holder="[bold]d")
    text = drawn(replace(page, queues=(odd,)))

    assert "[red]duel[/nope]" in text
    assert "[bold]d" in text


def test_broken_promises_and_a_lost_store_stand_out(show: Show):
    page = replace(show.world.page(), promises=Promises(2, 1, 0, 48_211), store_lost_ms=3000)
    text = drawn(page)

    assert "! 3 broken promises in 48,211 events: 2 breaches, 1 lost ticket" in text
    assert "Redis does not answer" in text
    assert promise_words(Promises(1, 0, 0, 5)).startswith("1 broken promise in 5 events")


def test_a_console_without_a_check_says_so(show: Show):
    assert "not judged here" in drawn(replace(show.world.page(), promises=None))


def test_a_console_that_comes_back_as_another_version_is_one_line(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys
):
    async def frames(_: str) -> AsyncIterator[bytes]:
        yield b'{"of": "another version"}'

    monkeypatch.setattr("readyup.commands.top._frames", frames)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    code = top(url=url)

    assert code == 1
    assert "of another version" in capsys.readouterr().err
