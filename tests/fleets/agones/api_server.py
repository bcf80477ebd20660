"""A small API server in this process that keeps every promise of the real one, and no more.

What it may do wrong is scripted: each watch and each request takes the next fault of
``faults``, so a test says exactly what happens, or lets the dice say it.
"""

import asyncio
import contextlib
import copy
import json
from collections import Counter, deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry

from core.web import serve_app
from fleets.agones.kube import Kube
from fleets.agones.metrics import AgonesMetrics
from fleets.agones.settings import KubernetesSettings
from fleets.metrics import FleetMetrics

Object = dict[str, Any]

SERVERS = "/apis/agones.dev/v1/namespaces/default/gameservers"
FLEETS = "/apis/agones.dev/v1/namespaces/default/fleets"
ALLOCATIONS = "/apis/allocation.agones.dev/v1/namespaces/default/gameserverallocations"

WATCH_FAULTS = ("", "eof", "cut", "gone", "gone-later", "mute", "twice", "old-bookmark", "busy")


def game_server(name: str, *, fleet: str = "arena", state: str = "Ready", **labels: str) -> Object:
    """One as Agones makes it, as far as anybody looks."""
    return {
        "apiVersion": "agones.dev/v1",
        "kind": "GameServer",
        "metadata": {
            "name": name,
            "uid": f"uid-{name}",
            "creationTimestamp": "2026-11-22T04:00:00Z",
            "labels": {"agones.dev/fleet": fleet, **labels},
            "annotations": {"agones.dev/sdk-readyup-key": "ab" * 32, "readyup/rooms": "1"},
        },
        "status": {"state": state, "address": "10.0.0.1", "ports": [{"port": 7000}]},
    }


@dataclass
class FakeApi:
    """Objects by path and name, their history, and what was asked."""

    objects: dict[str, dict[str, Object]] = field(default_factory=dict)
    history: list[tuple[int, str, str, Object]] = field(default_factory=list)
    version: int = 1
    floor: int = 0
    """Versions up to this one are forgotten."""

    watch_faults: deque[str] = field(default_factory=deque)
    request_faults: deque[int] = field(default_factory=deque)
    """Statuses answered to requests that are no watches, the next first; 0 answers rightly."""

    lose_answers: int = 0
    """Requests that are obeyed, and whose answer never comes."""

    asked: Counter[str] = field(default_factory=Counter)
    allocations: list[Object] = field(default_factory=list)
    bodies: list[tuple[str, str, Object]] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, path: str, one: Object) -> Object:
        """Create or change an object."""
        kind = self.objects.setdefault(path, {})
        name = one["metadata"]["name"]
        known = kind.get(name)
        if known is not None and known["metadata"]["uid"] != one["metadata"]["uid"]:
            self.delete(path, name)
            known = None
        self._write(path, "MODIFIED" if known else "ADDED", one)
        kind[name] = one
        return one

    def delete(self, path: str, name: str) -> None:
        """Delete an object; an absent one is fine."""
        if one := self.objects.get(path, {}).pop(name, None):
            self._write(path, "DELETED", copy.deepcopy(one))

    def compact(self) -> None:
        """Forget all history."""
        self.floor = self.version
        self.history.clear()

    def writes(self) -> int:
        """Requests that were no reads."""
        return sum(n for what, n in self.asked.items() if not what.startswith(("GET", "WATCH")))

    def _write(self, path: str, what: str, one: Object) -> None:
        self.version += 1
        one["metadata"]["resourceVersion"] = str(self.version)
        self.history.append((self.version, path, what, copy.deepcopy(one)))
        self._news.set()
        self._news = asyncio.Event()

    # What is asked over HTTP.

    def app(self) -> web.Application:
        """To be served."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        return app

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        watch = "watch" in request.query
        collection, name, sub = _split(request.path)
        what = "WATCH" if watch else request.method
        self.asked[f"{what} {collection.rpartition('/')[2]}{'/' + sub if sub else ''}"] += 1
        if watch:
            return await self._watch(request, collection)
        fault = self.request_faults.popleft() if self.request_faults else 0
        if fault and not (fault == 409 and request.method == "GET"):  # reads never clash
            return _status(fault, "a fault")
        body = json.loads(await request.read() or "{}")
        self.bodies.append((request.method, request.path, body))
        answer = self._obey(request, collection, name, sub, body)
        if self.lose_answers:
            self.lose_answers -= 1
            assert request.transport is not None
            request.transport.abort()
        return answer

    def _obey(
        self, request: web.Request, collection: str, name: str, sub: str, body: Object
    ) -> web.Response:
        kind = self.objects.setdefault(collection, {})
        match request.method:
            case "GET" if not name:
                return self._list(request, kind)
            case "POST" if collection == ALLOCATIONS:
                return self._allocate(body)
            case "POST":
                body["metadata"].setdefault("uid", f"uid-{body['metadata']['name']}")
                return web.json_response(self.put(collection, body), status=201)
        return self._change(request, collection, name, sub, body)

    def _change(
        self, request: web.Request, collection: str, name: str, sub: str, body: Object
    ) -> web.Response:
        one = self.objects[collection].get(name)
        if request.method == "PATCH" and one is None and "apply" in request.content_type:
            body["metadata"].setdefault("uid", f"uid-{name}")
            body.get("spec", {}).setdefault("replicas", 0)
            return web.json_response(self.put(collection, body), status=201)
        if one is None:
            return _status(404, f"{name} not found")
        if request.method == "GET":
            return web.json_response(one)
        if request.method == "DELETE":
            wanted = body.get("preconditions", {}).get("uid", one["metadata"]["uid"])
            if wanted != one["metadata"]["uid"]:
                return _status(409, "the UID in the precondition does not match")
            self.delete(collection, name)
            return _status(200, "deleted")
        if body.get("metadata", {}).get("uid", one["metadata"]["uid"]) != one["metadata"]["uid"]:
            return _status(409, "Precondition failed: UID in precondition")
        changed = copy.deepcopy(one)
        _merge(changed, body if sub != "scale" else {"spec": body["spec"]})
        return web.json_response(self.put(collection, changed))

    def _list(self, request: web.Request, kind: dict[str, Object]) -> web.Response:
        key, _, wanted = request.query.get("labelSelector", "").partition("=")
        found = [
            one
            for _, one in sorted(kind.items())
            if not key or one["metadata"].get("labels", {}).get(key) == wanted
        ]
        limit = int(request.query.get("limit", "0")) or len(found) or 1
        begin = int(request.query.get("continue", "0"))
        about = {"resourceVersion": str(self.version)}
        if begin + limit < len(found):
            about["continue"] = str(begin + limit)
        return web.json_response({"items": found[begin : begin + limit], "metadata": about})

    def _allocate(self, body: Object) -> web.Response:
        self.allocations.append(body)
        for selector in body["spec"]["selectors"]:
            state = selector.get("gameServerState", "Ready")
            for one in self.objects.get(SERVERS, {}).values():
                labels = one["metadata"]["labels"]
                matches = selector["matchLabels"].items() <= labels.items()
                if matches and one["status"]["state"] == state:
                    taken = copy.deepcopy(one)
                    taken["status"]["state"] = "Allocated"
                    taken["metadata"]["labels"] |= body["spec"]["metadata"]["labels"]
                    self.put(SERVERS, taken)
                    name = taken["metadata"]["name"]
                    status = {"state": "Allocated", "gameServerName": name}
                    return web.json_response({**body, "status": status}, status=201)
        return web.json_response({**body, "status": {"state": "UnAllocated"}}, status=201)

    async def _watch(self, request: web.Request, path: str) -> web.StreamResponse:
        after = int(request.query["resourceVersion"])
        fault = self.watch_faults.popleft() if self.watch_faults else ""
        if fault == "busy":
            return _status(429, "later", headers={"Retry-After": "0"})
        if after < self.floor or fault == "gone":
            return _status(410, "too old resource version")
        answer = web.StreamResponse()
        await answer.prepare(request)
        if fault in ("eof", "gone-later"):
            if fault == "gone-later":
                gone = {"kind": "Status", "code": 410, "message": "compacted"}
                await _say(answer, "ERROR", gone)
            return answer
        if fault == "old-bookmark":
            await _say(answer, "BOOKMARK", {"metadata": {"resourceVersion": str(after - 1)}})
        if fault == "mute":
            await asyncio.sleep(float(request.query["timeoutSeconds"]) * 10)
            return answer
        with contextlib.suppress(ConnectionResetError):  # the reader left
            await self._tell(request, answer, path, after, fault)
        return answer

    async def _tell(
        self, request: web.Request, answer: web.StreamResponse, path: str, after: int, fault: str
    ) -> None:
        loop = asyncio.get_running_loop()
        until_s = loop.time() + float(request.query["timeoutSeconds"])
        while loop.time() < until_s:
            news = self._news
            for version, where, what, one in list(self.history):
                if version <= after:
                    continue
                after = version
                if where != path:
                    continue
                await _say(answer, what, one)
                if fault == "twice":
                    await _say(answer, what, one)
                if fault == "cut":
                    assert request.transport is not None
                    request.transport.abort()
                    return
            if after < self.floor:
                return
            with_timeout = asyncio.timeout_at(min(until_s, loop.time() + 1))
            try:
                async with with_timeout:
                    await news.wait()
            except TimeoutError:
                about = {"metadata": {"resourceVersion": str(after)}}
                await _say(answer, "BOOKMARK", about)


@contextlib.asynccontextmanager
async def kube_of(api: FakeApi, **settings: Any) -> AsyncIterator[Kube]:  # noqa: ANN401
    """A client of a fake that is served meanwhile."""
    from kubernetes.aio.client import Configuration

    chosen = KubernetesSettings(**{"watch_s": 0.2, "request_timeout_s": 2.0, **settings})
    async with serve_app(api.app(), drain_s=0.01) as port:
        loaded = Configuration(host=f"http://127.0.0.1:{port}")
        registry = CollectorRegistry()
        kube = Kube(chosen, loaded, AgonesMetrics(registry, FleetMetrics(registry)))
        try:
            yield kube
        finally:
            await kube.close()


def _split(path: str) -> tuple[str, str, str]:
    """Collection, name and part of an object."""
    parts = path.strip("/").split("/")
    root = 3 if parts[0] == "apis" else 2  # the core group has no name
    inside = parts[root : root + 1] == ["namespaces"] and len(parts) > root + 2
    many = root + 3 if inside else root + 1
    collection = "/" + "/".join(parts[:many])
    name, sub, *_ = (*parts[many:], "", "")
    return collection, name, sub


def _merge(into: Object, patch: Object) -> None:
    for key, value in patch.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


def _status(code: int, message: str, headers: dict[str, str] | None = None) -> web.Response:
    body = {"kind": "Status", "code": code, "message": message}
    return web.json_response(body, status=code, headers=headers)


async def _say(answer: web.StreamResponse, what: str, one: Object) -> None:
    await answer.write(json.dumps({"type": what, "object": one}).encode() + b"\n")
