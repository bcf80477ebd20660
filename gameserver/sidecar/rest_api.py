"""Agones' SDK over REST for one game server: its gateway's paths, JSON and errors."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from typing import Any, Final

import grpc
from aiohttp import web
from google.protobuf.message import Message

from core.errors import Conflict, Invalid, Unreachable
from core.web import serve_app
from gameserver.sdk import alpha_pb2 as alpha, beta_pb2 as beta, sdk_pb2 as pb
from gameserver.sidecar import wire
from gameserver.sidecar.calls import LIST_FIELDS, Calls, Refused
from gameserver.sidecar.live import Watch
from gameserver.sidecar.state import SdkState
from gameserver.sidecar.wire import Json

HOST: Final = "127.0.0.1"
DRAIN_S: Final = 0.2
GONE_EVERY_S: Final = 1.0
"""How soon a watch ends whose reader has left without a word."""

BODY_BYTES_MAX: Final = 4 * 1024 * 1024
"""What gRPC takes as one message, which is where Agones' gateway sends it."""

STATUS: Final = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNIMPLEMENTED: 501,
}
"""What gRPC's codes are over HTTP; those that are not here are 500."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Routes = list[web.RouteDef]
Fill = Callable[[web.Request, Json], Json]
"""The JSON of the message that a request stands for: its body, with what is in its path."""


def sdk_app(calls: Calls, more: Routes | None = None) -> web.Application:
    """All the SDK's routes for one game server, and perhaps some more."""
    app = web.Application(middlewares=[_errors], client_max_size=BODY_BYTES_MAX)
    unary = _Unary(calls)
    app.add_routes(
        [
            web.post("/ready", unary(Calls.ready, pb.Empty)),
            web.post("/allocate", unary(Calls.allocate, pb.Empty)),
            web.post("/shutdown", unary(Calls.shutdown, pb.Empty)),
            web.post("/reserve", unary(Calls.reserve, pb.Duration)),
            web.post("/health", _health(calls)),
            web.get("/gameserver", unary(Calls.get_game_server, pb.Empty)),
            web.get("/watch/gameserver", _watch(calls)),
            web.put("/metadata/label", unary(Calls.set_label, pb.KeyValue)),
            web.put("/metadata/annotation", unary(Calls.set_annotation, pb.KeyValue)),
            *_beta_routes(unary),
            *_alpha_routes(unary),
            *(more or []),
        ]
    )
    return app


@contextlib.asynccontextmanager
async def rest_port(app: web.Application, *, port: int = 0) -> AsyncIterator[int]:
    """Serve while the block lasts; yields the port.

    Raises:
        Unreachable: the port is taken.
    """
    async with contextlib.AsyncExitStack() as stack:
        try:
            bound = await stack.enter_async_context(
                serve_app(app, host=HOST, port=port, drain_s=DRAIN_S)
            )
        except Conflict as taken:
            raise Unreachable(f"{taken}, for an SDK server's REST") from taken
        yield bound


def _beta_routes(unary: "_Unary") -> Routes:
    counter, names = "/v1beta1/counters/{name}", "/v1beta1/lists/{name}"
    return [
        web.get(counter, unary(Calls.get_counter, beta.GetCounterRequest, _named)),
        web.patch(counter, unary(Calls.update_counter, beta.UpdateCounterRequest, _counter)),
        web.get(names, unary(Calls.get_list, beta.GetListRequest, _named)),
        web.patch(names, unary(Calls.update_list, beta.UpdateListRequest, _list)),
        web.post(
            names + ":addValue", unary(Calls.add_list_value, beta.AddListValueRequest, _named)
        ),
        web.post(
            names + ":removeValue",
            unary(Calls.remove_list_value, beta.RemoveListValueRequest, _named),
        ),
    ]


def _alpha_routes(unary: "_Unary") -> Routes:
    off = Calls.player_tracking
    return [
        web.post("/alpha/player/connect", unary(off, alpha.PlayerID)),
        web.post("/alpha/player/disconnect", unary(off, alpha.PlayerID)),
        web.put("/alpha/player/capacity", unary(off, alpha.Count)),
        web.get("/alpha/player/capacity", unary(off, alpha.Empty)),
        web.get("/alpha/player/count", unary(off, alpha.Empty)),
        web.get("/alpha/player/connected", unary(off, alpha.Empty)),
        web.get("/alpha/player/connected/{playerID}", unary(off, alpha.PlayerID)),
    ]


def _named(request: web.Request, body: Json) -> Json:
    return {**body, "name": request.match_info["name"]}


def _counter(request: web.Request, body: Json) -> Json:
    # The two that may be absent are messages of ours and bare numbers in JSON.
    boxed = {
        key: {"value": body[key]} for key in ("count", "capacity") if body.get(key) is not None
    }
    rest = {key: value for key, value in body.items() if key not in {"count", "capacity"}}
    return {"counterUpdateRequest": _named(request, rest | boxed)}


def _list(request: web.Request, body: Json) -> Json:
    # The mask is whatever the body speaks of. This call alone takes no unknown fields.
    if unknown := body.keys() - LIST_FIELDS:
        raise Invalid(f"a list has no {', '.join(sorted(unknown))}")
    return {"list": _named(request, body), "update_mask": {"paths": list(body) or [""]}}


class _Unary:
    """Makes the handler of one call."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def __call__(
        self,
        call: Callable[[Calls, Any], Message],
        asked: type[Message],
        fill: Fill = lambda _, body: body,
    ) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            body = next(_values(await request.text()), {})  # what follows it, Agones does not read
            message = wire.from_json(fill(request, body), asked())
            return _json(wire.as_json(call(self._calls, message)))

        return handle


def _health(calls: Calls) -> Handler:
    async def health(request: web.Request) -> web.Response:
        pings = list(_values(await request.text()))
        if not pings:  # what Agones says to a body that is empty: nothing
            return web.Response(status=400)
        for ping in pings:
            calls.ping(wire.from_json(ping, pb.Empty()))
        return _json({})

    return health


def _watch(calls: Calls) -> Handler:
    async def watch(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        with calls.live.watch() as servers, contextlib.suppress(ConnectionError):
            if socket.can_prepare(request).ok:
                await socket.prepare(request)
                async with _ended_by(_until_closed(socket), servers):
                    async for server in servers:
                        await _sent(socket.send_str(_line(server)), servers)
                await socket.close()
                return socket
            lines = web.StreamResponse(headers={"Content-Type": "application/json"})
            await lines.prepare(request)
            async with _ended_by(_until_gone(request), servers):
                async for server in servers:
                    await _sent(lines.write(_line(server).encode() + b"\n"), servers)
            await lines.write_eof()
            return lines
        return socket  # whoever asked has left

    return watch


@contextlib.asynccontextmanager
async def _ended_by(gone: Coroutine[Any, Any, None], servers: Watch) -> AsyncIterator[None]:
    """End the watch when its reader has gone, even if there is nothing to tell."""

    async def wait() -> None:
        await gone
        servers.close()

    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(wait(), name="sdk-watch-reader")
        yield
        waiting.cancel()


async def _until_closed(socket: web.WebSocketResponse) -> None:
    async for _ in socket:
        pass


async def _until_gone(request: web.Request) -> None:
    while request.transport is not None:
        await asyncio.sleep(GONE_EVERY_S)


async def _sent(write: Awaitable[None], servers: Watch) -> None:
    try:
        await write
    except ConnectionError:
        servers.close()


def _line(server: SdkState) -> str:
    return json.dumps({"result": wire.as_json(wire.game_server(server))})


def _values(text: str) -> Iterator[Json]:
    """The JSON objects in a body, one behind another.

    Raises:
        Invalid: something in it is no JSON object.
    """
    decoder, rest = json.JSONDecoder(), text.strip()
    while rest:
        try:
            value, end = decoder.raw_decode(rest)
        except (ValueError, RecursionError) as error:
            raise Invalid(f"the body is not JSON: {error}") from error
        if not isinstance(value, dict):
            raise Invalid(f"the body is to be a JSON object, not {type(value).__name__}")
        yield value
        rest = rest[end:].lstrip()


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refused as refusal:
        return error(refusal.code, str(refusal))
    except (Invalid, UnicodeDecodeError) as wrong:
        return error(grpc.StatusCode.INVALID_ARGUMENT, str(wrong))
    except web.HTTPNotFound:
        return error(grpc.StatusCode.NOT_FOUND, "Not Found")
    except web.HTTPMethodNotAllowed:
        return error(grpc.StatusCode.UNIMPLEMENTED, "Method Not Allowed")
    except web.HTTPRequestEntityTooLarge as wrong:
        return error(grpc.StatusCode.RESOURCE_EXHAUSTED, wrong.text or "the body is too large")


def error(code: grpc.StatusCode, message: str) -> web.Response:
    """An error as Agones' gateway tells it."""
    told = {"code": code.value[0], "message": message, "details": []}
    return _json(told, status=STATUS.get(code, 500))


def _json(told: object, *, status: int = 200) -> web.Response:
    # Without a charset, as Agones writes it: some clients compare the whole header.
    body = json.dumps(told).encode()
    return web.Response(body=body, status=status, headers={"Content-Type": "application/json"})
