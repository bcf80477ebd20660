"""Simulated evenings: the same seed gives the same history, and no promise is broken."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from unittest import mock

import pytest

import matchmaker.store
from core.errors import Invalid
from core.lua import LuaScript
from readyup.simulation import evening as room
from readyup.simulation.evening import Evening, needs_fakeredis
from readyup.simulation.faults import Fault
from readyup.simulation.sweep import brief_of, crash_points, replay_command, seeds
from readyup.simulation.world import simulate

SHORT = Evening(seed=1, minutes=0.2, players=10, servers=3)
"""Twelve seconds and their drain, in half a second of ours."""

TINY = Evening(seed=4, minutes=0.05, players=2, servers=1, faults=())
"""Two players, one match: some 800 store calls, most of them of parts that only look."""

PAUSES = tuple(
    Fault(kind="pause", at_s=at_s, who="director", for_s=4.5)
    for at_s in (4.0, 6.0, 11.0, 13.0, 18.0, 20.0, 25.0, 27.0)
)
"""Directors stopped for longer than their lease, now one, now the other."""


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


def test_a_failing_seed_is_printed_as_the_command_that_replays_it():
    evening = Evening(seed=7, minutes=1.5, players=12)

    assert replay_command(evening, faults_file="a b.toml") == (
        "readyup simulate --seed 7 --minutes 1.5 --players 12 --faults 'a b.toml'"
    )


def test_a_crash_around_each_call_of_a_match_being_made_leaves_nothing_behind():
    made = simulate(TINY).marks["match.proposed"]
    points = crash_points(TINY, range(made, made + 6))

    bad = [brief for brief in map(brief_of, points) if not brief.is_good]

    assert [(b.evening.faults, b.breaches, b.broke) for b in bad] == []


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_crash_before_and_after_every_third_call_of_a_run_leaves_nothing_behind():
    points = crash_points(TINY, range(1, simulate(TINY).calls + 1, 3))

    bad = [brief for brief in map(brief_of, points) if not brief.is_good]

    assert [(b.evening.faults, b.breaches, b.broke) for b in bad] == []


def without(script: LuaScript, line: str) -> LuaScript:
    """A script with a guard taken out."""
    assert line in script.source
    return replace(script, source=script.source.replace(line, ""))


BUGS = [
    (
        "PROPOSE",
        'if not is_current(ARGV[1]) then return { "stale" } end',
        Evening(seed=1, minutes=0.25, players=10, servers=3, faults=PAUSES),
    ),
    (
        "COMMIT",
        'if not is_current(ARGV[1]) then return "stale" end',
        Evening(seed=1, minutes=0.7, players=40, servers=2, faults=PAUSES),
    ),
    (
        "SETTLE",
        'if state == "committed" then return "committed" end',
        Evening(seed=1, minutes=0.5, players=16, servers=2),
    ),
]


@pytest.mark.parametrize(
    ("name", "guard", "evening"),
    [BUGS[0], *(pytest.param(*bug, marks=pytest.mark.slow) for bug in BUGS[1:])],
    ids=[bug[0] for bug in BUGS],
)
def test_a_planted_bug_is_found_within_five_seeds(name: str, guard: str, evening: Evening):
    script = getattr(matchmaker.store, name)
    with mock.patch.object(matchmaker.store, name, without(script, guard)):
        found = next((b for b in map(brief_of, seeds(evening, 5)) if b.breaches), None)

    assert found is not None, f"{name} without its guard went unnoticed"
    assert brief_of(found.evening).is_good, "and with it the same seed is fine"


def test_without_fakeredis_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(room.importlib.util, "find_spec", lambda name: None)

    with pytest.raises(Invalid, match=r"pip install 'fakeredis\[lua\]'"):
        needs_fakeredis()
