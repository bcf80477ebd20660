"""What the system tells a process about the cores it may use, and what that proves.

Reading and judging are apart: ``read`` asks the kernel, ``judge`` is a function of the answers.
"""

import os
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from core.errors import Invalid
from gameserver.cores import parse_cores, render_cores


class Qos(StrEnum):
    """Kubernetes' classes of pods; only Guaranteed ones can have cores of their own."""

    GUARANTEED = "Guaranteed"
    BURSTABLE = "Burstable"
    BEST_EFFORT = "BestEffort"
    UNKNOWN = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The kernel's answers about this process."""

    cores: tuple[int, ...]
    """Where it may run, rising; empty where the system does not tell."""

    machine: int
    """Cores of the machine that are on."""

    qos: Qos = Qos.UNKNOWN
    """The pod's class; unknown outside a pod."""

    partition: bool = False
    """Whether the kernel itself keeps everybody else off these cores (a cgroup v2 partition)."""

    scheduler: str = ""
    """``SCHED_FIFO 10`` and the like; empty for the ordinary class."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the cores are this process's own, and why."""

    exclusive: bool
    sentence: str


def judge(evidence: Evidence, *, wanted: int = 0) -> Verdict:
    """Whether nobody shares these cores, as far as can be told from inside.

    ``wanted`` is how many whole cores the pod asked for; 0 when nobody asked.

    >>> judge(Evidence((3,), 8, Qos.GUARANTEED), wanted=1)
    Verdict(exclusive=True, sentence='core 3 of 8, its own: a Guaranteed pod with 1 whole core')
    """
    exclusive, why = _exclusive(evidence, wanted)
    parts = [describe(evidence.cores, evidence.machine), why, evidence.scheduler]
    return Verdict(exclusive, ", ".join(part for part in parts if part))


def _exclusive(evidence: Evidence, wanted: int) -> tuple[bool, str]:
    cores, qos = evidence.cores, evidence.qos
    if not cores or len(cores) >= evidence.machine > 1:
        return False, ""
    if evidence.partition:
        return True, "its own: a cgroup v2 partition"
    if qos in (Qos.BURSTABLE, Qos.BEST_EFFORT):
        return False, (
            f"shared: the pod is {qos}, so give every container, Agones' sidecar too, "
            "limits equal to its requests"
        )
    if qos is Qos.GUARANTEED and wanted:
        if len(cores) == wanted:
            return True, f"its own: a Guaranteed pod with {wanted} whole {_noun(wanted)}"
        return False, (
            f"shared: the pod asked for {wanted}, so this is the node's common pool; its kubelet "
            "needs cpuManagerPolicy: static"
        )
    return False, ""


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
    return f"{_noun(len(cores))} {render_cores(cores)} of {machine}"


def _noun(count: int) -> str:
    return "core" if count == 1 else "cores"


_ALLOWED = re.compile(r"^Cpus_allowed_list:\s*(\S+)$", re.MULTILINE)

GUARANTEED_SCORE: Final = -997
"""What the kubelet gives the processes of Guaranteed pods as oom_score_adj. It shows in the
container where the cgroup's path, which has the class too, is hidden by a namespace."""

BEST_EFFORT_SCORE: Final = 1000


def read(root: Path = Path("/")) -> Evidence:
    """Ask the kernel about this process; ``root`` is where /proc and /sys are."""
    found = _ALLOWED.search(_text(root / "proc/self/status"))
    cores = parse_cores(found[1]) if found else ()
    fallback = _text(root / "sys/fs/cgroup/cpuset.cpus.effective").strip()
    if not cores and fallback:
        cores = parse_cores(fallback)
    return Evidence(
        cores=cores,
        machine=_online(root),
        qos=_qos(root),
        partition=_partition(root),
        scheduler=_scheduler(),
    )


def _online(root: Path) -> int:
    """Cores that are on; os.cpu_count() of some container runtimes tells the container's."""
    text = _text(root / "sys/devices/system/cpu/online").strip()
    try:
        return len(parse_cores(text))
    except Invalid:
        return os.cpu_count() or 1


def _qos(root: Path) -> Qos:
    cgroup = _text(root / "proc/self/cgroup")
    for word, qos in (("besteffort", Qos.BEST_EFFORT), ("burstable", Qos.BURSTABLE)):
        if f"kubepods-{word}" in cgroup or f"kubepods/{word}" in cgroup:
            return qos
    if "kubepods" in cgroup:
        return Qos.GUARANTEED
    if not (root / "var/run/secrets/kubernetes.io").exists() and not os.environ.get(
        "KUBERNETES_SERVICE_HOST"
    ):
        return Qos.UNKNOWN
    score = _text(root / "proc/self/oom_score_adj").strip()
    if not score.lstrip("-").isdigit():
        return Qos.UNKNOWN
    if int(score) == GUARANTEED_SCORE:
        return Qos.GUARANTEED
    return Qos.BEST_EFFORT if int(score) == BEST_EFFORT_SCORE else Qos.BURSTABLE


def _partition(root: Path) -> bool:
    """Whether our cgroup is a partition, whose cores the kernel takes from everybody else.

    Only version 2 has them. Version 1's ``cpu_exclusive`` proves nothing: whoever is in the
    parent's cpuset may still run there.
    """
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            kind = root / "sys/fs/cgroup" / path.lstrip("/") / "cpuset.cpus.partition"
            return _text(kind).strip() in ("root", "isolated")
    return False


def _scheduler() -> str:
    if not hasattr(os, "sched_getscheduler"):
        return ""
    names = {os.SCHED_FIFO: "SCHED_FIFO", os.SCHED_RR: "SCHED_RR"}
    # A class that children do not inherit comes with a bit of its own.
    name = names.get(os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK)
    return f"{name} {os.sched_getparam(0).sched_priority}" if name else ""


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:  # another system, or another version of it
        return ""
