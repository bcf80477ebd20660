"""Somebody between us and the API server, who counts what is asked and may answer instead."""

import asyncio
import contextlib
import ssl
from collections import Counter, deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import msgspec
from aiohttp import web

from core.web import serve_app
from tests.cluster.plane.api import SERVER
from tests.cluster.plane.plane import Plane

ASKED = ("Content-Type", "Accept", "User-Agent")


@dataclass
class Meddler:
    """Passes on every request as the administrator, except those that ``faults`` are for."""

    kubeconfig: Path
    faults: deque[int] = field(default_factory=deque)
    """Statuses answered to the next writes, in place of the API server; 0 passes on."""

    asked: Counter[str] = field(default_factory=Counter)
    _open: set[asyncio.Transport] = field(default_factory=set)
    _sees: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._sees.set()

    @contextlib.asynccontextmanager
    async def blind(self) -> AsyncIterator[None]:
        """Cut every connection through here; what is asked then waits for the block's end."""
        self._sees.clear()
        for connection in tuple(self._open):
            connection.abort()
        try:
            yield
        finally:
            self._sees.set()

    def writes(self) -> int:
        """Requests that change something."""
        return sum(n for what, n in self.asked.items() if not what.startswith("GET"))


@contextlib.asynccontextmanager
async def meddling(plane: Plane, folder: Path) -> AsyncIterator[Meddler]:
    """A meddler, and a kubeconfig that leads to it."""
    meddler = Meddler(folder / "kubeconfig")
    async with _session(plane) as session:

        async def answer(request: web.Request) -> web.StreamResponse:
            connection = request.transport
            assert connection is not None
            await meddler._sees.wait()
            if connection.is_closing():  # whoever asked has lost patience
                return web.Response(status=502)
            meddler.asked[f"{request.method} {request.path.rpartition('/')[2]}"] += 1
            if request.method != "GET" and meddler.faults and (code := meddler.faults.popleft()):
                body = {"kind": "Status", "code": code, "message": "meddled with"}
                return web.json_response(body, status=code)
            meddler._open.add(connection)
            try:
                return await _pass_on(session, request)
            finally:
                meddler._open.discard(connection)

        app = web.Application(client_max_size=2**24)
        app.router.add_route("*", "/{path:.*}", answer)
        async with serve_app(app, drain_s=0.1) as port:
            meddler.kubeconfig.write_bytes(_kubeconfig(f"http://127.0.0.1:{port}"))
            yield meddler


async def _pass_on(session: aiohttp.ClientSession, request: web.Request) -> web.StreamResponse:
    headers = {name: request.headers[name] for name in ASKED if name in request.headers}
    body = await request.read() or None
    try:
        async with session.request(
            request.method, f"{SERVER}{request.path_qs}", data=body, headers=headers
        ) as said:
            answer = web.StreamResponse(
                status=said.status, headers={"Content-Type": said.content_type}
            )
            await answer.prepare(request)
            async for chunk in said.content.iter_any():
                await answer.write(chunk)
            return answer
    except (aiohttp.ClientError, TimeoutError, OSError):
        # As a connection that breaks: the client is to find out by itself.
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=502)


def _session(plane: Plane) -> aiohttp.ClientSession:
    keys = plane.folder / "pki"
    context = ssl.create_default_context(cafile=keys / "ca.crt")
    context.load_cert_chain(keys / "admin.crt", keys / "admin.key")
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=context, limit=0),
        timeout=aiohttp.ClientTimeout(total=None),
    )


def _kubeconfig(server: str) -> bytes:
    return msgspec.json.encode({
        "current-context": "one",
        "contexts": [{"name": "one", "context": {"cluster": "there", "user": "me"}}],
        "clusters": [{"name": "there", "cluster": {"server": server}}],
        "users": [{"name": "me", "user": {}}],
    })  # fmt: skip
