"""A second cluster, as in another region: in a network of its own, with one way in.

Its programs have the ports that every plane's have, so it cannot be in the same network. A
thread starts it in a new one and stays there; what connects the two is a Unix socket, which
both see as a file: a port here leads through it to that API server.
"""

import asyncio
import contextlib
import dataclasses
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from tests.cluster.plane import network
from tests.cluster.plane.agones import Agones
from tests.cluster.plane.api import Api
from tests.cluster.plane.plane import Options, Plane
from tests.cluster.plane.programs import Program

_API = ("127.0.0.1", 6443)
_CHUNK = 2**16

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class FarPlane(Plane):
    """A cluster elsewhere. What is reached here is its API server, and the pods that run here."""

    def __init__(self, folder: Path, count: int, port: int) -> None:
        super().__init__(folder, count, with_agones=True)
        self.port = port
        self.agones = FarAgones(folder, port)
        self.kubeconfig = folder / "kubeconfig-from-afar"
        config = json.loads((folder / "kubeconfig").read_text("utf-8"))
        config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{port}"
        self.kubeconfig.write_text(json.dumps(config), "utf-8")

    def api(self) -> contextlib.AbstractAsyncContextManager[Api]:
        return Api.open(self.folder, server=f"https://127.0.0.1:{self.port}")


@dataclasses.dataclass(frozen=True)
class FarAgones(Agones):
    """Its SDK servers run here, and reach their API server as everybody here does."""

    port: int = 0

    @property
    def sdk_server(self) -> Program:
        pattern = super().sdk_server
        there = {"KUBERNETES_SERVICE_PORT": str(self.port)}
        return dataclasses.replace(pattern, env=pattern.env | there)


@contextlib.asynccontextmanager
async def far_plane(folder: Path, options: Options) -> AsyncIterator[FarPlane]:
    """Another cluster, for as long as the block lasts."""
    door = folder / "door"
    folder.mkdir(parents=True)
    loop, up, over = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
    wrong: list[Exception] = []

    def live() -> None:
        """Programs die with the thread that started them, so it stays until the end."""
        try:
            network.enter()
            plane = Plane.start(folder / "plane", options)
            try:
                asyncio.run(_serve(door, lambda: loop.call_soon_threadsafe(up.set), over))
            finally:
                plane.stop()
        except (RuntimeError, OSError) as failed:
            wrong.append(failed)
        finally:
            loop.call_soon_threadsafe(up.set)

    thread = threading.Thread(target=live, name="far-plane")
    thread.start()
    try:
        await up.wait()
        if wrong:
            raise wrong[0]
        here = await asyncio.start_server(
            lambda *ends: _relay(ends, lambda: asyncio.open_unix_connection(door)), "127.0.0.1", 0
        )
        async with here:
            port = here.sockets[0].getsockname()[1]
            yield FarPlane(folder / "plane", options.nodes, port)
    finally:
        over.set()
        await asyncio.to_thread(thread.join)


async def _serve(door: Path, up: Callable[[], object], over: threading.Event) -> None:
    there = await asyncio.start_unix_server(
        lambda *ends: _relay(ends, lambda: asyncio.open_connection(*_API)), door
    )
    up()
    await asyncio.to_thread(over.wait)
    there.close()


async def _relay(ends: Ends, dial: Callable[[], Awaitable[Ends]]) -> None:
    """Both ways, until either end is closed."""
    reader, writer = ends
    # Cancelled it is only with the whole door, and whoever opened that is told by asyncio.
    with contextlib.suppress(OSError, asyncio.CancelledError):
        far_reader, far_writer = await dial()
        ways = [
            asyncio.create_task(_copy(reader, far_writer)),
            asyncio.create_task(_copy(far_reader, writer)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        far_writer.transport.abort()
    writer.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
