"""Who runs on which core, and what they used of it: a load that shares its core measures itself."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


@dataclass(frozen=True, slots=True)
class Cores:
    """The server's cores and the load's; empty where they could not be kept apart."""

    server: frozenset[int] = frozenset()
    load: frozenset[int] = frozenset()

    def apart(self) -> bool:
        """Whether neither can take the other's time."""
        return bool(self.server and self.load)

    def told(self) -> str:
        """In words."""
        if not self.apart():
            return "server and load on the same cores"
        return f"server on {_list(self.server)}, load on {_list(self.load)}"


def split(cores: frozenset[int]) -> Cores:
    """One core for the load, and one for the server: what one core can do is what is asked.

    >>> split(frozenset({0, 1, 2, 3})).told()
    'server on core 0, load on core 1'
    >>> split(frozenset({0})).apart()
    False
    """
    if len(cores) < 2:
        return Cores()
    first, second, *_ = sorted(cores)
    return Cores(frozenset({first}), frozenset({second}))


def own_cores() -> frozenset[int]:
    """The cores that this process may use; empty where nobody can tell."""
    return frozenset(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else frozenset()


def move_to(cores: frozenset[int]) -> None:
    """Run here from now on, and whatever is started later too; an empty set changes nothing."""
    if cores:
        os.sched_setaffinity(0, cores)


def cpu_s(pids: Mapping[str, int]) -> dict[str, float]:
    """Processor time that each process has used so far; those that are gone are left out."""
    used = {}
    for name, pid in pids.items():
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            continue
        user, system = stat.rpartition(")")[2].split()[11:13]
        used[name] = (int(user) + int(system)) / _TICKS_PER_S
    return used


def used_between(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """What each of them used in between."""
    return {name: after[name] - before[name] for name in before if name in after}


def _list(cores: frozenset[int]) -> str:
    return "core " + ", ".join(str(core) for core in sorted(cores))
