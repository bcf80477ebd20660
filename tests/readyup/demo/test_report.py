"""The report of a run, from a log of a few lines."""

import json
from pathlib import Path
from typing import Any

import pytest

from readyup.demo.counts import BurstCounts, Counts
from readyup.demo.report import _burst_words, as_text, burst_of, report_of
from readyup.demo.servers import Servers
from readyup.history.check import Verdict
from readyup.history.invariant import Breach

LOG: list[dict[str, Any]] = [
    {"k": "run.started", "t": 0},
    *(
        {"k": "ticket.enqueued", "t": 1, "ticket": f"duel.{n}", "players": [f"bot-{n}"]}
        for n in "abef"
    ),
    *(
        {"k": "ticket.enqueued", "t": 2, "ticket": f"squad.{n}", "players": [f"bot-burst-{n}"]}
        for n in "cd"
    ),
    {"k": "ticket.cancelled", "t": 2, "ticket": "duel.e"},
    {"k": "ticket.expired", "t": 2, "ticket": "duel.f"},
    {"k": "match.proposed", "t": 3, "match": "squad.n", "receipt": '{"rules":"1","quality":0.5}'},
    {
        "k": "match.announced",
        "t": 31,
        "match": "duel.m",
        "tickets": ["duel.a", "duel.b"],
        "claim_us": 1500,
    },
    {
        "k": "match.announced",
        "t": 1202,
        "match": "squad.n",
        "tickets": ["squad.c", "squad.d"],
        "claim_us": 0,
    },
    {"k": "api.pushed", "t": 4, "place_us": 2500},
    {"k": "api.pushed", "t": 4, "place_us": 4500},
    {"k": "api.pushed", "t": 4},
    {"k": "match.ended", "t": 5, "match": "duel.m", "reason": "finished"},
    {"k": "match.ended", "t": 5, "match": "squad.n", "reason": "lost"},
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


def verdict(*, breaches: int = 0, remarks: tuple[str, ...] = ()) -> Verdict:
    broken = tuple(Breach("1", f"ticket {n}", ()) for n in range(breaches))
    return Verdict(len(LOG), broken, 0, {}, (), remarks)


def report(history: Path, crowd: dict[str, Any], **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    more = {"verdict": verdict(), "repairs": {}, "restarts": {}, **changes}
    return report_of(Counts.of(history), crowd, history=history, **more)


def test_a_run_is_counted_from_its_log(history: Path):
    said = report(history, CROWD)

    assert said["tickets"] == {"created": 6, "assigned": 4, "cancelled": 1, "expired": 1}
    assert said["matches"] == {"made": 2, "completed": 1}
    assert said["place_ms"] == {"p50": 2.5, "p99": 4.5}
    assert said["events"] == len(LOG)
    assert said["history"] == str(history)


def test_each_queue_is_counted_for_itself_with_the_quality_of_its_matches(history: Path):
    queues = report(history, CROWD)["queues"]

    assert queues["duel"] == {
        "tickets": {"created": 4, "assigned": 2, "cancelled": 1, "expired": 1},
        "matches": {"made": 1, "completed": 1},
        "newcomers": 0,
        "wait_ms": {"p50": 30, "p95": 30},
        "quality": {"p10": 1.0, "p50": 1.0, "p90": 1.0},
    }
    assert queues["squad"]["quality"] == {"p10": 0.5, "p50": 0.5, "p90": 0.5}
    assert queues["squad"]["matches"] == {"made": 1, "completed": 0}


def test_a_burst_says_when_a_server_was_begun_for_it_and_how_many_matches_waited(history: Path):
    begun = {"a": 1, "b": 252, "c": 802, "d": 60_000}
    said = burst_of(Counts.of(history).burst, Servers(begun, [(1, 2), (900, 4)], size_max=4))

    assert said == {
        "matches": 1,
        "mixed": 0,
        "servers": 2,
        "servers_max": 4,
        "scale_action_s": 0.25,
        "servers_begun": 2,
        "waited_share": 1.0,
        "wait_ms": {"p50": 1200, "p95": 1200, "p99": 1200},
    }
    text = as_text(report(history, CROWD, parts={"burst": said}))
    assert "first server begun after 0.25 s; 100% waited over 1 s" in text


def test_a_burst_that_nobody_came_with_has_no_figures():
    assert burst_of(BurstCounts(), Servers({"a": 1})) == {}


def test_a_burst_that_met_a_fleet_at_its_largest_says_so(history: Path):
    burst = Counts.of(history).burst
    said = burst_of(burst, Servers({"a": 1}, [(1, 4)], size_max=4))

    text = as_text(report(history, CROWD, parts={"burst": said}))
    assert (
        "no server was begun: 4 ran, the most there may be (size_max, ports or --servers)" in text
    )


def test_a_burst_that_the_fleet_could_have_grown_for_says_only_that_it_did_not(history: Path):
    burst = Counts.of(history).burst
    said = burst_of(burst, Servers({"a": 1}, [(1, 3), (2, 3), (900, 4)], size_max=4))

    text = as_text(report(history, CROWD, parts={"burst": said}))
    assert "1 match; no server was begun; 100% waited" in text


def test_a_match_of_a_burst_with_somebody_who_waited_before_is_told_apart():
    counts = Counts()
    for ticket, player in (("a", "bot-1"), ("b", "bot-burst-1"), ("c", "bot-burst-2")):
        came = {"ticket": f"duel.{ticket}", "players": [player]}
        counts.add({"k": "ticket.enqueued", "t": 1, **came})
    for match, tickets in (("m", ["duel.a", "duel.b"]), ("n", ["duel.c"])):
        made = {"match": f"duel.{match}", "tickets": tickets}
        counts.add({"k": "match.announced", "t": 2, **made})
    said = burst_of(counts.burst, Servers())

    assert (said["matches"], said["mixed"]) == (2, 1)
    assert "2 matches (1 with others who waited); no server" in _burst_words(said)


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
    text = as_text(report(history, CROWD, verdict=verdict(breaches=1), repairs={"moved": 1}))
    rows = {line.split()[0]: line for line in text.splitlines()}

    assert "6 created: 4 assigned, 1 cancelled, 1 expired" in rows["tickets"]
    assert "2 made, 1 played to the end" in rows["matches"]
    assert "p50 100 ms, p95 200 ms, p99 300 ms" in rows["waits"]
    assert "2 of 3" in rows["rejoins"]
    assert "4 of 4" in rows["handovers"]
    assert "1 409" in rows["errors"]
    assert "1 moved" in rows["repairs"]
    assert f"1 breach in {len(LOG)} events" in rows["promises"]
    assert str(history) in rows["history"]


def test_a_queue_without_matches_says_so_in_the_place_of_figures():
    counts = Counts()
    counts.add({"k": "ticket.enqueued", "t": 1, "ticket": "squad.a", "players": ["bot-1"]})
    said = report_of(counts, {}, history=Path("log"), verdict=verdict(), repairs={}, restarts={})

    assert as_text(said).splitlines()[-1].split(maxsplit=1) == ["squad", "no matches"]


def test_one_of_a_kind_is_told_as_one(history: Path):
    rows = {line.split()[0]: line for line in as_text(report(history, CROWD)).splitlines()}

    assert "1 match, waits" in rows["duel"]


def test_what_could_not_be_judged_is_told_beside_the_breaches(history: Path):
    said = report(
        history, CROWD, verdict=verdict(remarks=("2 players from outside had no witness",))
    )

    assert f"in {len(LOG)} events; 2 players from outside had no witness" in as_text(said)


def test_a_match_that_came_to_nothing_leaves_nothing_behind_in_the_counts():
    counts = Counts()
    teams = {"red": [["duel.a", "p1"]]}
    counts.add({"k": "match.proposed", "t": 1, "match": "duel.m", "tickets": []})
    counts.add({"k": "match.closed", "t": 2, "match": "duel.m", "reason": "cancelled"})
    for match, end in (("duel.f", "match.announced"), ("duel.g", "match.closed")):
        fill = {"match": match, "of": "duel.r", "tickets": ["duel.a"]}
        counts.add({"k": "match.proposed", "t": 1, **fill})
        counts.add({"k": "match.committed", "t": 2, "teams": teams, **fill})
        counts.add({"k": end, "t": 3, **fill})

    assert counts.newcomers() == 1
    assert (counts._quality, counts._seats) == ({}, {})
