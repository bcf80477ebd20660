"""What a run shows, for a terminal, a log and a program."""

import io
import json

import pytest
from rich.console import Console

from readyup.bots.ports import LinkQuality
from readyup.bots.report import figures_of, report_of, report_text
from readyup.bots.standing import Phase
from readyup.bots.table import json_line, plain_line, shown, table
from readyup.bots.tally import Tally

NAN = float("nan")


@pytest.fixture
def tally() -> Tally:
    tally = Tally()
    duel = tally.queue("duel")
    for _ in range(2):  # two players say it of one ticket and one match
        duel.ticket_created("duel.1")
        duel.ticket_ended("duel.1", "assigned")
        duel.matches_made.add("duel.m")
        duel.matches_completed.add("duel.m")
    for wait_ms in (10.0, 20.0, 400.0):
        tally.waited("duel", wait_ms)
    tally.linked(LinkQuality(rtt_ms=2.0, jitter_ms=NAN, loss_share=0.0))
    tally.errors["api_lost"] += 3
    return tally


PHASES = [("duel", Phase.WAITING), ("duel", Phase.AWAY), ("duel", Phase.PLAYING)]


def test_tickets_and_matches_count_once_however_many_saw_them(tally: Tally):
    report = report_of(tally, players=3, duration_s=20.04)

    assert report.tickets == {"created": 1, "assigned": 1, "cancelled": 0, "expired": 0}
    assert report.matches == {"made": 1, "completed": 1}
    assert report.wait_ms == {"p50": 20.0, "p95": 400.0, "p99": 400.0}
    assert report.link["jitter_ms_mean"] == 0.0  # none was measured
    assert (report.errors, report.unexpected) == ({"api_lost": 3}, {})


def test_an_error_that_no_fault_explains_is_unexpected(tally: Tally):
    tally.errors["session_lost"] += 1

    assert report_of(tally, players=3, duration_s=1.0).unexpected == {"session_lost": 1}


def test_the_same_figures_read_as_a_table_a_line_and_json(tally: Tally):
    figures = figures_of(tally, PHASES, t_s=4.0)
    paper = io.StringIO()
    Console(file=paper, width=100, no_color=True).print(table(figures))

    assert "400 ms" in paper.getvalue()
    assert "3 api_lost" in paper.getvalue()
    assert "duel: 1 waiting, 2 playing, wait p50 20 p95 400 ms, 1 matches" in plain_line(figures)
    assert json.loads(json_line(figures))["queues"]["duel"]["playing"] == 2


def test_a_log_gets_a_line_every_two_seconds_and_a_program_one_a_second(
    tally: Tally, capsys: pytest.CaptureFixture[str]
):
    figures = figures_of(tally, PHASES, t_s=4.0)
    for progress in ("auto", "json", "quiet"):  # a captured stderr is no terminal
        with shown(progress) as show:
            for _ in range(4):
                show(figures)
    said = capsys.readouterr()

    assert len(said.err.splitlines()) == 2
    assert len(said.out.splitlines()) == 4


def test_the_report_for_people_has_everything_in_eight_lines(tally: Tally):
    text = report_text(report_of(tally, players=3, duration_s=20.0))

    assert len(text.splitlines()) <= 8
    assert "p50 20 ms, p95 400 ms" in text
    assert "3 api_lost" in text
