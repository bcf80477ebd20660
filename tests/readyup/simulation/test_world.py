"""Simulated evenings: the same seed gives the same history, and no promise is broken."""

import itertools
import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from core.dice import stream
from core.errors import Invalid
from readyup.bots.habits import Habits
from readyup.settings import load
from readyup.simulation import evening as room, sweep as sweeping
from readyup.simulation.evening import Evening, left, needs_fakeredis, shaped
from readyup.simulation.sweep import brief_of, crash_points, replay_command, seeds, sweep
from readyup.simulation.world import simulate
from tests.readyup.simulation.writes import writes

SHORT = Evening(seed=1, minutes=0.2, players=10, servers=3)
"""Twelve seconds and their drain, in half a second of ours."""

TINY = Evening(seed=4, minutes=0.05, players=2, servers=1, faults=())
"""Two players, one match: some 800 store calls, most of them of parts that only look."""


def test_the_same_seed_gives_the_same_history():
    first, again, other = simulate(SHORT), simulate(SHORT), simulate(replace(SHORT, seed=2))

    assert first.history == again.history
    assert first.digest == again.digest
    assert first.digest != other.digest
    assert first.report.matches["made"] > 0


def test_the_digest_does_not_depend_on_the_order_of_hashes():
    options = {"--seed": "1", "--minutes": "0.2", "--players": "10", "--servers": "3"}
    words = [word for option in options.items() for word in option]
    ours = os.environ.get("PYTHONHASHSEED", "random")  # chosen at random, or by who runs us
    theirs = subprocess.run(
        [sys.executable, "-m", "readyup", "simulate", *words, "--json"],
        env=os.environ | {"PYTHONHASHSEED": "4711" if ours == "0" else "0"},
        check=True,
        capture_output=True,
    )

    assert json.loads(theirs.stdout)["digest"] == simulate(SHORT).digest


def test_a_sweep_of_seeds_with_faults_keeps_every_promise():
    evening = Evening(seed=101, minutes=0.3, players=8, servers=3)
    briefs = [brief_of(one) for one in seeds(evening, 3)]

    assert [brief for brief in briefs if not brief.is_good] == []
    assert sum(brief.faults.total() for brief in briefs) >= 3
    assert all(brief.matches for brief in briefs)


def test_matches_that_ask_their_players_keep_every_promise_under_faults():
    habits = Habits(think_s_mean=3.0, decline_share=0.1, sleep_share=0.1)
    evening = Evening(seed=301, minutes=0.3, players=12, acceptance_s=4.0, habits=habits)
    outcomes = [simulate(one) for one in seeds(evening, 2)]

    assert [(o.verdict.breaches, o.broke, o.errors) for o in outcomes] == [((), (), ())] * 2
    for outcome in outcomes:
        ready = next(n for title, n in outcome.verdict.judged.items() if title.startswith("14"))
        closed = sum(b'"match.closed"' in line for line in outcome.history)
        assert min(ready, closed, outcome.faults.total()) > 0


def test_a_failing_seed_is_printed_as_the_command_that_replays_it():
    evening = Evening(seed=7, minutes=1.5, players=12)

    assert replay_command(evening, faults_file="a b.toml") == (
        "readyup simulate --seed 7 --minutes 1.5 --players 12 --faults 'a b.toml'"
    )
    assert replay_command(replace(evening, acceptance_s=5.0)).endswith("--acceptance-s 5.0")


def test_a_crash_around_each_call_of_a_match_being_made_leaves_nothing_behind():
    made = simulate(TINY).marks["match.proposed"]
    points = crash_points(TINY, range(made, made + 4))

    bad = [brief for brief in map(brief_of, points) if not brief.is_good]

    assert [(b.evening.faults, b.breaches, b.broke) for b in bad] == []


BLOCKS = 4
"""Parts of one long test, each well within its time."""


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("block", range(BLOCKS))
def test_a_crash_before_and_after_every_call_that_writes_leaves_nothing_behind(block: int):
    found = writes(TINY)
    points = crash_points(TINY, found[block::BLOCKS])

    bad = [brief for brief in map(brief_of, points) if not brief.is_good]

    assert len(found) > 300
    assert [(b.evening.faults, b.breaches, b.broke) for b in bad] == []


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_crash_before_and_after_every_call_of_a_run_leaves_nothing_behind():
    points = crash_points(TINY, range(1, simulate(TINY).calls + 1))

    bad = [brief for brief in sweep(points, jobs=2) if not brief.is_good]

    assert [(b.evening.faults, b.breaches, b.broke) for b in bad] == []


def test_an_evening_that_raises_has_gone_wrong_and_the_sweep_goes_on(
    monkeypatch: pytest.MonkeyPatch,
):
    def breaks(evening: Evening) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(sweeping, "simulate", breaks)
    brief = brief_of(TINY)

    assert brief.wrongs() == ("the simulation itself: ZeroDivisionError()",)
    assert not brief.is_good


def test_without_fakeredis_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(room.importlib.util, "find_spec", lambda name: None)

    with pytest.raises(Invalid, match=r"pip install 'fakeredis\[lua\]'"):
        needs_fakeredis()


def test_fleets_that_are_sized_by_forecast_keep_every_promise_under_faults():
    evenings = (Evening(seed=n, minutes=0.3, players=12, servers=3) for n in itertools.count(501))
    outcomes = [simulate(one) for one in itertools.islice(filter(by_forecast, evenings), 2)]

    assert [(o.verdict.breaches, o.broke, o.errors) for o in outcomes] == [((), (), ())] * 2
    for outcome in outcomes:
        assert min(outcome.report.matches["made"], outcome.faults.total()) > 0


def by_forecast(evening: Evening) -> bool:
    shape = stream(evening.seed, "simulation", "shape")
    return shaped(load(environ={}), evening, shape).fleets[0].capacity is not None


def test_players_who_leave_are_replaced_and_every_promise_is_kept_under_faults():
    evening = left(Evening(seed=11, minutes=0.5, players=16), 0.4)
    outcome = simulate(evening)

    assert (outcome.verdict.breaches, outcome.broke, outcome.errors) == ((), (), ())
    filled = sum(b'"session.filled"' in line for line in outcome.history)
    assert min(filled, outcome.faults.total()) > 0
