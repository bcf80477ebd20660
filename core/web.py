"""aiohttp plumbing: answers as JSON, errors as RFC 9457 problem documents, bodies as types."""

import asyncio
import contextlib
import math
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import msgspec
import structlog
from aiohttp import web

from core.errors import (
    Conflict,
    Exhausted,
    Invalid,
    Limited,
    ReadyUpError,
    StoreUnreachable,
    Unreachable,
)
from core.patience import HEADERS_MAX_BYTES, Doorman, Patience, PatientHandler
from core.plain import plain

T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

PATIENCE = Patience()

log = structlog.get_logger("readyup.web")

BODY_MAX_BYTES = 32 * 1024
"""A batch of a game back end has a limit of its own."""

BODY_S = 5.0
"""Seconds from when somebody wants a body to when it must all be here."""


class Problem(msgspec.Struct, omit_defaults=True):
    """RFC 9457, with the two members of ours: which field, and what it clashes with."""

    type: str
    title: str
    status: int
    detail: str
    field: str = ""
    other: str = ""
    retry_after_s: float = 0.0


def problem_of(wrong: ReadyUpError) -> Problem:
    """What the caller is told about an error of ours."""
    kind = type(wrong).__name__
    words = "".join(f"-{c.lower()}" if c.isupper() else c for c in kind).strip("-")
    problem = Problem(
        type=f"urn:readyup:problem:{words}",
        title=(type(wrong).__doc__ or kind).split(".")[0],
        status=wrong.status,
        detail=str(wrong),
    )
    match wrong:
        case Invalid():
            problem.field = wrong.field
        case Conflict():
            problem.other = wrong.other
        case Limited():
            problem.retry_after_s = math.ceil(wrong.retry_after_s * 1000) / 1000
        case StoreUnreachable():
            # Which server it was, and as whom we came, is for our own log.
            problem.detail = "the store did not answer; whether it was done is not known"
            problem.retry_after_s = 1.0
        case Exhausted() | Unreachable():
            problem.retry_after_s = 1.0
        case _:
            pass
    return problem


def json_response(value: object, *, status: int = 200) -> web.Response:
    """A value as JSON."""
    return web.Response(
        body=msgspec.json.encode(value), status=status, content_type="application/json"
    )


def problem_response(problem: Problem) -> web.Response:
    """A problem as an answer, with ``Retry-After`` where waiting helps."""
    headers = {}
    if problem.retry_after_s:
        headers["Retry-After"] = str(max(1, math.ceil(problem.retry_after_s)))
    if problem.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return web.Response(
        body=msgspec.json.encode(problem),
        status=problem.status,
        headers=headers,
        content_type="application/problem+json",
    )


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every error into a problem document, our own and aiohttp's alike."""
    try:
        if sum(len(k) + len(v) + 4 for k, v in request.raw_headers) > HEADERS_MAX_BYTES:
            raise web.HTTPRequestHeaderFieldsTooLarge
        return await handler(request)
    except Exception as wrong:
        if isinstance(wrong, ConnectionError) and _is_gone(request):
            return web.Response(status=499)  # nobody reads it; raised, it would be logged as ours
        begun = request.writer.output_size > 0
        expected = isinstance(wrong, ReadyUpError | web.HTTPException | ConnectionError)
        if not expected or (begun and not isinstance(wrong, ConnectionError)):
            log.exception("request.failed", method=request.method, path=request.path)
        if begun:  # another answer in the middle of this one would mislead; a cut does not
            raise
        return _told(wrong, request)


def _is_gone(request: web.Request) -> bool:
    """Whether whoever asked has closed the connection meanwhile."""
    return request.transport is None or request.transport.is_closing()


def _told(wrong: Exception, request: web.Request) -> web.StreamResponse:
    if isinstance(wrong, ReadyUpError):
        return problem_response(problem_of(wrong))
    if not isinstance(wrong, web.HTTPException):
        return problem_response(
            Problem("about:blank", "Internal Server Error", 500, "our mistake; it was logged")
        )
    if wrong.status < 400:
        raise wrong
    detail = {
        404: f"there is nothing at {request.path}; see /openapi.json",
        405: f"{request.method} is not for {request.path}",
        408: wrong.text or wrong.reason,
        413: wrong.text or wrong.reason,
        431: f"the headers are larger than {HEADERS_MAX_BYTES} bytes",
    }.get(wrong.status, wrong.reason)
    response = problem_response(Problem("about:blank", wrong.reason, wrong.status, detail))
    if wrong.status in (408, 413, 431):  # what is left of the request is not worth reading
        response.force_close()
    if allow := wrong.headers.get("Allow"):
        response.headers["Allow"] = allow
    return response


def parse(body: bytes | str, shape: type[T]) -> T:
    """JSON as a typed value.

    Raises:
        Invalid: with the JSON path of the first thing that is wrong. NaN, infinities,
            unknown fields and trailing bytes are wrong.
    """
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as wrong:
        detail, _, path = str(wrong).partition(" - at ")
        raise Invalid(plain(detail), field=path.strip("`") or "$") from wrong
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise Invalid(f"not JSON: {wrong}") from wrong


async def body_of(
    request: web.Request,
    shape: type[T],
    *,
    max_bytes: int = BODY_MAX_BYTES,
    within_s: float = BODY_S,
) -> T:
    """The request's body as a typed value; see ``parse``.

    Raises:
        HTTPRequestEntityTooLarge: it is larger than ``max_bytes``.
        HTTPRequestTimeout: it was not all here ``within_s`` seconds from now.
    """
    try:
        async with asyncio.timeout(within_s):
            body = await _body(request, max_bytes)
    except TimeoutError:
        raise web.HTTPRequestTimeout(
            text=f"the body was not all here after {within_s:g} s"
        ) from None
    return parse(body, shape)


async def _body(request: web.Request, max_bytes: int) -> bytes:
    too_large = (request.content_length or 0) > max_bytes
    body = b"" if too_large else await request.content.read(max_bytes + 1)
    while not too_large and not request.content.at_eof():
        too_large = len(body) > max_bytes
        body += await request.content.read(max_bytes + 1 - len(body)) if not too_large else b""
    if too_large or len(body) > max_bytes:
        raise web.HTTPRequestEntityTooLarge(
            max_bytes, text=f"the body is larger than {max_bytes} bytes"
        )
    return body


@contextlib.asynccontextmanager
async def serve_app(
    app: web.Application,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    drain_s: float = 2.0,
    door: socket.socket | None = None,
    patience: Patience = PATIENCE,
    doorman: Doorman | None = None,
) -> AsyncIterator[int]:
    """Serve an application while the block lasts; yields the port (0 asks for a free one).

    A ``door`` that listens already is used in the place of host and port.

    Raises:
        Conflict: the port is taken.
    """
    runner = web.AppRunner(app, shutdown_timeout=drain_s, handle_signals=False)
    await runner.setup()
    served, loop = runner.server, asyncio.get_running_loop()
    assert served is not None

    def handler() -> PatientHandler:
        return PatientHandler(served, loop=loop, patience=patience, doorman=doorman)

    try:
        async with contextlib.AsyncExitStack() as stack:
            try:
                place = {"host": host, "port": port} if door is None else {"sock": door}
                site = await loop.create_server(handler, backlog=1024, **place)
            except OSError as taken:
                raise Conflict(f"{host}:{port} cannot be listened on: {taken.strerror}") from taken
            stack.callback(site.close)
            yield int(site.sockets[0].getsockname()[1])
    finally:
        await runner.cleanup()
