"""Cores of one's own by the kernel's word: an exclusive cpuset below this process's cgroup.

Version 2 of cgroups takes the cores of a partition from everybody else on the machine.
Version 1 has only ``cpu_exclusive``, which forbids sibling cpusets the same cores: whoever is
in the parent's cpuset may still run there. The kubelet's static policy sets neither; it keeps
the other containers elsewhere, which is what the second cpuset here does to the neighbour.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.errors import Rejected
from gameserver.cores import render_cores

ROOT: Final = Path("/")
PREFIX: Final = "readyup-jitter-"


class Unavailable(Rejected):
    """This machine, or this user, cannot have it; the message says why."""


@dataclass(frozen=True, slots=True)
class Cpusets:
    """What was made, and where whoever is put into it came from."""

    here: Path
    game: Path
    neighbour: Path
    """Where the noise belongs; ``here`` where the kernel itself keeps it away."""


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """Where a version of cgroups shows this process's own group."""

    version: int
    here: Path


def find(version: int, root: Path = ROOT) -> Hierarchy:
    """This process's group in the hierarchy that has cpusets.

    Raises:
        Unavailable: there is none, or it has no cpusets.
    """
    mounted = _mounted(root)
    if version not in mounted:
        raise Unavailable(
            "no cgroup v1 cpuset hierarchy is mounted: this machine uses v2"
            if version == 1
            else "no cgroup v2 hierarchy is mounted"
        )
    within, folder = mounted[version]
    own = _own_path(version, root)
    if own != within and not own.startswith(within.rstrip("/") + "/"):
        raise Unavailable(f"this process's cgroup v{version} {own} is not visible from here")
    here = root / folder.lstrip("/") / own.removeprefix(within).lstrip("/")
    if version == 2 and "cpuset" not in _read(here / "cgroup.controllers").split():
        raise Unavailable(
            "the cgroup v2 cpuset controller is not there: it is bound to v1"
            if 1 in mounted
            else "the cgroup v2 cpuset controller is not delegated to this process's cgroup"
        )
    return Hierarchy(version, here)


@contextlib.contextmanager
def exclusive(
    version: int, cores: tuple[int, ...], rest: tuple[int, ...], root: Path = ROOT
) -> Iterator[Cpusets]:
    """Cpusets for a game on ``cores`` and a neighbour on ``rest``; gone afterwards.

    Whoever is in them then goes back to where this process is.

    Raises:
        Unavailable: not permitted, or refused by the kernel.
    """
    hierarchy = find(version, root)
    sweep(hierarchy.here)
    with contextlib.ExitStack() as undo:
        try:
            make = _version_1 if version == 1 else _version_2
            made = make(hierarchy.here, cores, rest, undo)
        except OSError as refused:
            root_only = "; needs root" if os.geteuid() else ""
            raise Unavailable(
                f"cgroup v{version}: {refused.strerror or refused} ({_name(refused)}){root_only}"
            ) from refused
        yield made


def put(group: Path, pid: int) -> None:
    """Move a process, with its threads."""
    _write(group / "cgroup.procs", str(pid))


def sweep(here: Path) -> None:
    """Remove what a killed run left; a run that lives, and a group in use, are let alone."""
    for left in here.glob(PREFIX + "*"):
        pid = left.name.removeprefix(PREFIX).partition("-")[0]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            with contextlib.suppress(OSError):
                left.rmdir()


def describe_own(root: Path = ROOT) -> str:
    """The kernel's word on the cpuset that this process is in, from inside."""
    for version in (2, 1):
        try:
            here = find(version, root).here
        except (Unavailable, OSError):
            continue
        if version == 2:
            kind = _text(here / "cpuset.cpus.partition")
            return f"v2 {_text(here / 'cpuset.cpus.effective')} {kind or 'the root'}"
        alone = _text(here / "cpuset.cpu_exclusive") == "1" and here.name.startswith(PREFIX)
        return f"v1 {_text(here / 'cpuset.effective_cpus')}{' exclusive' if alone else ''}"
    return ""


def _version_1(
    here: Path, cores: tuple[int, ...], rest: tuple[int, ...], undo: contextlib.ExitStack
) -> Cpusets:
    memory = _read(here / "cpuset.mems").strip()
    groups = []
    for name, own in (("game", cores), ("neighbour", rest)):
        group = _made(here, name, undo)
        _write(group / "cpuset.cpus", render_cores(own))
        _write(group / "cpuset.mems", memory)
        groups.append(group)
    game, neighbour = groups
    _write(game / "cpuset.cpu_exclusive", "1")
    return Cpusets(here, game, neighbour)


def _version_2(
    here: Path, cores: tuple[int, ...], _: tuple[int, ...], undo: contextlib.ExitStack
) -> Cpusets:
    subtree = here / "cgroup.subtree_control"
    if "cpuset" not in _read(subtree).split():
        _write(subtree, "+cpuset")
        undo.callback(_write, subtree, "-cpuset")
    game = _made(here, "game", undo)
    _write(game / "cpuset.cpus", render_cores(cores))
    with contextlib.suppress(FileNotFoundError):  # kernels before 6.7
        _write(game / "cpuset.cpus.exclusive", render_cores(cores))
    partition = game / "cpuset.cpus.partition"
    _write(partition, "isolated")
    undo.callback(_write, partition, "member")
    told = _read(partition).strip()
    if told != "isolated":
        raise Unavailable(f"cgroup v2: the kernel says {told!r} to an isolated partition here")
    return Cpusets(here, game, here)


def _made(here: Path, name: str, undo: contextlib.ExitStack) -> Path:
    group = here / f"{PREFIX}{os.getpid()}-{name}"
    group.mkdir()

    def remove() -> None:
        for pid in _read(group / "cgroup.procs").split():
            with contextlib.suppress(ProcessLookupError):
                put(here, int(pid))
        group.rmdir()

    undo.callback(remove)
    return group


def _mounted(root: Path) -> dict[int, tuple[str, str]]:
    """By version: which part of the hierarchy is mounted, and where."""
    found: dict[int, tuple[str, str]] = {}
    for line in _text(root / "proc/self/mountinfo").splitlines():
        ours, _, its = line.partition(" - ")
        within, folder = ours.split()[3:5]
        kind, _, options = its.split(maxsplit=2)
        if kind == "cgroup" and "cpuset" in options.split(","):
            found[1] = within, folder
        elif kind == "cgroup2":
            found[2] = within, folder
    return found


def _own_path(version: int, root: Path) -> str:
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if "cpuset" in controllers.split(",") if version == 1 else not controllers:
            return path
    return "/"


def _name(refused: OSError) -> str:
    return Path(str(refused.filename)).name if refused.filename else "write"


def _read(path: Path) -> str:
    return path.read_text(encoding="ascii")


def _text(path: Path) -> str:
    try:
        return _read(path).strip()
    except OSError:  # the system does not tell
        return ""


def _write(path: Path, text: str) -> None:
    """The kernel judges when the file is written to; it is never created by us."""
    fd = os.open(path, os.O_WRONLY)
    try:
        os.write(fd, text.encode())
    except OSError as refused:
        refused.filename = str(path)
        raise
    finally:
        os.close(fd)
