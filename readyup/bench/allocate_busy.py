"""Who used the machine's processors meanwhile: ours by their role, everybody else by name."""

import os
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from core.clock import Clock, SystemClock

_TICKS_PER_S = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100

REST = "others"
OUR = "our "
"""Agones has an allocator too."""

WORTH = 0.03
"""Cores below which a program is not worth a word."""


class Busy:
    """Counts while it is on; several stretches add up."""

    def __init__(self, pids: Mapping[str, int], clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._names = {pid: f"{OUR}{name}" for name, pid in pids.items()}
        self._used_s: defaultdict[str, float] = defaultdict(float)
        self._seconds = 0.0
        self._began: tuple[float, Mapping[int, tuple[str, float]]] | None = None

    def __enter__(self) -> Self:
        self._began = self._clock.elapsed_s(), _processes()
        return self

    def __exit__(self, *wrong: object) -> None:
        assert self._began is not None
        began_s, before = self._began
        self._seconds += self._clock.elapsed_s() - began_s
        for pid, (program, used_s) in _processes().items():
            was_s = before.get(pid, ("", 0.0))[1]
            self._used_s[self._names.get(pid, program)] += max(0.0, used_s - was_s)

    def cores(self) -> dict[str, float]:
        """Cores that each program used, the busiest first; small ones together."""
        told: defaultdict[str, float] = defaultdict(float)
        for program, used_s in self._used_s.items():
            cores = used_s / self._seconds if self._seconds else 0.0
            told[program if cores >= WORTH else REST] += cores
        busiest = sorted(told.items(), key=lambda one: -one[1])
        return {program: round(cores, 2) for program, cores in busiest}

    def us_each(self, answers: int) -> dict[str, int]:
        """Processor time for each of so many answers, of those that are ours."""
        ours = set(self._names.values())
        return {
            name.removeprefix(OUR): round(used_s / max(1, answers) * 1e6)
            for name, used_s in self._used_s.items()
            if name in ours
        }


def _processes() -> dict[int, tuple[str, float]]:
    """Every process that can be seen: its program, and the processor time it has used."""
    seen: dict[int, tuple[str, float]] = {}
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            stat = place.read_text()
        except OSError:
            continue
        name, _, rest = stat.partition("(")[2].rpartition(")")
        user, system = rest.split()[11:13]
        seen[int(place.parent.name)] = (name, (int(user) + int(system)) / _TICKS_PER_S)
    return seen
