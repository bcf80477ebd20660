"""Many evenings: seed after seed, or one evening with a crash at every store call in turn."""

import shlex
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace

from readyup.simulation.evening import Evening, Outcome
from readyup.simulation.faults import Fault
from readyup.simulation.world import simulate


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
    faults: int

    @property
    def is_good(self) -> bool:
        """Whether every promise was kept, and no player met an error without a fault."""
        return not (self.breaches or self.broke or self.errors)

    def wrongs(self) -> tuple[str, ...]:
        """All that is wrong, promises first."""
        return (*self.breaches, *self.broke, *self.errors)


def brief_of(evening: Evening) -> Brief:
    """Simulate it and keep little."""
    return summary(evening, simulate(evening))


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
        faults=outcome.faults.total(),
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
    """Simulate them all, in order; several at a time in processes of their own."""
    if jobs <= 1:
        yield from map(brief_of, evenings)
        return
    with ProcessPoolExecutor(jobs) as pool:
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
    for name in ("players", "servers", "directors"):
        if (value := getattr(evening, name)) != getattr(usual, name):
            words += [f"--{name}", str(value)]
    if faults_file:
        words += ["--faults", faults_file]
    return shlex.join(words)
