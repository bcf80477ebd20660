"""The ways to run a game beside a neighbour that are compared, and how each is brought about."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from readyup.bench import cpusets
from readyup.bench.cpusets import Unavailable

CORES_MAX: Final = 4
"""Of a larger machine only so many are used: game and neighbour share a yard of this size."""

FIFO: Final = 10
"""Low among the real-time priorities: above every ordinary process, below the kernel's own
threads of that class, which have 50 and more."""


@dataclass(frozen=True, slots=True)
class Yard:
    """Which cores take part; the last one is the game's where it is pinned."""

    cores: tuple[int, ...]

    @property
    def game(self) -> tuple[int, ...]:
        """The game's core."""
        return self.cores[-1:]

    @property
    def rest(self) -> tuple[int, ...]:
        """All others."""
        return self.cores[:-1]


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to run the game beside its neighbour."""

    name: str
    told: str
    neighbour: bool = True
    pinned: bool = False
    apart: bool = False
    """The neighbour is told to stay off the game's core."""

    cgroup: int = 0
    """The version whose exclusive cpuset keeps the neighbour off; 0 for none."""

    fifo: int = 0


VARIANTS: Final = (
    Variant("quiet", "no neighbour, not pinned", neighbour=False),
    Variant("unpinned", "not pinned"),
    Variant("affinity-shared", "affinity; the neighbour may use that core too", pinned=True),
    Variant("affinity-apart", "affinity; the neighbour stays elsewhere", pinned=True, apart=True),
    Variant("cpuset-v1", "exclusive cpuset, cgroup v1", pinned=True, cgroup=1),
    Variant("cpuset-v2", "exclusive cpuset, cgroup v2", pinned=True, cgroup=2),
    Variant("fifo", "affinity as shared, and SCHED_FIFO", pinned=True, fifo=FIFO),
)
"""Each differs from one before it in one thing."""


def why_not(variant: Variant, yard: Yard) -> str:
    """What is known to be missing before anything is tried; empty when nothing is."""
    if variant.pinned and not yard.cores:
        return "this system cannot pin processes"
    if (variant.apart or variant.cgroup) and not yard.rest:
        return "one core only: the neighbour has nowhere else to go"
    if variant.cgroup:
        try:
            cpusets.find(variant.cgroup)
        except (Unavailable, OSError) as missing:
            return str(missing)
    return ""


@contextlib.contextmanager
def placed(variant: Variant, yard: Yard, game: int, noise: list[int]) -> Iterator[None]:
    """The neighbour where the variant wants it, and cpusets while they are needed.

    Raises:
        Unavailable: cpusets are not to be had.
    """
    with contextlib.ExitStack() as stack:
        if variant.cgroup:
            made = stack.enter_context(cpusets.exclusive(variant.cgroup, yard.game, yard.rest))
            cpusets.put(made.game, game)
            for pid in noise:
                cpusets.put(made.neighbour, pid)
        if yard.cores:
            for pid in noise:  # in a cpuset the kernel cuts this to what it allows
                os.sched_setaffinity(pid, yard.rest if variant.apart else yard.cores)
        yield
