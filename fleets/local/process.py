"""One pinned child: started, watched, and ended with everything it started.

A child dies with this process, however that ends (PDEATHSIG follows the thread that
started it, so the role's event loop runs on the main thread). It leads a session and
process group of its own, and inherits three things: an environment made for it, its
output pipe, and a pipe with the seed of its key.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from core.errors import Invalid
from fleets.local.output import CappedLog, Output

KEPT_ENV = ("PATH", "HOME", "LANG", "PYTHONPATH", "PYTHONHOME")
"""All that a game server sees of our environment: no cloud credentials, no Redis."""

LAUNCHER = Path(__file__).with_name("launch.py")
EXIT_POLL_S = 0.05  # only where the system has no pidfd


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start a child."""

    command: tuple[str, ...]
    env: Mapping[str, str]
    """Set beside what is kept of ours."""

    cores: tuple[int, ...]
    """Processors to pin it to; empty does not pin."""

    seed: bytes
    """Secret that it finds in the pipe whose number is in ``READYUP_SERVER_KEY_FD``."""

    log: Path
    log_bytes_max: int = 1_000_000


class Child:
    """A running process and its group. Made by ``Child.spawn``."""

    def __init__(self, process: "subprocess.Popen[bytes]", output: Output) -> None:
        self.pid = process.pid
        self.exited: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        """The exit code, negative for a signal; once it is there, the whole group is gone."""

        self._process = process
        self._output = output
        self._watch()

    @classmethod
    def spawn(cls, launch: Launch) -> Self:
        """Start it; returns before its program runs.

        Raises:
            Invalid: there is no such program.
        """
        env = {name: os.environ[name] for name in KEPT_ENV if name in os.environ}
        env.update(launch.env)
        program, *arguments = launch.command
        found = shutil.which(program, path=env.get("PATH"))
        if found is None:
            raise Invalid(
                f"there is no program {program!r} on this machine's PATH", field="$.command"
            )
        output = Output(CappedLog(launch.log, launch.log_bytes_max))
        key_fd = _pipe_with(launch.seed)
        cores = ",".join(str(core) for core in launch.cores)
        try:
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", LAUNCHER, str(os.getpid()), cores, found, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output.write_fd,
                stderr=output.write_fd,
                env={**env, "READYUP_SERVER_KEY_FD": str(key_fd)},
                pass_fds=(key_fd,),
                start_new_session=True,
            )
        except OSError as wrong:
            output.started()
            output.close()
            raise Invalid(f"cannot start {program!r}: {wrong}", field="$.command") from wrong
        finally:
            os.close(key_fd)
        output.started()
        return cls(process, output)

    async def end(self, grace_s: float) -> int:
        """SIGTERM to the group, SIGKILL after ``grace_s``; the exit code. Twice is fine."""
        if not self.exited.done():
            self._signal(signal.SIGTERM)
            await asyncio.wait([self.exited], timeout=grace_s)
        if not self.exited.done():
            self._signal(signal.SIGKILL)
        return await asyncio.shield(self.exited)

    def _signal(self, number: signal.Signals) -> None:
        # Until its leader is reaped the group's id belongs to nobody else.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            pidfd = os.pidfd_open(self.pid)
        except (AttributeError, OSError):
            self._poll(loop)
            return

        def seen() -> None:
            loop.remove_reader(pidfd)
            os.close(pidfd)
            self._reap()

        loop.add_reader(pidfd, seen)

    def _poll(self, loop: asyncio.AbstractEventLoop) -> None:
        if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            loop.call_later(EXIT_POLL_S, self._poll, loop)
        else:
            self._reap()

    def _reap(self) -> None:
        """It is a zombie: end what it left behind, keep its last words, let it go."""
        self._signal(signal.SIGKILL)
        code = self._process.wait()
        self._output.close()
        self.exited.set_result(code)


def _pipe_with(secret: bytes) -> int:
    """The reading end of a pipe that holds the secret; the writing end is closed."""
    read_fd, write_fd = os.pipe()
    os.write(write_fd, secret)
    os.close(write_fd)
    return read_fd
