"""The command: what it prints, and what it answers to the shell."""

import json
from pathlib import Path

import pytest

from readyup.commands.check_history import check_history
from tests.readyup.history.runs import QUEUE, Log, good_run


def _save(log: Log, path: Path) -> Path:
    path.write_bytes(b"".join(log.written()))
    return path


def _breached() -> Log:
    log = good_run()
    log.after(log.find("match.committed", match="m1"), QUEUE, "ticket.expired", ticket="t1")
    return log


def test_a_good_run_is_answered_with_zero(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    code = check_history(_save(good_run(), tmp_path / "run.jsonl"))

    assert code == 0
    assert f"0 breaches in {len(good_run().lines)} events" in capsys.readouterr().out


def test_a_breach_is_told_with_its_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    code = check_history(_save(_breached(), tmp_path / "run.jsonl"))

    told = capsys.readouterr().out
    assert code == 1
    assert "BREACH  3 a ticket leaves its queue exactly once" in told
    assert "ticket t1 is expired after it was committed to m1" in told
    assert '"k":"ticket.expired"' in told


def test_programs_get_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    code = check_history(_save(_breached(), tmp_path / "run.jsonl"), json=True)

    answer = json.loads(capsys.readouterr().out)
    breach = answer["breaches"][0]
    assert code == 1
    assert answer["events"] == len(good_run().lines) + 1
    assert breach["invariant"] == "3 a ticket leaves its queue exactly once"
    assert 0 < len(breach["events"]) <= 20
    assert all("t1" in json.dumps(event) for event in breach["events"])
    assert answer["judged"][breach["invariant"]] > 0


@pytest.mark.parametrize("as_json", [False, True])
def test_a_garbled_line_is_named(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    as_json: bool,
):
    path = tmp_path / "run.jsonl"
    path.write_bytes(good_run().written()[0] + b'{"t":1,"sr')

    assert check_history(path, json=as_json) == 2
    assert "run.jsonl, line 2" in capsys.readouterr().out


def test_a_log_that_is_not_there_cannot_be_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert check_history(tmp_path / "none.jsonl") == 2
    assert "No such file" in capsys.readouterr().out


def test_a_log_that_was_cut_off_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    log = good_run()
    log.drop("run.ended")

    assert check_history(_save(log, tmp_path / "run.jsonl")) == 2
    assert "no run.ended" in capsys.readouterr().out


def test_what_could_not_be_judged_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    log = good_run()
    log.find("run.started")["crowd"] = "bot"
    log.lines = [line for line in log.lines if line["src"] != "bot/ann"]
    path = _save(log, tmp_path / "run.jsonl")

    assert (check_history(path), check_history(path, json=True)) == (0, 0)
    told = capsys.readouterr().out
    assert "1 player from outside had no witness\n" in told
    assert '"remarks":["1 player from outside had no witness"]' in told
