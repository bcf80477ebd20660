"""The engine's benchmark: one pass over 1,000 to 1,000,000 waiting tickets, of three games.

Every pass looks at the whole pool as if for the first time; nobody leaves between passes.
Beside it, on the same tickets, the baseline: first come, first seated. Processor time
stands beside wall time, because only the first is the engine's own on a busy machine.
"""

import gc
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from matchmaker.engine.engine import Engine
from matchmaker.rules.members import Party
from readyup.bench.crowds import GAMES, NEAR_MS, Game
from readyup.bench.fifo import Fifo
from readyup.bench.machine import machine

NOW_S = 10.0
"""When the passes are: the last has just come, the first have reached the first expansion."""

FIFO_MAX = 10_000
"""Tickets of the largest pool that the baseline is given; it grows no worse than linearly."""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What is measured."""

    tickets_max: int = 1_000_000
    passes: int = 100
    """For 1,000 tickets; fewer for more, at least 7."""

    seed: int = 1


def sizes(tickets_max: int) -> Iterator[int]:
    """1,000, 10,000 and so on.

    >>> list(sizes(100_000))
    [1000, 10000, 100000]
    """
    tickets = 1_000
    while tickets <= tickets_max:
        yield tickets
        tickets *= 10


def bench_engine(
    settings: EngineSettings, progress: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """The figures of every game and size."""
    before = machine()
    rows = []
    for game in GAMES:
        for tickets in sizes(settings.tickets_max):
            progress(f"{game.told}: {tickets:,} tickets")
            rows.append(_measured(game, tickets, settings))
    return {"machine": before, "now_s": NOW_S, "rows": rows}


def _measured(game: Game, tickets: int, settings: EngineSettings) -> dict[str, Any]:
    engine, players, reachable = Engine(game.rules()), 0, 0
    parties: list[Party] = []
    cpu_before = time.process_time()
    for party in game.crowd(tickets, settings.seed):
        engine.add(party)
        players += party.size()
        reachable += party.size() if _can_play(party) else 0
        if tickets <= FIFO_MAX:
            parties.append(party)
    added_s = time.process_time() - cpu_before
    gc.collect()
    passes = max(7, settings.passes * 1_000 // tickets)
    wall_s, cpu_s, matched, qualities, matches = [], [], [], [], 0
    for n in range(passes + 1):
        cpu, wall = time.process_time(), time.perf_counter()
        found = engine.pass_(NOW_S, seed=n)
        if n:  # the first fills caches of compiled rules
            wall_s.append(time.perf_counter() - wall)
            cpu_s.append(time.process_time() - cpu)
        matched.append(found.players())
        qualities.append(found.quality())
        matches = len(found)
    row = {
        "game": game.name,
        "told": game.told,
        "tickets": tickets,
        "players": players,
        "passes": passes,
        "wall_ms": _spread(wall_s),
        "cpu_ms": _spread(cpu_s),
        "matches": matches,
        "matched_share": round(statistics.mean(matched) / max(1, reachable), 4),
        "quality": round(statistics.mean(qualities), 4),
        "tickets_per_cpu_s": round(tickets / statistics.median(cpu_s)),
        "column_bytes_per_ticket": engine.bytes_per_ticket(),
        "made_and_added_us_per_ticket": round(1e6 * added_s / tickets, 2),
        "baseline": _baseline(game, parties, reachable) if parties else None,
    }
    if game.aim is not None and game.aim[0] == tickets:
        row["aim_ms"] = 1e3 * game.aim[1]
    return row


def _can_play(party: Party) -> bool:
    """Whether some region is near enough for it; everybody else has partners in this crowd."""
    near = party.regions("avg")
    return not near or min(near.values()) <= NEAR_MS


def _baseline(game: Game, parties: list[Party], reachable: int) -> dict[str, Any]:
    fifo = Fifo(game.rules())
    cpu = time.process_time()
    fifo.run(parties)
    used_s = time.process_time() - cpu
    qualities = fifo.qualities()
    return {
        "cpu_ms": round(1e3 * used_s, 2),
        "matched_share": round(fifo.players() / max(1, reachable), 4),
        "quality": round(statistics.mean(qualities), 4) if qualities else None,
    }


def _spread(seconds: list[float]) -> dict[str, float]:
    """Median, and the least that 99 of 100 do not exceed; of few passes that is the worst."""
    ordered = sorted(seconds)
    p99 = ordered[min(len(ordered) - 1, round(0.99 * (len(ordered) - 1) + 0.5))]
    return {"p50": round(1e3 * statistics.median(ordered), 2), "p99": round(1e3 * p99, 2)}
