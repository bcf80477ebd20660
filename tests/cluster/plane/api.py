"""The few calls of the Kubernetes API that the harness and its tests make.

It is the test's own view of the cluster, and knows nothing of what is being tested.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

SERVER = "https://127.0.0.1:6443"

GAME_SERVERS = "/apis/agones.dev/v1/namespaces/{}/gameservers"
FLEETS = "/apis/agones.dev/v1/namespaces/{}/fleets"
ALLOCATIONS = "/apis/allocation.agones.dev/v1/namespaces/{}/gameserverallocations"
PODS = "/api/v1/namespaces/{}/pods"

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"


class Refused(Exception):
    """The API server answered with an error; ``status`` is the HTTP status."""

    def __init__(self, method: str, path: str, status: int, body: str) -> None:
        super().__init__(f"{method} {path}: {status} {body[:600]}")
        self.status = status


class Api:
    """One user's connections to the API server."""

    def __init__(self, session: aiohttp.ClientSession, server: str) -> None:
        self._session = session
        self._server = server

    @classmethod
    @asynccontextmanager
    async def open(
        cls, folder: Path, *, connections: int = 32, server: str = SERVER
    ) -> AsyncIterator["Api"]:
        """As the administrator of the plane in that folder."""
        keys = folder / "pki"
        context = ssl.create_default_context(cafile=keys / "ca.crt")
        context.load_cert_chain(keys / "admin.crt", keys / "admin.key")
        connector = aiohttp.TCPConnector(ssl=context, limit=connections)
        timeout = aiohttp.ClientTimeout(total=30)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            yield cls(session, server)

    async def call(
        self, method: str, path: str, body: object = None, kind: str = "application/json"
    ) -> dict[str, Any]:
        """One request; the object that was answered, `Refused` for an error."""
        data = None if body is None else msgspec.json.encode(body)
        async with self._session.request(
            method, self._server + path, data=data, headers={"Content-Type": kind}
        ) as answer:
            text = await answer.read()
            if answer.status >= 300:
                raise Refused(method, path, answer.status, text.decode(errors="replace"))
            return msgspec.json.decode(text) if text.startswith(b"{") else {"text": text.decode()}

    async def get(self, path: str) -> dict[str, Any]:
        return await self.call("GET", path)

    async def items(self, path: str) -> list[dict[str, Any]]:
        """All objects of a list."""
        return list((await self.get(path))["items"])

    async def create(self, path: str, body: object) -> dict[str, Any]:
        return await self.call("POST", path, body)

    async def patch(self, path: str, body: object, kind: str = MERGE) -> dict[str, Any]:
        return await self.call("PATCH", path, body, kind)

    async def apply(self, path: str, body: object) -> dict[str, Any]:
        """Create or change it, server-side."""
        return await self.patch(f"{path}?fieldManager=plane&force=true", body, APPLY)

    async def delete(self, path: str, **options: object) -> None:
        """Delete it; one that is gone already is fine."""
        try:
            await self.call("DELETE", path, options or None)
        except Refused as wrong:
            if wrong.status != 404:
                raise

    async def watch(self, path: str) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """``(type, object)``, first ADDED for all there is, then for as long as it is read.

        The server closes watches when it is short of CPU, and forgets what a watcher has
        missed; both only lead to another list here, so an object may be ADDED again. What
        vanished meanwhile is not told.
        """
        while True:
            try:
                async for event in self._list_and_watch(path):
                    yield event
            except (aiohttp.ClientError, TimeoutError, Refused):
                await asyncio.sleep(0.2)

    async def _list_and_watch(self, path: str) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        listed = await self.get(path)
        for item in listed["items"]:
            yield "ADDED", item
        version = listed["metadata"]["resourceVersion"]
        joint = "&" if "?" in path else "?"
        while True:
            query = f"watch=1&allowWatchBookmarks=true&resourceVersion={version}"
            async with self._session.get(
                f"{self._server}{path}{joint}{query}",
                timeout=aiohttp.ClientTimeout(total=None, sock_read=None),
            ) as stream:
                if stream.status != 200:
                    raise Refused("WATCH", path, stream.status, await stream.text())
                async for line in _lines(stream.content):
                    event = msgspec.json.decode(line)
                    if event["type"] == "ERROR":
                        return
                    version = event["object"]["metadata"]["resourceVersion"]
                    if event["type"] != "BOOKMARK":
                        yield event["type"], event["object"]


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Lines of any length."""
    rest = b""
    async for chunk in content.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line
