"""Which cores this process may run on, and the proof.

Who places servers on cores is not decided here: in local mode fleets does it, in Kubernetes
the kubelet's static CPU manager. A server started by hand pins itself with READYUP_CORES.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from core.errors import Invalid
from gameserver.cores import render_cores
from gameserver.evidence import judge, read


@dataclass(frozen=True, slots=True)
class Pinned:
    """What the kernel answers about this process."""

    cores: tuple[int, ...]
    """Rising; empty where the system does not tell."""

    sentence: str
    """For a reader, e.g. ``core 1 of 8, its own: a Guaranteed pod with 1 whole core``."""

    exclusive: bool = False
    """Whether it is proven that nobody else runs there."""


def proof(root: Path = Path("/"), *, wanted: int = 0) -> Pinned:
    """The kernel's own word on this process; ``wanted`` whole cores were asked for."""
    evidence = read(root)
    verdict = judge(evidence, wanted=wanted)
    return Pinned(evidence.cores, verdict.sentence, verdict.exclusive)


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
        allowed = render_cores(read().cores)
        raise Invalid(
            f"cannot run on cores {render_cores(cores)} ({refused}); allowed are {allowed}",
            field="READYUP_CORES",
        ) from refused
    return proof()
