"""Answers, problems and bodies over real HTTP, so that what is shown is what clients see."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Any

import aiohttp
import msgspec
import pytest
from aiohttp import web

from core.errors import (
    Conflict,
    Exhausted,
    Forbidden,
    IllegalTransition,
    Invalid,
    NotFound,
    StoreUnreachable,
    Unauthorized,
)
from core.web import Problem, body_of, json_response, parse, problem_response, problems, serve_app


class Player(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    rating: Annotated[float, msgspec.Meta(ge=0)] = 0.0


class Party(msgspec.Struct, forbid_unknown_fields=True):
    players: list[Player]


class Client:
    """Short ways to ask a served handler."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self.url = url

    async def ask(
        self, method: str = "POST", path: str = "/", **request
    ) -> tuple[int, dict[str, Any], aiohttp.typedefs.LooseHeaders]:
        async with self._http.request(method, self.url + path, **request) as response:
            return response.status, msgspec.json.decode(await response.read()), response.headers


@contextlib.asynccontextmanager
async def serving(
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> AsyncIterator[Client]:
    app = web.Application(middlewares=[problems])
    app.router.add_post("/", handler)
    async with serve_app(app, drain_s=0.1) as port, aiohttp.ClientSession() as http:
        yield Client(http, f"http://127.0.0.1:{port}")


async def read_party(request: web.Request) -> web.Response:
    party = await body_of(request, Party, max_bytes=1000)
    return json_response({"many": len(party.players)}, status=201)


async def test_a_body_becomes_a_value_and_a_value_an_answer():
    async with serving(read_party) as client:
        status, said, headers = await client.ask(data=b'{"players":[{"id":"ann"}]}')

    assert (status, said) == (201, {"many": 1})
    assert headers["Content-Type"].startswith("application/json")


@pytest.mark.parametrize(
    ("wrong", "status", "kind", "more"),
    [
        (Invalid("no", field="$.a"), 400, "invalid", {"field": "$.a"}),
        (Unauthorized("no"), 401, "unauthorized", {}),
        (Forbidden("no"), 403, "forbidden", {}),
        (NotFound("no"), 404, "not-found", {}),
        (Conflict("no", other="t1"), 409, "conflict", {"other": "t1"}),
        (IllegalTransition("no"), 409, "illegal-transition", {}),
        (Exhausted("no"), 503, "exhausted", {"retry_after_s": 1.0}),
        # Which server it was is nobody's business but ours.
        (
            *(StoreUnreachable("10.0.0.7:6379 refuses user 'readyup'"), 503, "store-unreachable"),
            {
                "retry_after_s": 1.0,
                "detail": "the store did not answer; whether it was done is not known",
            },
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_each_error_of_ours_is_a_problem_of_its_own(
    wrong: Exception, status: int, kind: str, more: dict[str, object]
):
    async def handler(_: web.Request) -> web.Response:
        raise wrong

    async with serving(handler) as client:
        got, problem, headers = await client.ask()

    assert got == status
    title = problem.pop("title")
    assert title
    assert "." not in title
    assert problem == {
        "type": f"urn:readyup:problem:{kind}", "status": status, "detail": "no", **more,
    }  # fmt: skip
    assert headers["Content-Type"].startswith("application/problem+json")
    assert headers.get("Retry-After") == ("1" if status == 503 else None)
    assert headers.get("WWW-Authenticate") == ("Bearer" if status == 401 else None)


def test_to_wait_a_moment_is_to_wait_a_second():
    """``Retry-After: 0`` would call everybody back at once."""
    problem = Problem("about:blank", "Busy", 503, "later", retry_after_s=0.2)

    assert problem_response(problem).headers["Retry-After"] == "1"


async def test_an_error_nobody_expected_is_told_without_its_details():
    async def handler(_: web.Request) -> web.Response:
        raise RuntimeError("the secret is 42")

    async with serving(handler) as client:
        status, problem, _ = await client.ask()

    assert (status, problem["status"]) == (500, 500)
    assert "42" not in str(problem)


async def test_nothing_there_and_a_method_too_many_are_problems_too():
    async with serving(read_party) as client:
        absent = await client.ask(path="/nowhere")
        wrong_method, problem, headers = await client.ask("DELETE")

    assert (absent[0], absent[1]["status"]) == (404, 404)
    assert "/nowhere" in absent[1]["detail"]
    assert (wrong_method, headers["Allow"]) == (405, "POST")
    assert "DELETE" in problem["detail"]


async def test_a_stream_that_breaks_is_cut_and_no_answer_is_written_into_it():
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first")
        raise RuntimeError("in the middle")

    async with serving(handler) as client:
        with pytest.raises(aiohttp.ClientPayloadError):
            await client.ask()


@pytest.mark.parametrize("chunked", [False, True], ids=["at once", "in chunks"])
@pytest.mark.parametrize("excess", [0, 1, 500_000])
async def test_a_body_may_be_as_large_as_the_limit_and_no_larger(chunked: bool, excess: int):
    body = b'{"players":[]}'.ljust(1000 + excess)

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 300):
            yield body[start : start + 300]

    async with serving(read_party) as client:
        status, said, _ = await client.ask(data=pieces() if chunked else body)

    if excess:
        assert (status, said["status"]) == (413, 413)
        assert "1000 bytes" in said["detail"]
    else:
        assert (status, said) == (201, {"many": 0})


async def test_a_body_is_refused_by_the_length_it_claims_before_it_is_sent():
    async with serving(read_party) as client:
        port = int(client.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n{")
        first_line = await reader.readline()
        writer.close()

    assert b"413" in first_line


@pytest.mark.parametrize(
    ("body", "field", "detail"),
    [
        (b"", "$", "not JSON"),
        (b"{", "$", "not JSON"),
        (b'{"players":[]} {}', "$", "not JSON"),
        (b"\xff\xfe", "$", "not JSON"),
        (b'{"players":[{"id":"\xff"}]}', "$", "not JSON"),
        (b'{"players":[{"id":"\\ud800"}]}', "$", "not JSON"),
        (b'{"players":[{"id":"a","rating":NaN}]}', "$", "not JSON"),
        (b'{"players":[{"id":"a","rating":1e999}]}', "$.players[0].rating", "out of range"),
        (b"[" * 100_000, "$", ""),
        (b"[]", "$", "must be an object, not a list"),
        (b"{}", "$", "`players` is missing"),
        (b'{"players":7}', "$.players", "must be a list"),
        (b'{"players":[{"id":"a"},{"id":7}]}', "$.players[1].id", "must be text"),
        (b'{"players":[{"id":"a","rating":-1}]}', "$.players[0].rating", ">= 0"),
        (b'{"players":[{"id":"a","mmr":1}]}', "$.players[0]", "no field `mmr`"),
    ],
)
def test_what_is_wrong_with_a_body_is_told_with_its_place(body: bytes, field: str, detail: str):
    with pytest.raises(Invalid) as caught:
        parse(body, Party)

    assert caught.value.field == field
    assert detail in str(caught.value)


async def test_a_port_that_is_taken_is_said_by_name():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(Conflict, match=f"127.0.0.1:{port} cannot be listened on"):
            async with serve_app(web.Application(), port=port):
                pass


async def test_nothing_listens_after_the_block():
    async with serve_app(web.Application()) as port:
        pass

    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
