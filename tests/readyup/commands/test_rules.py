"""``readyup rules`` as other tools call it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from readyup.commands.rules import check, import_, simulate

RULES = {
    "ruleLanguageVersion": "1.0",
    "playerAttributes": [{"name": "skill", "type": "number"}],
    "teams": [{"name": name, "minPlayers": 1, "maxPlayers": 1} for name in ("red", "blue")],
}


def written(folder: Path, text: str, name: str = "rules.json") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def line(name: str, skill: object = 5, **more: object) -> str:
    players = [{"id": name, "attributes": {"skill": skill}}]
    return json.dumps({"id": name, "at_s": 0, "players": players, **more}, ensure_ascii=False)


def test_a_good_rule_set_is_ok(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = written(tmp_path, "\ufeff" + json.dumps(RULES))

    answer = check(path, json=True)

    told = json.loads(capsys.readouterr().out)
    assert (answer, told["ok"]) == (0, True)
    assert {problem["severity"] for problem in told["problems"]} <= {"warning"}


@pytest.mark.parametrize("text", ["{", "", '{"name": "\\ud800"}', '{"teams": "\\ud800", "é": 1}'])
def test_a_bad_rule_set_is_exit_1_and_still_json(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = written(tmp_path, text)

    assert check(path, json=True) == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False
    assert check(path) == 1


def test_a_file_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert check(tmp_path / "none.json", json=True) == 1

    assert json.loads(capsys.readouterr().out)["problems"][0]["path"] == "$"


def test_tickets_are_matched_cancelled_and_rejected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    tickets = "\n".join([
        line("a", {"N": "5"}), line("gone", 5, cancel_at_s=0), line("u\u2028v", 5), "",
        line("odd", "high"), line("alone", 5), line("later", 5, at_s=3, cancel_at_s=9),
        line("last", 5, at_s=20, cancel_at_s=25),
    ])  # fmt: skip

    answer = simulate(
        written(tmp_path, json.dumps(RULES)),
        tickets=written(tmp_path, tickets, "tickets.jsonl"),
        json=True,
    )

    told = json.loads(capsys.readouterr().out)
    assert answer == 0
    assert [made["time_s"] for made in told["matches"]] == [0, 3]
    assert [one for team in told["matches"][0]["teams"].values() for one in team] == [
        "a",
        "u\u2028v",
    ]
    assert told["waiting"] == []
    assert [one["ticket"] for one in told["rejected"]] == ["odd"]


BAD = ("{", "[]", '{"id": 5}', '{"id": "b", "players": []}',
       '{"id": "b", "players": [{"id": "p"}], "at_s": "soon"}')  # fmt: skip


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_line_is_told_with_its_number(
    bad: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    tickets = written(tmp_path, f"{line('a')}\n{bad}\n", "tickets.jsonl")

    assert simulate(written(tmp_path, json.dumps(RULES)), tickets=tickets, json=True) == 1
    assert "line 2" in capsys.readouterr().err


def test_an_import_prints_a_rule_set_that_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    queue = (
        '"MatchmakingQueue": {"Name": "Q", "MinMatchSize": 2, "MaxMatchSize": 2, "BuildId": "b"}'
    )

    assert import_(written(tmp_path, queue), from_="playfab") == 0

    told = capsys.readouterr()
    assert "$.BuildId" in told.err
    assert check(written(tmp_path, told.out, "imported.json")) == 0


def test_what_cannot_be_imported_is_exit_1(tmp_path: Path):
    assert import_(written(tmp_path, "{}"), from_="unity") == 1


def test_it_imports_nothing_that_rules_do_not_need():
    heavy = ["numpy", "aiohttp", "redis", "grpc", "asyncio", "structlog", "cryptography",
             "prometheus_client", "opentelemetry", "kubernetes"]  # fmt: skip
    source = f"import sys, readyup.commands.rules; print([m for m in {heavy} if m in sys.modules])"

    told = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=True
    )

    assert told.stdout.strip() == "[]"
