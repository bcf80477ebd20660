"""Processes of the demo: one for each role, started again when it dies before its time."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import structlog

from core.children import dies_with_parent
from fleets.local.output import last_line

log = structlog.get_logger("readyup.demo")

AGAIN_S = 0.5
"""Pause before a role is started again; doubled up to 8 s while it keeps dying at once."""

STOP_S = 12.0
"""Grace of a role that was told to stop; the fleets role ends its servers in it."""


class RoleProcess:
    """One process. ``run`` is its service: it lives until ``stop``, and so does the process."""

    def __init__(
        self,
        name: str,
        arguments: list[str],
        *,
        env: Mapping[str, str],
        output: Path,
        doors: Sequence[int] = (),
    ) -> None:
        """``doors`` are the sockets it inherits, in every life."""
        self.name = name
        self.restarts = 0
        """How often it died before its time and was started again."""

        self.pid = 0
        """0 while there is none."""

        self._arguments = arguments
        self._env = dict(env)
        self._output = output
        self._doors = tuple(doors)

    async def run(self, stop: asyncio.Event) -> None:
        """Keep the process running until ``stop``, then end it and wait for it."""
        pause_s = AGAIN_S / 2
        while not stop.is_set():
            began_s = asyncio.get_running_loop().time()
            process = await self._start()
            self.pid = process.pid
            try:
                if await _ended_before(process, stop):
                    self.pid = 0
                    self.restarts += 1
                    self._tell_death(process.returncode)
                    lived_s = asyncio.get_running_loop().time() - began_s
                    pause_s = AGAIN_S if lived_s > 10 else min(8.0, pause_s * 2)
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(pause_s):
                            await stop.wait()
            finally:
                await _end(process)
                self.pid = 0

    def _tell_death(self, code: int | None) -> None:
        """With its last words, unless it was killed and could have none."""
        told = log.bind(role=self.name, code=code, log=str(self._output))
        if code == -signal.SIGKILL:
            told.warning("role.died")
        else:
            told.warning("role.died", said=last_line(self._output))

    async def _start(self) -> asyncio.subprocess.Process:
        self._output.parent.mkdir(parents=True, exist_ok=True)
        with self._output.open("ab") as output:
            return await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "readyup",
                *self._arguments,
                env=self._env,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=self._doors,
                preexec_fn=dies_with_parent(),
            )


async def _ended_before(process: asyncio.subprocess.Process, stop: asyncio.Event) -> bool:
    async with asyncio.TaskGroup() as group:
        stopped = group.create_task(stop.wait(), name="stop")
        ended = group.create_task(process.wait(), name="ended")
        await asyncio.wait([stopped, ended], return_when=asyncio.FIRST_COMPLETED)
        died = ended.done() and not stop.is_set()
        stopped.cancel()
        ended.cancel()
    return died


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
        # One that was stopped with SIGSTOP hears nothing until it goes on.
        process.send_signal(signal.SIGCONT)
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    except TimeoutError:
        log.warning("role.killed", pid=process.pid)
        process.kill()
        await process.wait()
