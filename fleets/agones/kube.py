"""Calls to the API server: plain values in and out, each with a deadline and an error of ours.

Connections, TLS and proxies come from the ``kubernetes`` package; its models do not, since
a thousand game servers cost seconds of CPU as objects and milliseconds as dicts.
"""

import asyncio
import contextlib
import math
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode

import aiohttp
import structlog

from core.errors import Invalid, Unauthorized
from fleets.agones.answers import decoded, refusal
from fleets.agones.credentials import authorization, load_credentials, same_connection
from fleets.agones.metrics import AgonesMetrics
from fleets.agones.settings import KubernetesSettings
from fleets.ports import BackendAway

if TYPE_CHECKING:
    from kubernetes.aio.client import Configuration
    from kubernetes.aio.client.rest import RESTClientObject

Object = dict[str, Any]
"""One object of the API, as its JSON says."""

Patch = Literal["merge", "apply", "json"]

CONTENT_TYPES: Mapping[Patch, str] = {
    "merge": "application/merge-patch+json",
    # JSON is YAML, so it may be called that, and every API server of today knows the name.
    "apply": "application/apply-patch+yaml",
    "json": "application/json-patch+json",
}
WATCHES = 8
"""Connections beside those of takes: watches, scales, applies."""

GRACE_S = 5.0
"""The server ends a watch by itself; one that has not by then is dead."""

RELOAD_S = 5.0
"""Credentials are loaded anew no more often than this."""

FAILURES = (aiohttp.ClientError, TimeoutError, OSError, EOFError)

log = structlog.get_logger("readyup.fleets")


class Kube:
    """The API server. Use ``async with Kube.open(...) as kube``; any number may call at once."""

    def __init__(
        self, settings: KubernetesSettings, loaded: "Configuration", metrics: AgonesMetrics
    ) -> None:
        self.settings = settings
        self._metrics = metrics
        self._loaded = loaded
        self._rest = _connections(loaded, settings)
        self._reloading = asyncio.Lock()
        self._reloaded_s = float("-inf")

    @classmethod
    @contextlib.asynccontextmanager
    async def open(
        cls, settings: KubernetesSettings, metrics: AgonesMetrics
    ) -> AsyncIterator["Kube"]:
        """Load the credentials; nothing is asked yet.

        Raises:
            Invalid: there are no credentials, or wrong ones.
        """
        kube = cls(settings, await load_credentials(settings), metrics)
        try:
            yield kube
        finally:
            await kube.close()

    async def close(self) -> None:
        """Close the connections; watches end with them."""
        await self._rest.close()

    async def get(self, path: str, **query: str | int) -> Object:
        """One object, or one page of a list.

        Raises:
            Rejected: it is not there, not allowed, or no longer kept (``Gone``).
            BackendAway: nobody answered in time, or asks for patience.
        """
        return await self._ask("GET", path, query)

    async def post(self, path: str, body: Object, **query: str | int) -> Object:
        """Create an object; what became of it. Raises as ``get``, and ``Conflict``."""
        return await self._ask("POST", path, query, body)

    async def patch(self, path: str, body: object, *, kind: Patch = "merge") -> Object:
        """Change an object; ``apply`` makes the fields of the body ours. Raises as ``post``."""
        query: dict[str, str | int] = {"fieldManager": self.settings.field_manager}
        if kind == "apply":
            query["force"] = "true"
        if kind == "json":
            query = {}
        return await self._ask("PATCH", path, query, body, content=CONTENT_TYPES[kind])

    async def delete(self, path: str, *, uid: str = "") -> None:
        """Delete an object, only in the life that ``uid`` names. Raises as ``post``."""
        options: Object = {"apiVersion": "v1", "kind": "DeleteOptions"}
        if uid:
            options["preconditions"] = {"uid": uid}
        await self._ask("DELETE", path, {}, options)

    async def watch(
        self, path: str, version: str, *, timeout_s: float
    ) -> AsyncGenerator[Object, None]:
        """Events after a version, bookmarks among them, until the server ends it.

        Raises:
            Gone: that version is kept no more.
            BackendAway: the connection broke, or was silent beyond the agreed end.
        """
        query: dict[str, str | int] = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": math.ceil(timeout_s),
        }
        loop = asyncio.get_running_loop()
        until_s = loop.time() + timeout_s + GRACE_S
        what = f"watch {path}"
        async with self._answer("GET", path, query, None, content="application/json") as answer:
            while True:
                try:
                    # A deadline for each line: one around a yield would end the caller's work.
                    async with asyncio.timeout_at(until_s):
                        line = await answer.content.readline()
                except (*FAILURES, ValueError) as broken:
                    raise BackendAway(f"{what}: {_told(broken)}") from broken
                if not line:
                    return
                event = decoded(line)
                if not isinstance(event, dict) or not isinstance(event.get("object"), dict):
                    raise BackendAway(f"{what}: this is no event: {line[:80]!r}")
                if event.get("type") == "ERROR":
                    status = event["object"]
                    raise refusal(int(status.get("code") or 500), status, what)
                yield event

    async def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | int],
        body: object = None,
        *,
        content: str = "application/json",
    ) -> Object:
        what = f"{method} {path}"
        try:
            async with (
                asyncio.timeout(self.settings.request_timeout_s),
                self._answer(method, path, query, body, content=content) as answer,
            ):
                said = decoded(await answer.read())
        except FAILURES as broken:
            self._metrics.requests.labels(method, "lost").inc()
            raise BackendAway(f"{what}: {_told(broken)}") from broken
        if not isinstance(said, dict):
            raise BackendAway(f"{what}: the answer is no JSON object")
        return said

    @contextlib.asynccontextmanager
    async def _answer(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | int],
        body: object,
        *,
        content: str,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer that is none of a refusal; asks twice when we are known no more."""
        try:
            async with self._send(method, path, query, body, content) as answer:
                yield answer
                return
        except Unauthorized:
            if not await self._reload():
                raise
        async with self._send(method, path, query, body, content) as answer:
            yield answer

    @contextlib.asynccontextmanager
    async def _send(
        self, method: str, path: str, query: Mapping[str, str | int], body: object, content: str
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        what = f"{method} {path}"
        url = f"{self._loaded.host}{path}" + (f"?{urlencode(query)}" if query else "")
        patience_s = self.settings.request_timeout_s
        try:
            headers = {
                "Accept": "application/json",
                "User-Agent": f"readyup/{self.settings.field_manager}",
                "Content-Type": content,
                **await authorization(self._loaded),
            }
            # A connection that was kept may have died without a word: no answer begins either.
            async with asyncio.timeout(patience_s):
                sent = await self._rest.request(  # type: ignore[no-untyped-call]  # as generated
                    method,
                    url,
                    headers=headers,
                    body=body,
                    # Whoever called set the deadline of the whole; here only that of the start.
                    _request_timeout=aiohttp.ClientTimeout(
                        total=None, connect=patience_s, sock_connect=patience_s
                    ),
                )
        except FAILURES as broken:
            self._metrics.requests.labels(method, "lost").inc()
            raise BackendAway(f"{what}: {_told(broken)}") from broken
        async with sent.response as answer:
            self._metrics.requests.labels(method, str(answer.status)).inc()
            if answer.status >= 300:
                after = answer.headers.get("Retry-After", "")
                said = decoded(await answer.read())
                raise refusal(answer.status, said, what, retry_after=after)
            yield answer

    async def _reload(self) -> bool:
        """Load the credentials again; False when that was done a moment ago."""
        async with self._reloading:
            now_s = asyncio.get_running_loop().time()
            if now_s - self._reloaded_s < RELOAD_S:
                return False
            self._reloaded_s = now_s
            try:
                loaded = await load_credentials(self.settings)
            except Invalid as wrong:
                log.warning("credentials.not_reloaded", reason=str(wrong))
                return False
            before, self._loaded = self._loaded, loaded
            if not same_connection(before, loaded):
                old, self._rest = self._rest, _connections(loaded, self.settings)
                # Watches break with it, and go on from where they were.
                await old.close()
            log.info("credentials.reloaded")
            return True


def namespaced(group: str, namespace: str, plural: str, name: str = "", sub: str = "") -> str:
    """The path of a collection, an object, or a part of one.

    >>> namespaced("agones.dev/v1", "games", "fleets", "arena", "scale")
    '/apis/agones.dev/v1/namespaces/games/fleets/arena/scale'
    """
    parts = [f"/apis/{group}/namespaces/{namespace}/{plural}", name, sub]
    return "/".join(part for part in parts if part)


def _connections(loaded: "Configuration", settings: KubernetesSettings) -> "RESTClientObject":
    from kubernetes.aio.client.rest import RESTClientObject

    loaded.connection_pool_maxsize = settings.take_concurrency + WATCHES
    loaded.retries = None
    return RESTClientObject(loaded)


def _told(broken: BaseException) -> str:
    if isinstance(broken, TimeoutError):
        return "no answer in time"
    return str(broken) or type(broken).__name__
