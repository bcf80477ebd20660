"""Which cores this process may run on, and the proof.

Who places servers on cores is not decided here: in local mode fleets does it, in Kubernetes
the kubelet's static CPU manager. A server started by hand pins itself with READYUP_CORES.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from core.errors import Invalid

STATUS = Path("/proc/self/status")
_ALLOWED = re.compile(r"^Cpus_allowed_list:\s*(\S+)$", re.MULTILINE)
_RANGE = re.compile(r"(\d{1,4})(?:-(\d{1,4}))?")


@dataclass(frozen=True, slots=True)
class Pinned:
    """What the kernel answers about this process."""

    cores: tuple[int, ...]
    """Rising; empty where the system does not tell."""

    sentence: str
    """For a reader, e.g. ``core 1 of 8``."""


def parse_cores(text: str) -> tuple[int, ...]:
    """Cores from a list as the kernel writes it.

    >>> parse_cores("0-2,8")
    (0, 1, 2, 8)

    Raises:
        Invalid: not such a list.
    """
    cores: set[int] = set()
    for part in text.split(","):
        found = _RANGE.fullmatch(part.strip())
        if found is None:
            raise Invalid(f"cores are {text!r}; write them like 0-2,8", field="READYUP_CORES")
        first, last = int(found[1]), int(found[2] or found[1])
        cores.update(range(first, last + 1))
    return tuple(sorted(cores))


def render_cores(cores: tuple[int, ...]) -> str:
    """The list as the kernel writes it.

    >>> render_cores((0, 1, 2, 8))
    '0-2,8'
    """
    runs: list[list[int]] = []
    for core in sorted(cores):
        if runs and core == runs[-1][1] + 1:
            runs[-1][1] = core
        else:
            runs.append([core, core])
    return ",".join(f"{first}-{last}" if last > first else f"{first}" for first, last in runs)


def describe(cores: tuple[int, ...], machine: int) -> str:
    """Where a process may run, in a sentence, on a machine of so many cores.

    >>> describe((1,), 8)
    'core 1 of 8'
    >>> describe((0, 1), 2)
    'not pinned: all 2 cores'
    """
    if not cores:
        return "not pinned: this system does not tell which cores a process may use"
    if len(cores) >= machine > 1:
        return f"not pinned: all {machine} cores"
    noun = "core" if len(cores) == 1 else "cores"
    return f"{noun} {render_cores(cores)} of {machine}"


def proof(status: Path = STATUS) -> Pinned:
    """The kernel's own word on this process, from /proc/self/status (Cpus_allowed_list)."""
    machine = os.cpu_count() or 1
    try:
        found = _ALLOWED.search(status.read_text(encoding="ascii"))
    except OSError:  # not Linux
        found = None
    cores = parse_cores(found[1]) if found else ()
    return Pinned(cores, describe(cores, machine))


def pin(cores: tuple[int, ...]) -> Pinned:
    """Keep this process on these cores, and prove it.

    Where the system cannot pin, nothing happens and the sentence says so.

    Raises:
        Invalid: the machine, or the container's cpuset, has none of these cores.
    """
    if not hasattr(os, "sched_setaffinity"):
        return Pinned((), "not pinned: this system cannot pin processes")
    try:
        os.sched_setaffinity(0, cores)
    except OSError as refused:
        allowed = render_cores(proof().cores)
        raise Invalid(
            f"cannot run on cores {render_cores(cores)} ({refused}); allowed are {allowed}",
            field="READYUP_CORES",
        ) from refused
    return proof()
