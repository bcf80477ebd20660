"""The overload benchmark's arithmetic, and how its figures are told."""

import re

import pytest

from readyup.bench.overload import _recovered_s, _told
from readyup.bench.overload_crowd import Crowd, Line, Phase
from readyup.bench.overload_plot import HEIGHT, picture
from readyup.commands.bench import bench
from readyup.commands.bench_told import overload_text
from tests.readyup.bench.test_bench import MACHINE


class Wire:
    """What a line writes to."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.sent.append(data)

    def is_closing(self) -> bool:
        return False


def line(crowd: Crowd) -> tuple[Line, Wire]:
    made, wire = Line(crowd), Wire()
    made.connection_made(wire)  # type: ignore[arg-type]
    return made, wire


def test_each_answer_counts_for_the_phase_that_asked():
    crowd, phase, later = Crowd(b"open"), Phase(10, 0.0), Phase(10, 1.0)
    (one, wire), (two, _) = line(crowd), line(crowd)
    for _ in range(3):
        crowd.ask(phase)
    one.data_received(b"HTTP/1.1 201 Created\r\n\r\n")
    one.data_received(b"{}")  # the rest of it, in a piece of its own
    crowd.ask(later)
    two.data_received(b"HTTP/1.1 503 Service Unavailable\r\n\r\n{}")

    assert (phase.asked, phase.unsent, phase.answers) == (3, 1, {201: 1, 503: 1})
    assert (later.asked, later.unsent, later.answers) == (1, 0, {})
    assert wire.sent[0].startswith(b"POST /v1/tickets HTTP/1.1\r\n")
    assert wire.sent[0].endswith(b'{"queue":"duel","players":[{"id":"open-1"}]}')


def test_a_connection_that_the_api_ends_is_asked_nothing_and_is_opened_again():
    crowd, phase = Crowd(b"open"), Phase(10, 0.0)
    (idle, silent), (busy, _) = line(crowd), line(crowd)
    crowd.idle.rotate()
    crowd.ask(phase)
    idle.data_received(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
    idle.connection_lost(None)
    busy.connection_lost(ConnectionResetError())
    crowd.ask(phase)

    assert silent.sent == []
    assert (phase.asked, phase.lost, phase.unsent, crowd.ended) == (2, 1, 1, 2)


def test_only_what_comes_in_time_is_good():
    phase = Phase(100, 0.0, asked=400, answers={201: 200, 503: 190, 409: 3}, late=2)
    phase.accepted_s = [(n / 50, 0.01) for n in range(198)]

    told = _told(phase, seconds=4)

    assert (told["offered_per_s"], told["goodput_per_s"]) == (100, 49.5)
    assert (told["shed"], told["late"], told["other"]) == (190, 2, 3)


@pytest.mark.parametrize(("first", "recovered_s"), [(0, 0.1), (7, 0.8), (100, None)])
def test_it_has_recovered_when_a_tenth_of_a_second_is_as_good_as_before(
    first: int, recovered_s: float | None
):
    phase = Phase(100, 5.0)
    for n in range(40):
        good = 10 if n >= first else 5
        phase.accepted_s += [(5.0 + n * 0.1 + 0.05, 0.01)] * good

    assert _recovered_s(phase, before_per_s=100) == recovered_s


def test_the_figures_are_told_with_the_rate_that_was_offered():
    one = {
        "times": 1, "offered_per_s": 900, "goodput_per_s": 890, "accepted_p50_ms": 5,
        "accepted_p99_ms": 20, "shed": 7, "late": 0, "unsent": 0, "lost": 0, "other": 0,
        "cpu": {"api": {"us_per_accepted": 170, "share": 0.8}, "load": {"share": 0.4}},
    }  # fmt: skip
    said = overload_text(
        {
            "machine": MACHINE,
            "capacity_per_s": 900.0,
            "capacity_after_per_s": 910.0,
            "cores": "server on core 0, load on core 1",
            "capacity_cpu": one["cpu"],
            "phases": [one, {**one, "times": 10, "unsent": 40, "late": 2}, one],
            "goodput_share_at_worst": 0.93,
            "goodput_share_of_later": 0.95,
            "recovered_s": 0.3,
            "reads": {"asked": 80, "failed": 0, "p50_ms": 4, "p99_ms": 30},
        }
    )

    assert "10 times" in said
    assert "42 unanswered in time" in said
    assert "1 times again" in said
    assert "93% of the capacity before, 95% of the one after" in said
    assert "api 170 us; the load used 40% of a core" in said
    assert "within 0.3 s" in said


def test_a_benchmark_without_time_is_refused(capsys):
    assert bench("overload", seconds=0) == 1

    assert capsys.readouterr().err.startswith("readyup bench: --seconds: 0 is outside 1 to 600")


def test_the_picture_says_what_was_offered_and_cuts_what_is_off_its_scale():
    phase = {"times": 1, "offered_per_s": 900.0, "goodput_per_s": 890.0}
    figures = {
        "machine": MACHINE,
        "cores": "server on core 0, load on core 1",
        "seconds": 4,
        "capacity_per_s": 900.0,
        "phases": [phase, {**phase, "times": 10, "offered_per_s": 9000.0, "goodput_per_s": 850.0}],
    }

    svg = picture(figures)

    texts = set(re.findall(r">([^<>]+)</text>", svg))
    heights = [float(tall) for tall in re.findall(r'height="([\d.]+)" fill="#(?!fff)', svg)]
    assert {"900/s asked", "9000/s asked", "890/s", "850/s", "10 times"} <= texts
    assert len(heights) == 4
    assert max(heights) < HEIGHT


def test_only_what_can_be_drawn_takes_a_file_for_it(capsys, tmp_path):
    assert bench("idle", plot=tmp_path / "x.svg") == 1

    assert re.search(r"--plot: only overload, .+ have a picture", capsys.readouterr().err)
