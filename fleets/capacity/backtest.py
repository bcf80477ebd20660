"""Our planner and its rivals on the same recorded load, side by side."""

import multiprocessing
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path

import numpy as np

from fleets.capacity.forecast import Forecast
from fleets.capacity.planner import LOOKS, Bounds, critical_ratio, size_fleet
from fleets.capacity.rivals import oracle, rival
from fleets.capacity.yard import Score, Seen, World, run

BINS = 18
"""Bins of one lead time; a decision at the end of each."""

COLD_COST = 1000.0
"""What one cold start costs, in idle servers over one lead time, unless told otherwise."""

OURS = "readyup"

NO_BOUNDS = Bounds(size_max=10_000_000)

WORTH_PROCESSES = 400_000
"""Claims times policies; below, starting another process takes longer than it saves."""


class Ours:
    """The planner that the service runs, fed with nothing but the past of the trace."""

    name = OURS

    def __init__(self, world: World, *, cold_cost: float = COLD_COST) -> None:
        self.every_s = max(1.0, world.lead_s / BINS)
        # What is ordered now must last until what the next decision orders is ready.
        bins = ceil(world.lead_s / self.every_s) + 1
        chance = critical_ratio(cold_cost)
        self._forecast = Forecast(bin_s=self.every_s, horizon=bins, chance=chance)
        self._known_from_s = world.begin_s + world.session_s
        """How long sessions last is known once one may have ended."""

        steps = (ceil(world.session_s / self.every_s - bins * n / LOOKS) for n in _looks())
        self._ago = [max(0, step) for step in steps]
        """Decisions ago since when sessions have begun that will still run, by look."""

        self._claimed = -1
        self._begun: list[int] = []
        """Sessions up to each decision."""

    def replicas(self, seen: Seen) -> int:
        if self._claimed >= 0:
            self._forecast.observe(seen.claimed - self._claimed)
        self._claimed = seen.claimed
        self._begun.append(seen.claimed - seen.waiting)
        sizing = size_fleet(
            self._forecast.demand(),
            self._still_running(seen),
            size=seen.size,
            in_use=seen.in_session,
            waiting=seen.waiting,
            bounds=NO_BOUNDS,
        )
        return sizing.replicas

    def _still_running(self, seen: Seen) -> list[int]:
        if seen.now_s < self._known_from_s:
            return [seen.in_session] * LOOKS
        now = len(self._begun) - 1
        begun = self._begun[now]
        before = [self._begun[now - ago] if ago <= now else 0 for ago in self._ago]
        return [min(seen.in_session, begun - earlier) for earlier in before]


def _looks() -> range:
    return range(1, LOOKS + 1)


@dataclass(frozen=True, slots=True)
class Try:
    """One policy to be tried: ours at a price of a cold start, or a rival by its name."""

    name: str
    cold_cost: float = COLD_COST

    def score(self, world: World) -> Score:
        """Go through the whole load."""
        if self.name == OURS:
            return run(Ours(world, cold_cost=self.cold_cost), world)
        policy = rival(self.name, world)
        score = oracle(world) if policy is None else run(policy, world)
        return replace(score, name=self.name)


def backtest(world: World, tries: Sequence[Try], *, jobs: int = 1) -> list[Score]:
    """The score of each, in order; several at a time with ``jobs`` processes.

    Raises:
        Invalid: there is no policy of a name.
    """
    for each in tries:
        if each.name != OURS:
            rival(each.name, world)
    if jobs <= 1 or len(world.claims) * len(tries) < WORTH_PROCESSES:
        return [each.score(world) for each in tries]
    return list(_spread(world, tries, jobs))


def frontier_costs() -> list[float]:
    """Prices of a cold start from one idle lead time to a hundred thousand, two a decade."""
    return [float(f"{cost:.2g}") for cost in np.geomspace(1, 100_000, 11)]


def _spread(world: World, tries: Sequence[Try], jobs: int) -> Iterator[Score]:
    """The claims are handed over in a file, which all processes map."""
    with tempfile.TemporaryDirectory(prefix="readyup-backtest-") as folder:
        claims = Path(folder, "claims.npy")
        np.save(claims, world.claims)
        rest = replace(world, claims=np.empty(0))
        with ProcessPoolExecutor(
            min(jobs, len(tries)),
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_open_world,
            initargs=(claims, rest),
        ) as pool:
            yield from pool.map(_score, tries)


_opened: list[World] = []


def _open_world(claims: Path, rest: World) -> None:
    _opened[:] = [replace(rest, claims=np.load(claims))]


def _score(each: Try) -> Score:
    return each.score(_opened[0])
