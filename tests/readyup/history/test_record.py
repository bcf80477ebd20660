"""The recorder: all streams from their beginning, all files behind, nothing cut."""

import asyncio
import json
from pathlib import Path

import pytest

from core.redis import Store
from readyup.history.check import check
from readyup.history.record import Recorder, merge
from tests.readyup.history.runs import FLEET, QUEUE, Line, good_run

STREAMS = {QUEUE: "{q:arena}:duel:log", FLEET: "{f:arena}:log"}


async def _add(store: Store, line: Line) -> None:
    fields = {name: value for name, value in line.items() if name not in ("src", "k")}
    key = STREAMS[line["src"]]
    await store.call("XADD", key, "*", "k", line["k"], "d", json.dumps(fields))


def _lines(path: Path) -> list[Line]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


async def test_a_run_is_recorded_and_proved(store: Store, tmp_path: Path):
    log = good_run()
    stored = [line for line in log.lines if line["src"] in STREAMS]
    others = [line for line in log.lines if line["src"] not in (*STREAMS, "run")]
    witnesses = tmp_path / "bots.jsonl"
    witnesses.write_text("".join(json.dumps(line) + "\n" for line in others))
    stop = asyncio.Event()
    for line in stored[:20]:
        await _add(store, line)

    with Recorder(store, STREAMS, tmp_path / "run.jsonl") as recorder:
        recorder.write("run.started", seed=1, players=12, servers=4)
        async with asyncio.TaskGroup() as group:
            group.create_task(recorder.run(stop), name="recorder")
            for line in stored[20:]:
                await _add(store, line)
            stop.set()
        recorder.write("run.drained")
        final = dict.fromkeys(("waiting", "live_tickets", "held_rooms", "sessions", "processes"), 0)
        torn = await recorder.end(final, [witnesses])

    verdict = check(tmp_path / "run.jsonl")
    assert verdict.breaches == ()
    assert verdict.exit_code == 0
    assert verdict.events == len(log.lines)
    assert torn == 0
    assert _lines(tmp_path / "run.jsonl")[-1]["k"] == "run.ended"


async def test_of_matches_only_those_that_go_on_are_remembered(store: Store, tmp_path: Path):
    stop = asyncio.Event()
    stop.set()
    played = [one for one in good_run().lines if one["src"] == QUEUE]
    going_on = {**next(one for one in played if one["k"] == "match.announced"), "match": "duel.n"}
    for line in [*played, going_on]:
        await _add(store, line)
    with Recorder(store, STREAMS, tmp_path / "run.jsonl") as recorder:
        await recorder.run(stop)

    assert set(recorder.open_matches) == {"duel.n"}
    assert len(recorder._announced) == 1


async def test_what_was_trimmed_before_it_was_read_is_counted(store: Store, tmp_path: Path):
    for line in good_run().lines:
        if line["src"] == QUEUE:
            await _add(store, line)
    await store.call("XTRIM", STREAMS[QUEUE], "MAXLEN", 5)
    stop = asyncio.Event()
    stop.set()

    with Recorder(store, STREAMS, tmp_path / "run.jsonl") as recorder:
        await recorder.run(stop)
        final = dict.fromkeys(("waiting", "live_tickets", "held_rooms", "sessions", "processes"), 0)
        await recorder.end(final, [])

    stored = sum(line["src"] == QUEUE for line in good_run().lines)
    assert _lines(tmp_path / "run.jsonl")[-1]["missed"] == stored - 5


def test_a_torn_last_line_is_dropped_and_counted(tmp_path: Path):
    whole, torn, bare = tmp_path / "a", tmp_path / "b", tmp_path / "c"
    whole.write_bytes(b'{"n":1}\n{"n":2}\n')
    torn.write_bytes(b'{"n":3}\n{"n":4,"na')
    bare.write_bytes(b'{"n":5}')
    target = tmp_path / "run.jsonl"
    target.write_bytes(b'{"n":0}\n')

    assert merge([whole, torn, bare], target) == 1
    assert [line["n"] for line in _lines(target)] == [0, 1, 2, 3, 5]


def test_half_a_line_in_the_middle_is_left_for_the_checker_to_see(tmp_path: Path):
    garbled = tmp_path / "a"
    garbled.write_bytes(b'{"n":1,{"n":2}\n')

    assert merge([garbled], tmp_path / "run.jsonl") == 0
    with pytest.raises(json.JSONDecodeError):
        _lines(tmp_path / "run.jsonl")
