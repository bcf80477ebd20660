"""One program of the plane: started, found again by its pid file, frozen, killed, started again."""

import ctypes
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from core.children import dies_with_parent

_CLONE_NEWNS = 0x00020000
_MS_BIND = 0x1000
_MS_REC = 0x4000
_MS_PRIVATE = 0x40000

_children: dict[int, subprocess.Popen[bytes]] = {}
"""Those of this process: each must be waited for, or it stays as a zombie."""


@dataclass(frozen=True)
class Program:
    """What to start, and where it writes."""

    name: str
    argv: tuple[str, ...]
    folder: str
    """Where its log and its pid file are."""

    env: dict[str, str]
    """Its whole environment."""

    root: str = ""
    """It sees this folder as the root of the file system; "" for ours."""

    outlives: bool = False
    """It goes on when the process that started it ends, however that ends."""

    @property
    def log(self) -> Path:
        return Path(self.folder) / f"{self.name}.log"

    @property
    def pid_file(self) -> Path:
        return Path(self.folder) / f"{self.name}.pid.json"

    def start(self) -> int:
        """Start it; its pid. The pid file tells all that a later `start` needs.

        What is done between fork and exec is Python; a test run has no thread that could
        hold a lock of Python's C library at that moment.
        """
        with self.log.open("ab") as log:
            child = subprocess.Popen(
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.env,
                cwd="/" if self.root else None,
                preexec_fn=_before_exec(self.root, self.outlives),  # noqa: PLW1509
            )
        _children[child.pid] = child
        written = {"pid": child.pid, "born": _born(child.pid), "program": asdict(self)}
        self.pid_file.write_text(json.dumps(written), "utf-8")
        return child.pid

    @property
    def pid(self) -> int | None:
        """Its pid while it runs. A pid that another process has by now is not it."""
        try:
            written = json.loads(self.pid_file.read_text("utf-8"))
        except FileNotFoundError:
            return None
        if child := _children.get(written["pid"]):
            child.poll()
        return written["pid"] if _born(written["pid"]) == written["born"] else None

    @property
    def exit_code(self) -> int | None:
        """How it ended, as a shell tells it; None while it runs, or if another started it."""
        child = _children.get(self._last_pid)
        if child is None or child.poll() is None:
            return None
        return child.returncode if child.returncode >= 0 else 128 - child.returncode

    @property
    def _last_pid(self) -> int:
        return int(json.loads(self.pid_file.read_text("utf-8"))["pid"])

    def send(self, which: signal.Signals) -> None:
        """Send a signal; nothing happens to a program that does not run."""
        if pid := self.pid:
            os.kill(pid, which)

    def stop(self, patience_s: float = 2.0) -> None:
        """Ask it to end, then make it end; returns once it is gone."""
        self.send(signal.SIGCONT)
        self.send(signal.SIGTERM)
        until = time.monotonic() + patience_s
        while self.pid and time.monotonic() < until:
            time.sleep(0.02)
        self.kill()
        self.pid_file.unlink(missing_ok=True)

    def kill(self) -> None:
        """End it at once, as a machine that loses power would."""
        self.send(signal.SIGKILL)
        while self.pid:
            time.sleep(0.01)

    def last_words(self, lines: int = 12) -> str:
        """The end of its log, for an error message."""
        try:
            return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-lines:])
        except FileNotFoundError:
            return "(it wrote nothing)"


def found(folder: Path) -> list[Program]:
    """The programs with a pid file there, oldest first, running or not."""
    files = sorted(folder.glob("*.pid.json"), key=lambda file: file.stat().st_mtime_ns)
    programs = [json.loads(file.read_text("utf-8"))["program"] for file in files]
    return [Program(**{**program, "argv": tuple(program["argv"])}) for program in programs]


def _before_exec(root: str, outlives: bool) -> Callable[[], None]:
    bind_life = os.setsid if outlives else dies_with_parent()
    library = ctypes.CDLL(None)

    def prepare() -> None:
        bind_life()
        if root:
            # Programs look for themselves in /proc. The mount is seen, and lives, only here.
            library.unshare(_CLONE_NEWNS)
            library.mount(None, b"/", None, _MS_REC | _MS_PRIVATE, None)
            library.mount(b"/proc", f"{root}/proc".encode(), None, _MS_REC | _MS_BIND, None)
            os.chroot(root)

    return prepare


def _born(pid: int) -> int:
    """When a process started, in clock ticks since the machine did; 0 for none that runs.

    Of a program that is ending, the first thread is a zombie while others still hold its
    sockets: that one runs.
    """
    process = Path(f"/proc/{pid}")
    try:
        status = (process / "stat").read_text("utf-8").rpartition(")")[2].split()
        over = status[0] in "ZX" and len([*(process / "task").iterdir()]) < 2
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return 0 if over else int(status[19])
