"""How late the example game's ticks are beside a noisy neighbour, by how the game is pinned.

Every variant is measured in short rounds, one after another and in another order each time,
so that whatever else the machine does falls on all alike. The baseline is the same game, not
pinned, with no neighbour. What the kernel says of each variant is asked inside the game's
process while it plays.
"""

import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from core.clock import SystemClock
from readyup.bench.children import Process, allowed, child
from readyup.bench.cores import cpu_s, own_cores
from readyup.bench.cpusets import Unavailable
from readyup.bench.jitter_game import Answer, Order, Proof
from readyup.bench.jitter_variants import CORES_MAX, VARIANTS, Variant, Yard, placed, why_not
from readyup.bench.machine import machine
from readyup.bench.neighbours import GO, REST

ROUNDS: Final = 3
WARM_S: Final = 0.7

NOISE_PER_CORE: Final = 2
"""More processes than cores, as thread pools are: none is idle while a neighbour pauses."""


_CLOCK = SystemClock()


@dataclass(slots=True)
class Watched:
    """What became of one variant, over all rounds."""

    variant: Variant
    why_not: str = ""
    figures: dict[str, Any] = field(default_factory=dict)
    proof: Proof = field(default_factory=Proof)
    neighbour_cores: str = ""
    waited_s: float = 0.0
    preempted: int = 0
    slot_s: float = 0.0
    """Of the wall clock, warm-up and all."""

    others_s: float = 0.0
    """Processor time of processes that are not the benchmark's."""

    stolen_s: float = 0.0
    """Processor time that a virtual machine's host gave to somebody else."""


async def bench_jitter(*, seconds: float, rounds: int = ROUNDS) -> dict[str, Any]:
    """Run it; ``seconds`` for each variant, in so many rounds. Milliseconds throughout.

    Raises:
        Unreachable: a process of the benchmark ended.
    """
    ran_on = machine()
    yard = Yard(tuple(sorted(own_cores()))[:CORES_MAX])
    watched = [Watched(variant, why_not=why_not(variant, yard)) for variant in VARIANTS]
    async with contextlib.AsyncExitStack() as stack:
        noise = [
            await stack.enter_async_context(child("readyup.bench.neighbours", str(n)))
            for n in range(NOISE_PER_CORE * max(1, len(yard.cores)))
        ]
        games = {
            one.variant.name: await stack.enter_async_context(
                child("readyup.bench.jitter_game", str(seconds))
            )
            for one in watched
            if not one.why_not
        }
        for turn in range(rounds):
            for one in rotated(watched, turn):
                if not one.why_not:
                    game = games[one.variant.name]
                    await _slot(one, yard, game, noise, seconds / rounds)
    return {
        "machine": ran_on,
        "seconds": seconds,
        "rounds": rounds,
        "cores": list(yard.cores),
        "game_core": list(yard.game),
        "neighbours": len(noise),
        "variants": told(watched),
    }


def rotated(watched: list[Watched], turn: int) -> list[Watched]:
    """Another order each round, so that nobody always comes after the same one."""
    at = turn * 2 % len(watched)
    return watched[at:] + watched[:at]


def told(watched: list[Watched]) -> list[dict[str, Any]]:
    """The figures of each, beside the baseline's, which is the first."""
    base = watched[0].figures
    rows = []
    for one in watched:
        row: dict[str, Any] = {"name": one.variant.name, "told": one.variant.told}
        if one.why_not:
            rows.append(row | {"unavailable": one.why_not})
            continue
        rows.append(
            row
            | one.figures
            | {
                "ratios": {name: ratio(one.figures[name], base[name]) for name in RATIOS},
                "proof": msgspec.to_builtins(one.proof),
                "neighbour_cores": one.neighbour_cores,
                "waited_s": round(one.waited_s, 4),
                "preempted": one.preempted,
                "others_cores": round(one.others_s / one.slot_s, 2),
                "stolen_cores": round(one.stolen_s / one.slot_s, 2),
            }
        )
    return rows


RATIOS: Final = ("p50_ms", "p99_ms", "p999_ms", "instability")


def ratio(value: float, base: float) -> float | None:
    """How many times the baseline; None beside a baseline of nothing."""
    return round(value / base, 2) if base else None


async def _slot(
    one: Watched, yard: Yard, game: Process, noise: list[Process], seconds: float
) -> None:
    """One variant's turn in one round. What is refused is noted, and not tried again."""
    variant = one.variant
    burning = noise if variant.neighbour else []
    try:
        with placed(variant, yard, game.pid, [each.pid for each in burning]):
            async with _noise(burning):
                pids = {str(each.pid): each.pid for each in (*noise, game)}
                before = _Reading.now(pids)
                order = Order(
                    cores=yard.game if variant.pinned else yard.cores,
                    fifo=variant.fifo,
                    seconds=seconds,
                    warm_s=WARM_S,
                )
                said = await game.ask(
                    msgspec.json.encode(order) + b"\n", within_s=seconds + 60, line=True
                )
                _note(one, msgspec.json.decode(said, type=Answer), before, _Reading.now(pids))
                one.neighbour_cores = allowed(burning[0].pid) if burning else ""
    except Unavailable as missing:
        one.why_not = str(missing)


@contextlib.asynccontextmanager
async def _noise(burning: list[Process]) -> AsyncIterator[None]:
    for each in burning:
        await each.ask(GO, within_s=10, line=False)
    try:
        yield
    finally:
        for each in burning:
            await each.ask(REST, within_s=10, line=False)


def _note(one: Watched, answer: Answer, before: "_Reading", after: "_Reading") -> None:
    if answer.refused:
        raise Unavailable(answer.refused)
    one.figures, one.proof = answer.figures, answer.proof
    one.waited_s += answer.waited_s
    one.preempted += answer.preempted
    one.slot_s += after.at_s - before.at_s
    ours_s = sum(after.ours.values()) - sum(before.ours.values())
    one.others_s += max(0.0, after.busy_s - before.busy_s - ours_s)
    one.stolen_s += after.stolen_s - before.stolen_s


@dataclass(frozen=True, slots=True)
class _Reading:
    """The machine's processor time so far."""

    at_s: float
    busy_s: float
    stolen_s: float
    ours: dict[str, float]

    @classmethod
    def now(cls, pids: dict[str, int]) -> "_Reading":
        try:
            fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
        except OSError:  # a system that does not tell
            fields = ["0"] * 8
        user, nice, system, _, _, irq, softirq, stolen = (
            int(ticks) / os.sysconf("SC_CLK_TCK") for ticks in fields[:8]
        )
        busy_s = user + nice + system + irq + softirq
        return cls(_CLOCK.elapsed_s(), busy_s, stolen, cpu_s(pids))
