"""A demo that plays without a screen, and its processes, for whoever would harm them."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

from core.address import Endpoint, Kind
from core.ensemble import Ensemble
from core.errors import StoreUnreachable
from deploy.monitoring.targets import targets
from readyup.settings import Config, load

ROLES = ("allocator-1", "api-1", "director-1", "director-2", "fleets-1")
UP_S = 60.0


@dataclass
class Demo:
    """One that runs without a screen."""

    folder: Path
    process: asyncio.subprocess.Process

    def config(self) -> Config:
        """With the ports that were free."""
        return load(self.folder / "readyup.json", environ={})

    def api(self) -> str:
        """Base of the player API."""
        return f"http://127.0.0.1:{self.config().api.port}"

    def console(self) -> str:
        """Base of the console."""
        return f"http://127.0.0.1:{self.config().console.port}"

    def pid(self, name: str) -> int:
        """Of a role's process, by the words it was started with."""
        words = f"--config\0{self.folder}/readyup.json\0--name\0{name}\0"
        (found,) = [pid for pid, said in processes() if words in said]
        return found

    def servers(self) -> list[int]:
        """The game servers, the oldest first."""
        fleets = self.pid("fleets-1")
        return sorted(
            pid for pid, said in processes() if "gameserver.arena" in said and parent(pid) == fleets
        )

    def stores(self) -> dict[str, int]:
        """Its Valkeys: their addresses, or the one's socket, to their numbers; no Sentinels."""
        return {
            said.split("\0")[0].split()[1]: pid
            for pid, said in processes()
            if "valkey-server " in said
            and "[sentinel]" not in said
            and parent(pid) == self.process.pid
        }

    def ensemble(self) -> Ensemble:
        """Its store, to be asked; its processes are the demo's."""
        return Ensemble(self.config().store.url, {})

    async def primary(self) -> Endpoint:
        """As the Sentinels say."""
        async with asyncio.timeout(30):
            while True:
                # Sentinels of a busy machine need more than a moment.
                with contextlib.suppress(StoreUnreachable):
                    (found,) = await self.ensemble().slots()
                    return found
                await asyncio.sleep(0.5)

    async def readyup(self, *words: str) -> str:
        """What one of our commands printed; it must end well."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "readyup", *words),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=os.environ | {"COLUMNS": "140"},
        )
        said, complained = await process.communicate()
        assert process.returncode == 0, (words, complained.decode())
        return said.decode()

    async def operator(self, *words: str) -> str:
        """As `readyup operator` does it."""
        return await self.readyup("operator", *words, "--url", self.console())


def processes() -> Iterator[tuple[int, str]]:
    """Every process of this machine with its words."""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            yield int(file.parent.name), file.read_text("utf-8", "replace")


def parent(pid: int) -> int:
    """Whose child it is; 0 once it is gone."""
    with contextlib.suppress(OSError):
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8")
        return int(stat.rpartition(")")[2].split()[1])
    return 0


@contextlib.contextmanager
def standing_still(*pids: int) -> Iterator[None]:
    """They do nothing while the block lasts."""
    told(pids, signal.SIGSTOP)
    try:
        yield
    finally:
        told(pids, signal.SIGCONT)


def told(pids: tuple[int, ...] | list[int], what: signal.Signals) -> None:
    """Signal those that still live."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, what)


@contextlib.asynccontextmanager
async def demo(folder: Path, *, store: Kind = "server", play_s: int = 120) -> AsyncIterator[Demo]:
    """Play until the block ends."""
    ports = {f"READYUP_{name}_PORT": "0" for name in ("API", "CONSOLE", "SESSIONS")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "readyup", "demo", "--headless", "--players", "60"),
        *("--duration", str(play_s), "--redis", store, "--dir", str(folder)),
        env={**os.environ, **ports},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(UP_S):
            while not all(f'"{role}"' in targets(folder) for role in ROLES):
                assert process.returncode is None, "the demo did not begin"
                await asyncio.sleep(0.1)
        yield Demo(folder, process)
    finally:
        await _ended(process)


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Asked twice: the second one ends it at once."""
    for _ in range(2):
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)
        await asyncio.sleep(0.5)
    await process.wait()
