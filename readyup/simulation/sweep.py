"""Many evenings: seed after seed, or one evening with a crash at every store call in turn."""

import os
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from readyup.simulation.evening import Evening, Outcome
from readyup.simulation.faults import Fault
from readyup.simulation.world import simulate

GIVES_WAY = 10
"""How nice a sweep's processes are: whatever else the machine does comes first."""


@dataclass(frozen=True, slots=True)
class Brief:
    """What a sweep keeps of an evening."""

    evening: Evening
    digest: str
    breaches: tuple[str, ...]
    broke: tuple[str, ...]
    errors: tuple[str, ...]
    virtual_s: float
    matches: int
    calls: int
    faults: Counter[str]
    """Those that happened, by kind."""

    @property
    def is_good(self) -> bool:
        """Whether every promise was kept, and no player met an error without a fault."""
        return not (self.breaches or self.broke or self.errors)

    def wrongs(self) -> tuple[str, ...]:
        """All that is wrong, promises first."""
        return (*self.breaches, *self.broke, *self.errors)


def brief_of(evening: Evening) -> Brief:
    """Simulate it and keep little; an evening that raises has gone wrong, and the sweep goes on."""
    try:
        return summary(evening, simulate(evening))
    except Exception as wrong:  # noqa: BLE001 - told as the evening's own
        return Brief(
            evening, "", (), (f"the simulation itself: {wrong!r}",), (), 0.0, 0, 0, Counter()
        )


def summary(evening: Evening, outcome: Outcome) -> Brief:
    """What a sweep keeps of an outcome."""
    verdict = outcome.verdict
    breaches = [f"{breach.invariant}: {breach.detail}" for breach in verdict.breaches]
    return Brief(
        evening=evening,
        digest=outcome.digest,
        breaches=(*breaches, *verdict.missing),
        broke=outcome.broke,
        errors=outcome.errors,
        virtual_s=outcome.virtual_s,
        matches=outcome.report.matches["made"],
        calls=outcome.calls,
        faults=outcome.faults,
    )


def seeds(first: Evening, count: int) -> Iterator[Evening]:
    """The same evening under ``count`` seeds."""
    for n in range(count):
        yield replace(first, seed=first.seed + n)


def crash_points(evening: Evening, calls: Iterable[int]) -> Iterator[Evening]:
    """The same evening with one crash, before and after each of these store calls."""
    for call in calls:
        for kind in ("crash-before", "crash-after"):
            yield replace(evening, faults=(Fault(kind=kind, call=call, for_s=0.5),))


def sweep(evenings: Iterable[Evening], *, jobs: int = 1) -> Iterator[Brief]:
    """Simulate them all, in order; several at a time in processes of their own, which give way."""
    if jobs <= 1:
        yield from map(brief_of, evenings)
        return
    with ProcessPoolExecutor(jobs, initializer=os.nice, initargs=(GIVES_WAY,)) as pool:
        yield from pool.map(brief_of, evenings)


def replay_command(evening: Evening, *, faults_file: str = "") -> str:
    """What to type to see this evening again."""
    words = [
        "readyup",
        "simulate",
        "--seed",
        str(evening.seed),
        "--minutes",
        f"{evening.minutes:g}",
    ]
    usual = Evening(evening.seed)
    for name in ("players", "servers", "directors", "acceptance_s", "leave_share"):
        if (value := getattr(evening, name)) != getattr(usual, name):
            words += [f"--{name.replace('_', '-')}", str(value)]
    if faults_file:
        words += ["--faults", faults_file]
    return shlex.join(words)


class Total:
    """What a sweep adds up as it goes."""

    def __init__(self) -> None:
        self.seeds = self.good = self.matches = self.calls = 0
        self.virtual_s = 0.0
        self.faults: Counter[str] = Counter()
        self.failed: list[Brief] = []

    def add(self, brief: Brief) -> None:
        """One more evening."""
        self.seeds += 1
        self.good += brief.is_good
        self.matches += brief.matches
        self.calls += brief.calls
        self.virtual_s += brief.virtual_s
        self.faults += brief.faults
        if not brief.is_good:
            self.failed.append(brief)

    def figures(self, took_s: float) -> dict[str, Any]:
        """As ``--json`` prints them."""
        return {
            "seeds": self.seeds,
            "good": self.good,
            "breaches": sum(len(brief.breaches) for brief in self.failed),
            "unexplained": sum(len(brief.errors) for brief in self.failed),
            "virtual_hours": round(self.virtual_s / 3600, 2),
            "matches": self.matches,
            "store_calls": self.calls,
            "faults": dict(sorted(self.faults.items())),
            "took_s": round(took_s, 1),
            "seeds_per_s": round(self.seeds / took_s, 2),
        }
