"""Leaders and primaries that are killed: what a run's log says of it, and how it is told."""

from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from readyup.bench import failover
from readyup.bench.store_failover import _Log, _spread
from readyup.commands.bench_told import failover_text

T = 1_700_000_000_000
MACHINE = {
    "processor": "Abacus",
    "cores": 2,
    "system": "Linux 6",
    "python": "3.11.7",
    "load_before": 0.5,
}


def test_the_longest_silence_that_a_fault_touches_is_its_own(tmp_path: Path):
    log = tmp_path / "history.jsonl"
    announced = [T, T + 1_000, T + 4_500, T + 5_000, T + 30_000, T + 32_000]
    events = [{"k": "match.announced", "t": at} for at in announced]
    events += [
        {"k": "match.ended", "t": T, "reason": "lost"},
        {"k": "run.ended", "t": T, "forgotten": 3},
    ]
    log.write_bytes(b"\n".join(map(msgspec.json.encode, events)))

    read = _Log.read(log, {"kill": [T + 1_200], "stop": [T + 30_500]})

    assert read.no_match_s == {"kill": [3.5], "stop": [2.0]}
    assert (read.lost, read.forgotten) == (1, 3)


def test_each_kind_of_fault_is_told_by_itself():
    gaps = _spread([2.0, 2.5, 4.0, 2.1, 2.2])
    run = {
        "machine": MACHINE,
        "redis": "cluster",
        "faults": 10,
        "waited_for_ms": 1000,
        "no_store_s": {"kill": gaps, "stop": {}},
        "no_match_s": {"kill": gaps, "stop": gaps},
        "store_back": True,
        "matches_lost": 0,
        "forgotten_events": 2,
        "repairs": {},
        "tickets": {"created": 4, "assigned": 3, "cancelled": 1, "expired": 0},
        "matches": {"made": 1, "completed": 1},
        "events": 7000,
        "breaches": 0,
        "unjudged": [],
    }
    said = failover_text({"redis": "both", "runs": {"cluster": run}, "breaches": 0})

    assert "a Cluster of three primaries" in said
    assert "5 times, p50 2.2 s  p95 4.0 s  max 4.0 s" in said
    assert "no store, stop" not in said
    assert "0 breaches in 7000 events" in said


async def test_a_leader_that_is_dead_already_is_not_killed(monkeypatch: pytest.MonkeyPatch):
    """Its number is 0 then, and to kill 0 is to kill the benchmark's own process group."""
    pids, killed = iter([0, 4711]), []
    leader = SimpleNamespace()
    epochs = iter(["1", "2"])

    async def call(command: str, *_: str) -> object:
        if command == "HGET":
            return next(epochs)
        leader.pid = next(pids)
        return ["director-1.abcd", "1"]

    monkeypatch.setattr(failover, "BETWEEN_S", 0.0)
    monkeypatch.setattr("os.kill", lambda pid, _: killed.append(pid))
    stack = SimpleNamespace(
        config=SimpleNamespace(queues={"duel": SimpleNamespace(base=lambda: "{q:duel}:duel")}),
        store=SimpleNamespace(call=call),
        processes={"director-1": leader},
    )
    kills = failover._Kills(1, [])
    await kills.meanwhile(stack)

    assert killed == [4711]
    assert len(kills.gaps_ms) == 1
