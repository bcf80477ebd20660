"""The report of a run, from a log of a few lines."""

import json
from pathlib import Path
from typing import Any

import pytest

from readyup.demo.report import Counts, as_text, percentiles, report_of

LOG: list[dict[str, Any]] = [
    {"k": "run.started", "t": 0},
    *({"k": "ticket.enqueued", "t": 1} for _ in range(6)),
    {"k": "ticket.cancelled", "t": 2},
    {"k": "ticket.expired", "t": 2},
    {"k": "match.announced", "t": 3, "tickets": ["a", "b"], "claim_us": 1500},
    {"k": "match.announced", "t": 3, "tickets": ["c", "d"], "claim_us": 0},
    {"k": "api.pushed", "t": 4, "place_us": 2500},
    {"k": "api.pushed", "t": 4, "place_us": 4500},
    {"k": "api.pushed", "t": 4},
    {"k": "match.ended", "t": 5, "reason": "finished"},
    {"k": "match.ended", "t": 5, "reason": "lost"},
]

CROWD = {
    "wait_ms": {"p50": 100.0, "p95": 200.0, "p99": 300.0},
    "rejoins": {"tried": 3, "succeeded": 2},
    "handovers": {"tried": 4, "succeeded": 4},
    "errors": {"409": 1},
    "link": {"rtt_ms_p50": 1.0},
}


@pytest.fixture
def history(tmp_path: Path) -> Path:
    path = tmp_path / "history.jsonl"
    path.write_text("".join(json.dumps(event) + "\n" for event in LOG))
    return path


def report(history: Path, crowd: dict[str, Any], **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    more = {"breaches": 0, "repairs": {}, "restarts": {}, **changes}
    return report_of(Counts.of(history), crowd, history=history, **more)


def test_a_run_is_counted_from_its_log(history: Path):
    said = report(history, CROWD)

    assert said["tickets"] == {"created": 6, "assigned": 4, "cancelled": 1, "expired": 1}
    assert said["matches"] == {"made": 2, "completed": 1}
    assert said["place_ms"] == {"p50": 2.5, "p99": 4.5}
    assert said["events"] == len(LOG)
    assert said["history"] == str(history)


def test_a_claim_that_waited_in_line_says_nothing_about_claiming(history: Path):
    assert report(history, CROWD)["claim_ms"] == {"p50": 1.5, "p99": 1.5}


def test_what_only_the_players_saw_comes_from_them(history: Path):
    said = report(history, CROWD)

    assert (said["wait_ms"], said["rejoins"]) == (CROWD["wait_ms"], CROWD["rejoins"])
    assert said["link"] == CROWD["link"]


def test_a_role_that_died_is_an_error_and_a_repair_is_none(history: Path):
    said = report(history, CROWD, restarts={"director-1": 2, "api-1": 0}, repairs={"moved": 1})

    assert said["errors"] == {"409": 1, "director-1 died": 2}
    assert said["repairs"] == {"moved": 1}


def test_a_run_without_players_or_events_has_a_report(tmp_path: Path):
    empty = tmp_path / "history.jsonl"
    empty.touch()
    said = report(empty, {})

    assert said["events"] == 0
    assert said["wait_ms"] == {"p50": 0.0, "p95": 0.0, "p99": 0.0}
    assert "0 of 0" in as_text(said)


def test_the_report_is_json(history: Path):
    said = report(history, CROWD)

    assert json.loads(json.dumps(said)) == said


def test_a_person_reads_the_same_figures_in_lines(history: Path):
    text = as_text(report(history, CROWD, breaches=1, repairs={"moved": 1}))
    rows = {line.split()[0]: line for line in text.splitlines()}

    assert "6 created: 4 assigned, 1 cancelled, 1 expired" in rows["tickets"]
    assert "2 made, 1 played to the end" in rows["matches"]
    assert "p50 100 ms, p95 200 ms, p99 300 ms" in rows["waits"]
    assert "2 of 3" in rows["rejoins"]
    assert "4 of 4" in rows["handovers"]
    assert "1 409" in rows["errors"]
    assert "1 moved" in rows["repairs"]
    assert f"1 breaches in {len(LOG)} events" in rows["promises"]
    assert str(history) in rows["history"]


def test_percentiles_of_nothing_are_0():
    assert percentiles([]) == {"p50": 0.0, "p99": 0.0}
