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


BAD = (
    ("{", "$: "),
    ("[]", "$: is []; write an object"),
    ('{"id": 5}', "$.id: is 5; write a text"),
    ('{"players": [{"id": "p"}]}', "$.id: is missing; write a text"),
    (line("a"), "$.id: is 'a', as on line 1; give each ticket its own"),
    ('{"id": "b", "players": []}', "$.players: is []; write a list of at least one player"),
    ('{"id": "b", "players": ["p"]}', '$.players[0]: is "p"; write an object'),
    ('{"id": "b", "players": [{"id": 7}]}', "$.players[0].id: is 7; write a text"),
    ('{"id": "b", "players": [{"id": "p", "attributes": 1}]}', "$.players[0].attributes: is 1"),
    ('{"id": "b", "players": [{"id": "p", "latency_ms": 40}]}', "$.players[0].latency_ms: is 40"),
    (
        '{"id": "b", "players": [{"id": "p", "latency_ms": {"eu": "near"}}]}',
        '$.players[0].latency_ms.eu: is "near"; write a number of milliseconds',
    ),
    (line("b", at_s=-3), "$.at_s: is -3; write 0 or more seconds"),
    (line("b", at_s="soon"), '$.at_s: is "soon"; write a number of seconds'),
    (line("b", cancel_at_s=True), "$.cancel_at_s: is true; write a number of seconds"),
)


@pytest.mark.parametrize(("bad", "told"), BAD)
def test_a_bad_line_is_told_with_its_place_and_its_cure(
    bad: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    tickets = written(tmp_path, f"{line('a')}\n{bad}\n", "tickets.jsonl")

    assert simulate(written(tmp_path, json.dumps(RULES)), tickets=tickets, json=True) == 1
    assert f"tickets.jsonl line 2: {told}" in capsys.readouterr().err


def readyup(*words: str, given: str = "") -> subprocess.CompletedProcess[str]:
    code = "from readyup.cli import main; main()"
    command = [sys.executable, "-c", code, *words]
    return subprocess.run(command, input=given, capture_output=True, text=True, check=False)


def test_a_line_says_what_it_reads_from_standard_input(tmp_path: Path):
    rules = written(tmp_path, json.dumps(RULES))
    tickets = written(tmp_path, f"{line('a')}\n{line('b')}\n", "tickets.jsonl")

    piped = readyup(
        "rules", "simulate", str(rules), "--tickets", "-", "--json", given=tickets.read_text()
    )
    other = readyup(
        "rules", "simulate", "-", "--tickets", str(tickets), "--json", given=json.dumps(RULES)
    )
    both = readyup("rules", "simulate", "-", "--tickets", "-", given=json.dumps(RULES))

    assert len(json.loads(piped.stdout)["matches"]) == 1
    assert other.stdout == piped.stdout
    assert both.returncode == 1
    assert "rules and tickets are both -" in both.stderr


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


def test_a_rules_file_is_checked_tried_and_shown_as_flexmatch(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = written(
        tmp_path, "teams: {red: 1, blue: 1}\nskill: {attribute: skill, within: 10}\n", "r.yaml"
    )
    tickets = written(tmp_path, f"{line('a', 1)}\n{line('b', 11)}\n{line('c', 22)}", "t.jsonl")

    assert check(path, json=True) == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True
    assert simulate(path, tickets=tickets, json=True) == 0
    outcome = json.loads(capsys.readouterr().out)
    assert [made["teams"] for made in outcome["matches"]] == [{"red": ["a"], "blue": ["b"]}]
    assert import_(path, from_="native") == 0
    assert json.loads(capsys.readouterr().out)["rules"][0]["maxDistance"] == 10


def test_a_rules_file_that_cannot_run_is_told_by_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = written(tmp_path, "teams: {red: 1, blue: 1}\nskil: 5\n", "r.yaml")

    assert import_(path, from_="native") == 1
    assert "line 2: 'skil' is not known here; did you mean 'skill'?" in capsys.readouterr().err
    assert check(path, json=True) == 1
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert (problem["path"], problem["severity"]) == ("$.skil", "error")
