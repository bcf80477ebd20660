"""Where one ticket's processor time goes, part by part, in a demo under bots.

Every process's time comes from the kernel, exact to 10 ms; how it divides into parts comes
from py-spy, which samples call stacks a hundred times a second; what the scripts cost
inside Valkey comes from its slow log, told to keep every command for a while. What the
service uses while nobody plays is measured first, and told apart: it is no ticket's. Bots,
the recorder and the console are clients, and not counted.
"""

import asyncio
import contextlib
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.clock import SystemClock
from core.errors import NotFound
from core.eventlog import decode
from readyup.bench.cores import cpu_s, used_between
from readyup.bench.machine import machine
from readyup.bench.profile_stacks import hottest, shares
from readyup.bench.profile_valkey import Costs, every_command
from readyup.demo.asked import DemoSettings, sized
from readyup.demo.run import Demo
from readyup.demo.screen import Show
from readyup.demo.stack import Stack, running_stack
from readyup.settings import Config

SETTLE_S = 5.0
"""Seconds of play before anything is counted: connections, caches, a first round of matches."""

IDLE_S = 4.0
BUSY_S = 60.0
"""What py-spy may take besides, with a process for each role, where cores are busy. At a load of
36 it took longer than the demo that it looked at."""

SAMPLES_PER_S = 100
SERVERS = "game servers"
PLAYERS = 150

_CLOCK = SystemClock()


@dataclass(slots=True)
class Sampled:
    """What was seen while the bots played."""

    tickets: int = 0
    seconds: float = 0.0
    cpu_s: dict[str, float] = field(default_factory=dict)
    """Processor time of each process: roles, ``valkey`` and ``game servers`` together."""

    idle: dict[str, float] = field(default_factory=dict)
    """The same for one second in which nobody plays."""

    raw: dict[str, str] = field(default_factory=dict)
    """Of each process that was sampled: stacks in py-spy's raw format."""

    commands: Costs = field(default_factory=dict)

    why_no_parts: str = ""


@dataclass(slots=True)
class _Sampler:
    """Looks at a running demo for some seconds, once it has settled."""

    seconds: float
    done: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it has seen enough."""

    sampled: Sampled = field(default_factory=Sampled)

    async def meanwhile(self, stack: Stack) -> None:
        await asyncio.sleep(SETTLE_S)
        pids = await _pids(stack)
        sampled = {name: pid for name, pid in pids.items() if name in stack.processes}
        if "server-0" in pids:
            sampled[SERVERS] = pids["server-0"]
        began_s, began_ms, before = _CLOCK.elapsed_s(), _CLOCK.wall_ms(), cpu_s(pids)
        async with every_command(stack.store) as commands:
            raw, why = await _stacks(sampled, self.seconds, stack.run_dir)
            used = _together(used_between(before, cpu_s(pids)))
            seconds = _CLOCK.elapsed_s() - began_s
        tickets = await _enqueued(stack, f"{began_ms}-0")
        self.sampled = Sampled(tickets, seconds, used, {}, raw, commands, why)
        self.done.set()


async def bench_profile(
    config: Config, run_dir: Path, *, seconds: float, show: Show
) -> dict[str, Any]:
    """Run it; microseconds of processor time for one ticket throughout."""
    ran_on = machine()
    idle = await _idle(config, run_dir / "idle")
    sampler = _Sampler(seconds)
    most_s = SETTLE_S + seconds + BUSY_S
    demo = Demo(config, DemoSettings(players=PLAYERS, duration_s=most_s), run_dir)
    outcome = await demo.play(sampler.done, show, sampler.meanwhile)
    if not sampler.sampled.tickets:
        raise NotFound("no ticket was created while the demo was looked at; try more --seconds")
    sampler.sampled.idle = idle
    figures = told(sampler.sampled)
    return {"machine": ran_on, **figures, "breaches": outcome.report["breaches"]}


def told(sampled: Sampled) -> dict[str, Any]:
    """Microseconds for one ticket: each process with its parts, each script inside Valkey."""
    tickets, seconds = sampled.tickets, sampled.seconds
    processes = {}
    for name, used_s in sorted(sampled.cpu_s.items(), key=lambda one: -one[1]):
        raw = sampled.raw.get(name, "")
        us = 1e6 * used_s / tickets
        processes[name] = {
            "us_per_ticket": round(us),
            "us_beyond_idle": round(us - 1e6 * sampled.idle.get(name, 0.0) * seconds / tickets),
            "core_share": round(used_s / seconds, 3),
            "core_share_idle": round(sampled.idle.get(name, 0.0), 3),
            "parts": {part: round(us * share) for part, share in shares(raw).items()},
            "hottest": hottest(raw, most=5),
        }
    return {
        "tickets": tickets,
        "seconds": round(seconds, 1),
        "us_per_ticket": sum(one["us_per_ticket"] for one in processes.values()),
        "us_beyond_idle": sum(one["us_beyond_idle"] for one in processes.values()),
        "processes": processes,
        "inside_valkey": {
            name: {
                "calls_per_ticket": round(calls / tickets, 2),
                "us_per_call": round(us / calls, 1),
                "us_per_ticket": round(us / tickets, 1),
            }
            for name, (calls, us) in sorted(sampled.commands.items(), key=lambda one: -one[1][1])
        },
        "why_no_parts": sampled.why_no_parts,
    }


async def _idle(config: Config, run_dir: Path) -> dict[str, float]:
    """Processor time of each process in a second of a demo without bots."""
    async with running_stack(sized(config, None), run_dir) as stack:
        await stack.until_up()
        await asyncio.sleep(SETTLE_S)
        pids = await _pids(stack)
        began_s, before = _CLOCK.elapsed_s(), cpu_s(pids)
        await asyncio.sleep(IDLE_S)
        used = _together(used_between(before, cpu_s(pids)))
        seconds = _CLOCK.elapsed_s() - began_s
        await stack.stop_roles()
    return {name: used_s / seconds for name, used_s in used.items()}


async def _pids(stack: Stack) -> dict[str, int]:
    """Every process of the service: roles, Valkey, and game servers by number."""
    pids = {name: process.pid for name, process in stack.processes.items() if process.pid}
    servers = _children_of(pids.get("fleets-1", 0))
    info = await stack.store.call("INFO", "server")
    numbered = {f"server-{n}": pid for n, pid in enumerate(servers)}
    return pids | {"valkey": int(info["process_id"])} | numbered


def _together(used: dict[str, float]) -> dict[str, float]:
    """Game servers as one."""
    servers = {name for name in used if name.startswith("server-")}
    others = {name: used_s for name, used_s in used.items() if name not in servers}
    return others | {SERVERS: sum(used[name] for name in servers)}


async def _enqueued(stack: Stack, after: str) -> int:
    """Tickets created since an id of the streams, which are times."""
    created = 0
    for key in stack.streams().values():
        at = after
        while entries := await stack.store.read_stream(key, at, block_ms=1, count=5000):
            at = entries[-1].id
            created += sum(decode(entry)["k"] == "ticket.enqueued" for entry in entries)
    return created


def _children_of(parent: int) -> list[int]:
    """The processes that a process started, and those that these started."""
    found = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{parent}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += [int(child), *_children_of(int(child))]
    return found


async def _stacks(pids: dict[str, int], seconds: float, folder: Path) -> tuple[dict[str, str], str]:
    """Stacks of each process, and why there are none where there are none."""
    beside = Path(sys.executable).with_name("py-spy")
    spy = str(beside) if beside.exists() else shutil.which("py-spy")
    if spy is None:
        await asyncio.sleep(seconds)
        return {}, "py-spy is not there; install the development tools, or pip install py-spy"
    raw = {name: folder / f"stacks-{name.replace(' ', '-')}.txt" for name in pids}
    spies = [
        await asyncio.create_subprocess_exec(
            *(spy, "record", "--pid", str(pid), "--duration", str(round(seconds)), "--nonblocking"),
            *("--rate", str(SAMPLES_PER_S), "--format", "raw", "--output", str(raw[name])),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        for name, pid in pids.items()
    ]
    said = [(await one.communicate())[1].decode(errors="replace") for one in spies]
    there = {name: file.read_text() for name, file in raw.items() if file.exists()}
    if not there:
        last = said[0].strip().rpartition("\n")[2] if said else ""
        return {}, f"py-spy may not look into processes here (it needs ptrace): {last}"
    return there, ""
