"""A log without what a failover took back."""

from pathlib import Path

import msgspec

from readyup.history.forgotten import withdraw


def written(path: Path, *lines: dict[str, str]) -> Path:
    path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    return path


def kinds(path: Path) -> list[str]:
    return [msgspec.json.decode(line)["k"] for line in path.read_bytes().splitlines()]


def test_an_event_that_never_reached_the_successor_did_not_happen(tmp_path: Path):
    log = written(
        tmp_path / "log",
        {"src": "queue/duel", "i": "1-0", "k": "kept"},
        {"src": "queue/duel", "i": "2-0", "k": "phantom"},
        {"src": "fleet/arena", "i": "2-0", "k": "other"},
        {"src": "bot/1", "k": "witness"},
    )

    assert withdraw({"queue/duel": ["2-0"]}, log) == 1
    assert kinds(log) == ["kept", "other", "witness"]


def test_what_the_successor_wrote_under_the_same_id_stands(tmp_path: Path):
    log = written(
        tmp_path / "log",
        {"src": "queue/duel", "i": "2-0", "k": "phantom"},
        {"src": "queue/duel", "i": "2-0", "k": "real"},
    )

    assert withdraw({"queue/duel": ["2-0"]}, log) == 1
    assert kinds(log) == ["real"]


def test_a_log_of_a_run_without_failovers_is_left_alone(tmp_path: Path):
    assert withdraw({"queue/duel": []}, tmp_path / "none") == 0
