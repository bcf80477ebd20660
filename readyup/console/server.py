"""The console's routes: its pages, their files, the live stream, and answers.

What changes something is the operator API's, which also says who may look.

Nothing comes from elsewhere: the content security policy forbids it, and inline code too.
"""

import asyncio
import contextlib
from typing import Protocol

from aiohttp import web

from core.errors import Exhausted, NotFound
from core.web import json_response, problems
from readyup.console.assets import Asset, load_assets
from readyup.console.detail import MatchDetail, PromisesDetail, ServerDetail, TicketDetail
from readyup.console.feed import Frame
from readyup.console.sizes import FleetDetail
from readyup.operators.api import ID, OperatorApi
from readyup.operators.roles import Role
from readyup.operators.routes import BASE
from readyup.operators.shapes import MeOut

WATCHERS_MAX = 64
"""Pages open at a time; each costs a write four times a second."""

SLOW_S = 10.0
"""A reader that takes no frame for so long is let go; its browser comes back by itself."""

STREAM_S = 600.0
"""A stream ends after this long and its browser comes again, so that whoever is signed out
does not look on for ever."""

DETAIL_PAGES = (
    *("/fleets/{fleet}", "/servers/{uid}", "/matches/{match}", "/tickets/{ticket}"),
    *("/promises", "/audit"),
)
"""One file serves them all; it asks for what its own address names."""

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; object-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class Frames(Protocol):
    """Where the frames come from; ``readyup.console.feed.Feed`` is one."""

    watchers: int
    """How many streams are open; the server counts them here."""

    def latest(self) -> Frame:
        """The newest frame, at once."""
        ...

    def history(self) -> bytes:
        """The charts' past, as JSON."""
        ...

    async def after(self, seq: int) -> Frame:
        """The newest frame, as soon as it is newer than ``seq``."""
        ...


class Answers(Protocol):
    """Who knows about one thing; ``readyup.console.lookup.Lookup`` is one.

    All but the promises raise ``NotFound`` with what to do instead.
    """

    async def fleet(self, name: str) -> FleetDetail:
        """One fleet, by name."""
        ...

    async def server(self, uid: str) -> ServerDetail:
        """One server, by uid."""
        ...

    async def match(self, name: str) -> MatchDetail:
        """One match, by id or its end."""
        ...

    async def ticket(self, name: str) -> TicketDetail:
        """One ticket, by id or its end."""
        ...

    def promises(self) -> PromisesDetail:
        """What was promised and what of it was broken."""
        ...


FRAMES = web.AppKey("frames", Frames)
ANSWERS = web.AppKey("answers", Answers)
ASSETS = web.AppKey("assets", dict[str, Asset])
STREAMS = web.AppKey("streams", set["asyncio.Task[None]"])


def console_app(
    frames: Frames, answers: Answers, operators: OperatorApi | None = None
) -> web.Application:
    """The console as an application; ``core.web.serve_app`` serves it.

    Without an operator API it lets everybody look and nobody change.
    """
    app = web.Application(middlewares=[problems, *([operators.guard] if operators else [])])
    app.add_routes(operators.routes() if operators else [web.get(f"{BASE}/me", _onlooker)])
    app[FRAMES], app[ASSETS], app[STREAMS] = frames, load_assets(), set()
    app[ANSWERS] = answers
    app.on_response_prepare.append(_protect)
    app.on_shutdown.append(_end_streams)
    app.add_routes(
        [
            web.get("/", _page),
            *(web.get(path, _detail_page) for path in DETAIL_PAGES),
            web.get("/login", _login_page),
            web.get("/static/{path:.+}", _static),
            web.get("/console/fleet/{fleet}", _fleet),
            web.get("/console/server/{uid}", _server),
            web.get("/console/match/{match}", _match),
            web.get("/console/ticket/{ticket}", _ticket),
            web.get("/console/promises", _promises),
            web.get("/console/stream", _stream),
            web.get("/console/snapshot", _snapshot),
            web.get("/livez", _livez),
        ]
    )
    return app


async def _page(request: web.Request) -> web.Response:
    return _serve(request, "index.html")


async def _detail_page(request: web.Request) -> web.Response:
    return _serve(request, "detail.html")


async def _login_page(request: web.Request) -> web.Response:
    return _serve(request, "login.html")


async def _fleet(request: web.Request) -> web.Response:
    return json_response(await request.app[ANSWERS].fleet(request.match_info["fleet"]))


async def _server(request: web.Request) -> web.Response:
    return json_response(await request.app[ANSWERS].server(request.match_info["uid"]))


async def _match(request: web.Request) -> web.Response:
    return json_response(await request.app[ANSWERS].match(request.match_info["match"]))


async def _ticket(request: web.Request) -> web.Response:
    return json_response(await request.app[ANSWERS].ticket(request.match_info["ticket"]))


async def _promises(request: web.Request) -> web.Response:
    return json_response(request.app[ANSWERS].promises())


async def _static(request: web.Request) -> web.Response:
    return _serve(request, request.match_info["path"])


async def _snapshot(request: web.Request) -> web.Response:
    return web.Response(body=request.app[FRAMES].latest().body, content_type="application/json")


async def _onlooker(_: web.Request) -> web.Response:
    """Who one is where there is no operator API: somebody who looks."""
    return json_response(MeOut("", Role.VIEWER, login=False, may=[]))


async def _livez(_: web.Request) -> web.Response:
    return web.Response(text="ok\n")


def _serve(request: web.Request, path: str) -> web.Response:
    asset = request.app[ASSETS].get(path)
    if asset is None:
        raise NotFound(f"the console has no file {path!r}")
    # The names carry no hash, so a browser asks each time and is mostly told 304.
    headers = {"ETag": f'"{asset.etag}"', "Cache-Control": "no-cache"}
    if any(tag.value == asset.etag for tag in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    return web.Response(
        body=asset.body, content_type=asset.content_type, charset="utf-8", headers=headers
    )


async def _stream(request: web.Request) -> web.StreamResponse:
    """Server-sent events: ``history`` first, then ``snapshot`` for as long as it is read.

    A reader gets the newest frame each time it has taken one; what came between is skipped.
    """
    frames, streams = request.app[FRAMES], request.app[STREAMS]
    if len(streams) >= WATCHERS_MAX:
        raise Exhausted(f"{WATCHERS_MAX} pages watch already; close one")
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
    )
    task = asyncio.current_task()
    assert task is not None
    streams.add(task)
    frames.watchers += 1
    try:
        await response.prepare(request)
        # TimeoutError: too slow. ConnectionError: gone. Either way the stream just ends.
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(STREAM_S):
                await _send_frames(response, frames)
    finally:
        frames.watchers -= 1
        streams.discard(task)
    return response


async def _send_frames(response: web.StreamResponse, frames: Frames) -> None:
    async with asyncio.timeout(SLOW_S):
        # A browser waits this long before it asks again after a break.
        await response.write(b"retry: 1000\nevent: history\ndata: " + frames.history() + b"\n\n")
    frame = frames.latest()
    while True:
        async with asyncio.timeout(SLOW_S):
            head = f"id: {frame.seq}\nevent: snapshot\ndata: ".encode()
            await response.write(head + frame.body + b"\n\n")
        frame = await frames.after(frame.seq)


async def _protect(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)
    if request_id := request.get(ID):
        response.headers["X-Request-Id"] = request_id


async def _end_streams(app: web.Application) -> None:
    """A stream has no end of its own, and nobody wants to wait for it when the demo stops."""
    streams = app[STREAMS]
    for task in tuple(streams):
        task.cancel()
