"""How long nobody leads when the leading director is killed with -9, under bots.

The whole demo runs; in its middle, the process that leads the duel queue is killed, again
and again, each time after somebody led for a while. The history checker then judges the
run: no ticket lost, none assigned twice. Beside it stands the lease, which is what the gap
costs by design: a dead leader's lease must run out.
"""

import asyncio
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.clock import SystemClock
from core.lease import LEASE_MS
from readyup.bench.machine import machine
from readyup.bots.report import percentile
from readyup.demo.asked import DemoSettings
from readyup.demo.run import Demo
from readyup.demo.screen import Show
from readyup.demo.stack import Stack
from readyup.settings import Config

QUEUE = "duel"
BETWEEN_S = 6.0
"""Seconds between a new leader and its end: matches are in every step of their way by then."""

_CLOCK = SystemClock()


@dataclass
class _Kills:
    """Kills the leader some times, and notes how long each gap was."""

    times: int
    gaps_ms: list[float]

    async def meanwhile(self, stack: Stack) -> None:
        key = f"{stack.config.queues[QUEUE].base()}:leader"
        while len(self.gaps_ms) < self.times:
            await asyncio.sleep(BETWEEN_S)
            holder, epoch = await stack.store.call("HMGET", key, "holder", "epoch")
            process = stack.processes.get(str(holder).rpartition(".")[0])
            if process is None or not process.pid:
                continue  # nobody leads, or a leader that died by itself
            os.kill(process.pid, signal.SIGKILL)
            killed_s = _CLOCK.elapsed_s()
            async with asyncio.timeout(30):
                while await stack.store.call("HGET", key, "epoch") == epoch:
                    await asyncio.sleep(0.005)
            self.gaps_ms.append((_CLOCK.elapsed_s() - killed_s) * 1000)


async def bench_failover(
    config: Config, run_dir: Path, *, kills: int, show: Show
) -> dict[str, Any]:
    """Run it; how long nobody led, and the checker's verdict."""
    ran_on = machine()
    duration_s = kills * (BETWEEN_S + LEASE_MS / 1000 + 1.0) + 4.0
    faults = _Kills(kills, [])
    demo = Demo(config, DemoSettings(players=150, duration_s=duration_s), run_dir)
    outcome = await demo.play(asyncio.Event(), show, faults.meanwhile)
    ordered = sorted(faults.gaps_ms)
    return {
        "machine": ran_on,
        "kills": len(ordered),
        "nobody_led_ms": {
            "p50": round(percentile(ordered, 0.5)),
            "max": round(ordered[-1]) if ordered else 0,
        },
        "lease_ms": LEASE_MS,
        "ratio_to_lease": round(percentile(ordered, 0.5) / LEASE_MS, 2),
        "breaches": outcome.report["breaches"],
        "events": outcome.report["events"],
        "tickets": outcome.report["tickets"],
        "matches": outcome.report["matches"],
        "unexpected": outcome.unexpected,
    }
