"""What stands in the terminal while the demo runs."""

import io
import sys

import structlog
from rich.console import Console
from rich.file_proxy import FileProxy

from readyup.commands.process import configure_logging
from readyup.demo.screen import DRAINING, PLAYING, Scene, picture, shown

QUEUE = {
    "waiting": 3, "playing": 14, "wait_ms_p50": 850.4, "wait_ms_p95": 2100.0, "matches": 7,
}  # fmt: skip


def scene(**changes) -> Scene:
    return Scene("http://127.0.0.1:8080", "http://127.0.0.1:8081", **changes)


def drawn(what: Scene, *, width: int = 200) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(picture(what))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_first_picture_has_the_addresses_before_anything_runs():
    text = drawn(scene())

    assert "http://127.0.0.1:8080" in text
    assert "http://127.0.0.1:8081/openapi.json" in text
    assert "0 of 0 warm" in text


def test_each_queue_has_a_row_and_servers_and_roles_a_line():
    text = drawn(
        scene(
            warm=11,
            servers=12,
            crowd={"queues": {"duel": QUEUE}, "t_s": 4.0},
            roles={"api-1": (100, 0), "director-1": (0, 2)},
        )
    )
    row = next(line for line in text.splitlines() if line.startswith("duel"))

    assert row.split() == ["duel", "3", "14", "850", "ms", "2100", "ms", "7"]
    assert "11 of 12 warm" in text
    assert "api-1 100" in text
    assert "director-1 starting (restarted 2x)" in text


def test_nothing_is_cut_on_a_narrow_terminal():
    crowded = scene(
        run_dir="/tmp/a-folder-with-a-long-name/and-another-below-it/readyup-demo-abcdefgh",  # noqa: S108
        phase=DRAINING,
        crowd={"queues": {"duel": QUEUE}, "t_s": 4.0},
        roles={f"director-{n}": (100_000 + n, 3) for n in range(5)},
    )
    text = drawn(crowded, width=60)

    assert max(map(len, text.splitlines())) <= 60
    assert "readyup-demo-abcdefgh" in text.replace(" ", "").replace("\n", "")
    assert all(f"director-{n} {100_000 + n} (restarted 3x)" in text for n in range(5))
    assert "…" not in text
    assert text.endswith("\n\n")  # an echoed ^C has a line of its own


def test_without_a_screen_a_line_comes_now_and_then(capsys):
    playing = scene(warm=1, servers=2, crowd={"queues": {"duel": QUEUE}, "t_s": 4.0})
    with shown(live=False) as show:
        for _ in range(16):
            show(playing)
    lines = [line for line in capsys.readouterr().err.splitlines() if "duel" in line]

    assert len(lines) == 2
    assert "1/2 servers warm; duel: 3 waiting, 14 playing, 7 matches" in lines[0]


def test_without_a_screen_nothing_is_said_of_a_crowd_that_is_not_there(capsys):
    with shown(live=False) as show:
        show(scene())

    assert "servers warm" not in capsys.readouterr().err


def test_without_a_screen_a_new_phase_is_told_once(capsys):
    with shown(live=False) as show:
        for phase in (PLAYING, PLAYING, DRAINING, DRAINING):
            show(scene(phase=phase))

    assert capsys.readouterr().err.splitlines()[1:] == [PLAYING, DRAINING]


def test_what_is_logged_meanwhile_stands_above_the_table(capsys):
    configure_logging(as_json=False)
    with shown(live=True) as show:
        show(scene())
        structlog.get_logger().warning("role.died", role="api-1")
    structlog.reset_defaults()

    assert "role.died" in capsys.readouterr().err
    assert not isinstance(sys.stderr, FileProxy)


def test_a_screen_is_taken_away_when_the_demo_ends():
    with shown(live=True) as show:
        show(scene())
