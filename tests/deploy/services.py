"""Stands in for kube-proxy: connections to a Service go to its pods in turn."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Sequence

CHUNK = 65536


@contextlib.asynccontextmanager
async def service(hosts: Sequence[str], port: int, pods: Sequence[str]) -> AsyncIterator[None]:
    """Serve that port of those addresses by the same port of the pods', while the block lasts.

    A pod that does not answer is passed over. Connections end with the block.
    """
    turns = itertools.cycle(range(len(pods)))
    open_lines: set[asyncio.Task[None]] = set()

    async def reached() -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        first = next(turns)
        for n in range(len(pods)):
            with contextlib.suppress(OSError):
                return await asyncio.open_connection(pods[(first + n) % len(pods)], port)
        return None

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        open_lines.add(task)
        try:
            if line := await reached():
                await joined(reader, writer, *line)
        finally:
            open_lines.discard(task)
            writer.close()

    server = await asyncio.start_server(serve, list(hosts), port)
    try:
        yield
    finally:
        server.close()
        for task in tuple(open_lines):
            task.cancel()
        if open_lines:
            await asyncio.wait(open_lines)


async def joined(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    far_reader: asyncio.StreamReader,
    far_writer: asyncio.StreamWriter,
) -> None:
    """Carry both ways until both have ended."""
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(carry(reader, far_writer), name="there")
            group.create_task(carry(far_reader, writer), name="back")
    finally:
        far_writer.close()


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry one way until it ends, and pass the end on."""
    with contextlib.suppress(OSError):
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.write_eof()
