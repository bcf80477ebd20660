"""No game server outlives its role: a file for each child, and a sweep at the next start.

PDEATHSIG already ends the children of a role that was killed. The sweep ends what that
cannot reach (a child's own children), and only what is provably ours: the process with
the recorded id and start time, and processes that carry its server's uid.
"""

import contextlib
import fcntl
import os
import signal
from dataclasses import dataclass
from pathlib import Path

import msgspec

from core.errors import Conflict
from core.ids import ServerUid

PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Record:
    """One child as its file keeps it."""

    pid: int
    started_ticks: int
    """Clock ticks from the machine's start to the process's; a reused id has another one."""

    boot: str
    """Which start of the machine that was."""

    uid: ServerUid


class Registry:
    """The children of one run folder. One role at a time may hold it."""

    def __init__(self, folder: Path) -> None:
        """Take the folder.

        Raises:
            Conflict: another fleets role lives there.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._lock = (folder / "lock").open("ab")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise Conflict(
                f"another fleets role uses {folder}; stop it, or choose another run folder"
            ) from None

    def close(self) -> None:
        """Let the folder go."""
        self._lock.close()

    def add(self, name: str, uid: ServerUid, pid: int) -> None:
        """Remember a child. One that has already ended needs no memory."""
        if started_ticks := _started_ticks(pid):
            record = Record(pid, started_ticks, _boot(), uid)
            self._file(name).write_bytes(msgspec.json.encode(record))

    def remove(self, name: str) -> None:
        """Forget a child that has ended."""
        self._file(name).unlink(missing_ok=True)

    def sweep(self) -> int:
        """End what a dead predecessor left; how many processes that were."""
        records = []
        for path in self._folder.glob("*.json"):
            with contextlib.suppress(msgspec.DecodeError, OSError):
                records.append(msgspec.json.decode(path.read_bytes(), type=Record))
            path.unlink(missing_ok=True)
        ours = [record for record in records if record.boot == _boot()]
        left = {one.pid for one in ours if _started_ticks(one.pid) == one.started_ticks}
        left |= _carrying({one.uid for one in ours})
        for pid in left - {os.getpid()}:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        return len(left)

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.json"


def _started_ticks(pid: int) -> int:
    """Field 22 of ``/proc/<pid>/stat``; 0 when there is no such process, or no ``/proc``."""
    try:
        after_name = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if after_name[0] in "ZX" else int(after_name[19])


def _boot() -> str:
    with contextlib.suppress(OSError):
        return (PROC / "sys/kernel/random/boot_id").read_text().strip()
    return ""


def _carrying(uids: set[ServerUid]) -> set[int]:
    """Processes in whose environment one of these uids stands; 128 random bits are proof."""
    marks = {f"READYUP_SERVER_UID={uid}".encode() for uid in uids}
    found: set[int] = set()
    if not marks or not PROC.is_dir():
        return found
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if not marks.isdisjoint((entry / "environ").read_bytes().split(b"\0")):
                    found.add(int(entry.name))
    return found
