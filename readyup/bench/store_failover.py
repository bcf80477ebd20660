"""How long nobody is served when a primary of the store dies, or is stopped, under bots.

The whole demo runs on a primary with two replicas and three Sentinels, or on a Cluster of
three primaries with a replica each, with durability ``replica``. In its middle the primary
that has the first queue is killed with -9 and comes back empty, or is stopped and goes on
believing in itself, so many times each and in turn. The history checker then judges the run.
Beside the gaps stands how long a silent server is waited for, which is what one costs by
design.
"""

import asyncio
import itertools
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from core.address import Kind
from core.clock import SystemClock
from core.ensemble import DOWN_AFTER_MS
from readyup.bench.machine import machine
from readyup.bots.report import percentile
from readyup.demo.asked import DemoSettings
from readyup.demo.run import Demo
from readyup.demo.screen import Show
from readyup.demo.stack import Stack
from readyup.demo.store_faults import harm_primary
from readyup.settings import Config

BETWEEN_S = 6.0
"""Seconds of play before a fault, and after the last: matches are in every step by then."""

ONE_S = 13.0
"""About what one fault takes, from its beginning until its server is a replica."""

PLAYERS = 120
BREACHED_MAX = 20
"""How many breaches are told in full."""

KINDS = ("kill", "stop")
_CLOCK = SystemClock()


@dataclass
class _Faults:
    """Kills and stops in turn."""

    times: int
    """Of each."""

    gaps_s: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    at_ms: dict[str, list[int]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    all_over: bool = True
    """Whether the store was there again after each."""

    async def meanwhile(self, stack: Stack) -> None:
        for kind in KINDS * self.times:
            await asyncio.sleep(BETWEEN_S)
            self.at_ms[kind].append(_CLOCK.wall_ms())
            gone_s, came_back = await harm_primary(stack, kind, clock=_CLOCK)
            self.gaps_s[kind].append(gone_s)
            self.all_over = self.all_over and came_back


async def bench_store_failover(
    config: Config, run_dir: Path, *, redis: Kind, times: int, show: Show
) -> dict[str, Any]:
    """Run it, with so many faults of each kind; how long nobody was served, what was lost and
    repaired, and the verdict.
    """
    ran_on = machine()
    harm = _Faults(times)
    duration_s = len(KINDS) * times * (BETWEEN_S + ONE_S) + 2 * BETWEEN_S
    settings = DemoSettings(players=PLAYERS, duration_s=duration_s, redis=redis)
    demo = Demo(config, settings, run_dir)
    outcome = await demo.play(asyncio.Event(), show, harm.meanwhile)
    log = await asyncio.to_thread(_Log.read, run_dir / "history.jsonl", harm.at_ms)
    report = outcome.report
    return {
        "machine": {**ran_on, "load_after": round(os.getloadavg()[0], 2)},
        "redis": redis,
        "faults": sum(map(len, harm.at_ms.values())),
        "waited_for_ms": DOWN_AFTER_MS,
        "no_store_s": {kind: _spread(gaps) for kind, gaps in harm.gaps_s.items()},
        "no_match_s": {kind: _spread(gaps) for kind, gaps in log.no_match_s.items()},
        "store_back": harm.all_over,
        "matches_lost": log.lost,
        "forgotten_events": log.forgotten,
        "repairs": report["repairs"],
        "errors": report["errors"],
        "unexpected": outcome.unexpected,
        "tickets": report["tickets"],
        "matches": report["matches"],
        "events": report["events"],
        "breaches": report["breaches"],
        "breached": [str(one) for one in outcome.verdict.breaches[:BREACHED_MAX]],
        "unjudged": list(outcome.verdict.missing),
    }


@dataclass
class _Log:
    """What the run's log says besides the verdict."""

    no_match_s: dict[str, list[float]]
    """From each fault to the first match that was announced once the store was gone."""

    lost: int
    """Announced matches that ended because their server, or their record, was lost."""

    forgotten: int
    """Events that were read from a primary and that its successor did not have."""

    @classmethod
    def read(cls, path: Path, faults_ms: dict[str, list[int]]) -> "_Log":
        announced: list[int] = []
        lost = forgotten = 0
        with path.open("rb") as lines:
            for line in lines:
                event = msgspec.json.decode(line, type=dict[str, Any])
                match event["k"]:
                    case "match.announced":
                        announced.append(event["t"])
                    case "match.ended" if event["reason"] == "lost":
                        lost += 1
                    case "run.ended":
                        forgotten = event.get("forgotten", 0)
        silences = {
            kind: [_silence_s(announced, at) for at in times] for kind, times in faults_ms.items()
        }
        return cls(silences, lost, forgotten)


def _silence_s(announced: list[int], fault_ms: int) -> float:
    """The longest pause between two matches that a fault's ten seconds touch."""
    near = [at for at in sorted(announced) if fault_ms - 2_000 <= at <= fault_ms + 20_000]
    pauses = [
        later - before
        for before, later in itertools.pairwise(near)
        if later > fault_ms and before < fault_ms + 10_000
    ]
    return max(pauses, default=0) / 1000


def _spread(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    if not ordered:
        return {}
    return {
        "times": len(ordered),
        "p50": round(percentile(ordered, 0.5), 2),
        "p95": round(percentile(ordered, 0.95), 2),
        "max": round(ordered[-1], 2),
    }
