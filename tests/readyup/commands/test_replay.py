"""``readyup record`` and ``readyup replay`` as they are typed."""

import json
import random
from pathlib import Path

import pytest

from core.redis import Store
from matchmaker.rules.model import RatingWindow, Rules
from matchmaker.store import QueueStore
from readyup.commands.record import record, write
from readyup.commands.replay import replay
from tests.matchmaker.test_replay import evening, settings
from tests.readyup.test_queues import RULES


@pytest.fixture
async def log(store: Store, tmp_path: Path) -> Path:
    queue = QueueStore(store, settings(Rules(("red", "blue"), 1, RatingWindow(500, 0, 500))))
    await evening(queue, random.Random(5), many=20, crowd=0)
    await write([queue], tmp_path / "hour.jsonl")
    return tmp_path / "hour.jsonl"


async def test_what_was_recorded_comes_out_again(log: Path, capsys: pytest.CaptureFixture[str]):
    assert replay(log) == 0
    assert "made the same" in capsys.readouterr().out


async def test_without_a_queue_the_first_is_taken_and_the_others_are_named(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    both = tmp_path / "both.jsonl"
    other = log.read_text("utf-8").replace('"src":"queue/duel"', '"src":"queue/squad"')
    both.write_text(log.read_text("utf-8") + other, "utf-8")

    assert replay(both) == 0
    first = capsys.readouterr()
    assert replay(both, queue="duel") == 0
    asked = capsys.readouterr()

    assert first.out.startswith("duel: ")
    assert first.err == "the log also tells of squad; --queue names one\n"
    assert asked == (first.out, "")


async def test_a_queue_that_the_log_has_not_is_answered_with_those_it_has(
    log: Path, capsys: pytest.CaptureFixture[str]
):
    assert replay(log, queue="duell") == 1
    assert "nobody in queue 'duell'; it tells of duel" in capsys.readouterr().err


async def test_a_pass_that_differs_is_named_and_is_an_error(
    log: Path, capsys: pytest.CaptureFixture[str]
):
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    first = next(line for line in lines if line["k"] == "pass")
    first["quality"][0] = 0.25
    log.write_text("\n".join(map(json.dumps, lines)), "utf-8")

    assert replay(log) == 1
    assert f"DIFFERENT  the pass at {first['now_ms']}" in capsys.readouterr().out


async def test_other_rules_are_shown_side_by_side_and_drawn(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "new.json").write_text(RULES, "utf-8")

    assert replay(log, rules=tmp_path / "new.json", plot=tmp_path / "p.svg", json=True) == 0

    told = json.loads(capsys.readouterr().out)
    assert set(told["replayed"]["wait_s"]) == {"p50", "p90", "p99"}
    assert min(told[side]["matches"] for side in ("recorded", "replayed")) > 0
    assert (tmp_path / "p.svg").read_text("utf-8").count("<polyline") == 4


def test_a_store_that_nobody_named_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert record(tmp_path / "hour.jsonl") == 1
    said = capsys.readouterr().err
    assert "--store: whose?" in said
    assert "--config .run/demo-…/readyup.json" in said
