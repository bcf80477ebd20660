"""Processes of a benchmark: started, spoken to over their pipes, and gone when it is."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from core.errors import Unreachable


class Process:
    """A child that obeys what is written to it, and ends when its input does."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pid = process.pid

    async def ask(self, word: bytes, *, within_s: float, line: bool) -> bytes:
        """Say something and hear the answer: a line or one byte.

        Raises:
            Unreachable: it ended, or said nothing in time.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            async with asyncio.timeout(within_s):
                stdin.write(word)
                answer = await (stdout.readline() if line else stdout.read(1))
        except (TimeoutError, OSError) as silent:
            raise Unreachable(f"process {self.pid} does not answer") from silent
        if not answer:
            raise Unreachable(f"process {self.pid} ended: {await self._process.wait()}")
        return answer


@contextlib.asynccontextmanager
async def child(module: str, argument: str) -> AsyncIterator[Process]:
    """A Python process of ours; closing its input ends it, and being deaf to that does too."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, argument),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for the benchmark, which closes their inputs
    )
    try:
        yield Process(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(5):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def allowed(pid: int) -> str:
    """The kernel's word on where a process may run."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "Cpus_allowed_list":
            return value.strip()
    return ""
