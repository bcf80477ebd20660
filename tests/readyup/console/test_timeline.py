"""Timelines, folded from events, from stored records and from servers' own files."""

import json
from pathlib import Path

import pytest

from readyup.console.stored import match_of, session_steps, ticket_of
from readyup.console.timeline import (
    MATCHES_MAX,
    STEPS_MAX,
    TICKETS_MAX,
    Timelines,
    in_order,
    words_of,
)
from readyup.console.witnessed import LINES_MAX, TAIL_BYTES, Witnessed
from readyup.history.reading import KINDS
from tests.readyup.console.test_promises import BEGIN, PLACED, PLAYED

A, M = "duel." + "a" * 32, "duel." + "0123456789abcdef" * 2


def told(*lines: tuple[str, dict[str, object]]) -> Timelines:
    lines_ = Timelines()
    for src, event in lines:
        lines_.take(src, event)
    return lines_


def test_a_match_remembers_every_step_of_both_streams():
    line = told(*BEGIN, *PLACED, *PLAYED).matches["duel.m"]

    assert [step.kind for step in in_order(line.steps)] == [
        "match.proposed",
        "room.claimed",
        "match.committed",
        "match.announced",
        "room.acked",
        "room.released",
        "session.ended",
        "match.ended",
    ]
    assert line.teams == {"blue": [("duel.b", "p2")], "red": [("duel.a", "p1")]}
    assert (line.room, line.server, line.epochs) == ("u1/0", "u1", [1])
    assert (line.state, line.reason) == ("ended", "finished")


def test_a_ticket_remembers_the_matches_it_was_proposed_in():
    closed = {"k": "match.closed", "t": 35, "match": "duel.m", "reason": "cancelled"}
    again = {"k": "match.proposed", "t": 36, "match": "duel.n", "tickets": ["duel.a"]}
    lines = told(*BEGIN, *PLACED[:1], ("queue/duel", closed), ("queue/duel", again))
    ticket = lines.tickets["duel.a"]

    assert ticket.matches == ["duel.m", "duel.n"]
    assert (ticket.enqueued_ms, ticket.players) == (10, ("p1",))
    assert lines.matches["duel.m"].state == "closed"


def test_what_befalls_a_ticket_or_match_that_was_forgotten_begins_none():
    over = {"t": 90, "ticket": "duel.a", "match": "duel.m", "reason": "late"}
    queue = [("queue/duel", {"k": kind, **over}) for kind in ("ticket.cancelled", "match.ended")]
    fleet = [("fleet/f", {"k": kind, **over}) for kind in ("session.filled", "session.ended")]
    lines = told(*queue, *fleet)

    assert not lines.tickets
    assert not lines.matches


def test_newcomers_are_over_with_once_they_have_joined_and_no_server_hosts_them():
    fill = {"match": "duel.f", "of": "duel.m", "tickets": ["duel.c"], "epoch": 1}
    place = {"fleet": "arena", "room": "u1/0", "server": "u1", "session_epoch": 1}
    lines = told(
        *BEGIN,
        *PLACED,
        ("queue/duel", {"k": "match.proposed", "t": 50, **fill}),
        ("queue/duel", {"k": "match.committed", "t": 51, "teams": {}, **fill}),
        ("queue/duel", {"k": "match.announced", "t": 52, **fill, **place}),
    )
    came, held = lines.matches["duel.f"], {"of": "duel.m", "state": "committed", "announced": "52"}
    stored = match_of("duel.f", "queue/duel", held)

    assert [line.match for line in lines.on_server("u1", 9)] == ["duel.m"]
    assert (came.of, came.state, came.reason) == ("duel.m", "ended", "joined")
    assert (stored.of, stored.state, stored.reason) == ("duel.m", "ended", "joined")


def test_the_end_of_an_id_is_enough():
    event = {"k": "ticket.enqueued", "t": 1, "ticket": A, "players": ["p"]}
    lines = told(("queue/duel", event))

    assert lines.ticket(A) is lines.ticket("duel." + "a" * 8) is lines.tickets[A]
    assert lines.ticket("duel.aaaa") is None
    assert lines.ticket("squad." + "a" * 8) is None


def test_an_endless_evening_is_remembered_in_bounds():
    lines = Timelines()
    for n in range(TICKETS_MAX + 3):
        event = {"k": "ticket.enqueued", "t": n, "ticket": f"duel.{n}", "players": []}
        lines.take("queue/duel", event)
    for n in range(MATCHES_MAX + 3):
        event = {"k": "match.proposed", "t": n, "match": f"duel.{n}", "tickets": []}
        lines.take("queue/duel", event)
    for n in range(STEPS_MAX + 3):
        event = {"k": "match.waiting", "t": n, "match": f"duel.{MATCHES_MAX}"}
        lines.take("fleet/arena", event)

    assert (len(lines.tickets), len(lines.matches)) == (TICKETS_MAX, MATCHES_MAX)
    assert "duel.0" not in lines.tickets
    assert len(lines.matches[f"duel.{MATCHES_MAX}"].steps) == STEPS_MAX


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_of_event_has_words(kind: str):
    words = words_of({"k": kind, "t": 1, "room": "u1/0", "session_epoch": 2, "reason": "r"})

    assert words
    assert "{" not in words
    assert "None" not in words or "epoch None" in words


def test_a_stored_match_tells_its_steps():
    held = {
        "state": "committed",
        "tickets": '["duel.a"]',
        "teams": '{"red": [["duel.a", "p1"]]}',
        "proposed_ms": "30",
        "committed_ms": "32",
        "announced": "33",
        "placement": json.dumps({
            "match": "duel.m", "fleet": "arena", "server": "u1", "room": "u1/0",
            "address": "127.0.0.1", "port": 7000, "epoch": 2,
        }),
    }  # fmt: skip
    line = match_of("duel.m", "queue/duel", held)
    steps = session_steps("arena", {"claimed_ms": "31", "joined_ms": "90", "server": "u1"})

    assert (line.state, line.server, line.epochs) == ("playing", "u1", [2])
    assert [step.t_ms for step in in_order([*line.steps, *steps])] == [30, 31, 32, 33, 90]
    assert line.teams == {"red": [("duel.a", "p1")]}


def test_a_stored_ticket_tells_its_end():
    held = {
        "status": "TIMED_OUT",
        "players": '["p1", "p2"]',
        "body": '{"players": ["p1", "p2"], "mmr": 1444.5}',
        "enqueued_ms": "10",
        "ended_ms": "600010",
        "reason": "lifetime",
    }
    stored = ticket_of("duel.a", "queue/duel", held)

    assert stored.line.players == ("p1", "p2")
    assert stored.line.mmr == 1444.5
    assert [step.words for step in stored.line.steps] == ["enqueued", "expired: lifetime"]


def test_what_a_stored_record_lacks_is_left_out():
    empty = {"state": "proposed", "tickets": "{", "teams": "nonsense", "proposed_ms": "x"}

    assert match_of("duel.m", "queue/duel", empty).steps == []
    assert ticket_of("duel.a", "queue/duel", {"players": "["}).line.players == ()


def test_a_log_is_read_from_its_end(tmp_path: Path):
    logs = tmp_path / "fleets" / "logs"
    logs.mkdir(parents=True)
    lines = [f"{n} {'x' * 400}" for n in range(1000)]
    (logs / "arena-1.log").write_text("\n".join(lines), "utf-8")
    (logs / "arena-2.log").write_bytes(b"caf\xe9 <b>\n")
    files = Witnessed(tmp_path)
    found = files.log("arena-1")

    assert found is not None
    assert found[-1] == lines[-1]
    assert len(found) <= LINES_MAX
    assert sum(map(len, found)) <= TAIL_BYTES
    assert all(line in lines for line in found)
    assert files.log("arena-2") == ["caf\N{REPLACEMENT CHARACTER} <b>"]
    assert files.log("arena-3") is None


@pytest.mark.parametrize("name", ["../secret", "..", "", "a/b", "/etc/passwd", ".x", "a\0b", "A"])
def test_a_name_that_leads_elsewhere_is_never_opened(tmp_path: Path, name: str):
    (tmp_path / "fleets" / "logs").mkdir(parents=True)
    (tmp_path / "fleets" / "secret.log").write_text("secret")
    files = Witnessed(tmp_path)

    assert files.log(name) is None
    assert files.told(name, "duel.m") == []


def test_a_servers_own_events_tell_who_joined(tmp_path: Path):
    (tmp_path / "events").mkdir()
    joined = {"t": 5, "src": "server/arena-1", "k": "player.joined", "match": M, "player": "p1"}
    lines = [
        json.dumps({**joined, "server": "u1"}),
        json.dumps({**joined, "server": "u1", "t": 9, "rejoin": True}),
        json.dumps({**joined, "match": "duel.other"}),
        json.dumps({**joined, "k": "join.refused", "reason": M}),
        json.dumps(joined)[:-9],
    ]
    (tmp_path / "events" / "server-arena-1.jsonl").write_text("\n".join(lines))
    steps = Witnessed(tmp_path).told("arena-1", M)

    assert [(step.t_ms, step.words) for step in steps] == [(5, "p1 joined"), (9, "p1 came back")]
