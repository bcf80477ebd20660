"""Connections that never come to the point, over raw sockets and with short deadlines."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import msgspec
import pytest
from aiohttp import web

from core.patience import HEADERS_MAX_BYTES, Doorman, Patience, Refusal
from core.web import body_of, json_response, problems, serve_app

SHORT = Patience(request_s=0.08, idle_s=0.16, linger_s=0.05)
HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n"
REQUEST = HEAD + b"Content-Length: 2\r\n\r\n{}"


class Nothing(msgspec.Struct):
    pass


async def read_it(request: web.Request) -> web.Response:
    return json_response(await body_of(request, Nothing, within_s=0.08))


async def ignore_it(_: web.Request) -> web.Response:
    return json_response({})


class Line:
    """One raw connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def drip(self, data: bytes, *, every_s: float = 0.01) -> bytes:
        """Send byte by byte until it is all sent or nobody listens; what came back till the end."""
        async with asyncio.TaskGroup() as group:
            heard = group.create_task(self.rest())  # at once: a reset would take it back
            with contextlib.suppress(ConnectionError):
                for n in range(len(data)):
                    self.writer.write(data[n : n + 1])
                    await self.writer.drain()
                    await asyncio.sleep(every_s)
                    if heard.done():
                        break
        return heard.result()

    async def rest(self) -> bytes:
        """All that comes until the other side ends it."""
        heard = b""
        async with asyncio.timeout(5):
            with contextlib.suppress(ConnectionError):
                while piece := await self.reader.read(4096):
                    heard += piece
        return heard

    async def ask(self, data: bytes = REQUEST) -> bytes:
        self.writer.write(data)
        async with asyncio.timeout(5):
            head = await self.reader.readuntil(b"\r\n\r\n")
            return head + await self.reader.readexactly(2)


@contextlib.asynccontextmanager
async def serving(patience: Patience = SHORT, doorman: Doorman | None = None) -> AsyncIterator[int]:
    app = web.Application(middlewares=[problems])
    app.router.add_post("/", read_it)
    app.router.add_post("/ignored", ignore_it)
    async with serve_app(app, drain_s=0.1, patience=patience, doorman=doorman) as port:
        yield port


@contextlib.asynccontextmanager
async def line(port: int) -> AsyncIterator[Line]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Line(reader, writer)
    finally:
        writer.close()


async def test_who_connects_and_says_nothing_is_let_go():
    async with serving() as port, line(port) as silent:
        assert await silent.rest() == b""


@pytest.mark.parametrize(
    "drip", [HEAD + b"X: " + b"y" * 500, HEAD + b"".join(b"X-%d: y\r\n" % n for n in range(60))]
)
async def test_headers_that_come_drop_by_drop_are_cut_off(drip: bytes):
    async with serving() as port, line(port) as slow:
        said = await slow.drip(drip)

    assert said.startswith(b"HTTP/1.1 408 ")


async def test_a_later_requests_headers_have_a_deadline_of_their_own():
    async with serving(Patience(0.08, 10, 0.05)) as port, line(port) as slow:
        first = await slow.ask()
        await asyncio.sleep(0.12)  # longer than headers may take: to rest is not to drip
        again = await slow.ask()
        said = await slow.drip(HEAD + b"X: " + b"y" * 500)

    assert first.startswith(b"HTTP/1.1 200 ")
    assert again.startswith(b"HTTP/1.1 200 ")
    assert said.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(
    "how", [b"Content-Length: 500\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n1f4\r\n"]
)
async def test_a_body_that_comes_drop_by_drop_is_cut_off(how: bytes):
    async with serving() as port, line(port) as slow:
        slow.writer.write(HEAD + how)
        said = await slow.drip(b"[" * 500)

    assert said.startswith(b"HTTP/1.1 408 ")
    assert b"application/problem+json" in said


async def test_a_body_that_nobody_reads_is_not_waited_for():
    async with serving() as port, line(port) as slow:
        slow.writer.write(b"POST /ignored HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n")
        said = await slow.drip(b"[" * 500)

    assert said.startswith(b"HTTP/1.1 200 ")


async def test_a_slow_body_is_no_slow_header():
    """The deadline for headers ends with them; the body has its own."""
    async with serving(Patience(0.03, 10, 0.05)) as port, line(port) as slow:
        slow.writer.write(HEAD + b"Content-Length: 2\r\n\r\n{")
        await asyncio.sleep(0.05)
        said = await slow.ask(b"}")

    assert said.startswith(b"HTTP/1.1 200 ")


async def test_a_connection_that_rests_too_long_is_let_go():
    async with serving() as port, line(port) as idle:
        await idle.ask()

        assert await idle.rest() == b""


@pytest.mark.parametrize("finished", [True, False])
async def test_headers_may_be_as_large_as_the_limit_and_no_larger(finished: bool):
    large = HEAD + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 4000) for n in range(3))
    async with serving() as port, line(port) as greedy:
        greedy.writer.write(large + (b"Content-Length: 2\r\n\r\n{}" if finished else b""))
        said = await greedy.rest()
    async with serving() as port, line(port) as fair:
        padding = b"X: " + b"y" * (HEADERS_MAX_BYTES - 4 - 60) + b"\r\n"
        allowed = await fair.ask(HEAD + padding + b"Content-Length: 2\r\n\r\n{}")

    assert said.startswith(b"HTTP/1.1 431 ")
    assert allowed.startswith(b"HTTP/1.1 200 ")


async def test_requests_that_come_together_are_answered_in_order():
    async with serving() as port, line(port) as hasty:
        hasty.writer.write(REQUEST * 20)
        said = await hasty.rest()

    assert said.count(b"HTTP/1.1 200 ") == 20


BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\nno"


async def test_who_is_refused_at_the_door_may_ask_again_on_the_same_line():
    refuse = [True, True, False]
    door = lambda data: Refusal(BUSY) if data == REQUEST and refuse.pop(0) else None  # noqa: E731
    async with serving(doorman=door) as port, line(port) as eager:
        answers = [await eager.ask() for _ in range(3)]

    assert [answer[9:12] for answer in answers] == [b"503", b"503", b"200"]


async def test_who_was_refused_waits_for_the_next_answer_and_gets_it():
    refuse = [True, False]
    door = lambda _: Refusal(BUSY, rest_s=0.06) if refuse.pop(0) else None  # noqa: E731
    async with serving(doorman=door) as port, line(port) as eager:
        refused = await eager.ask()
        began_s = asyncio.get_running_loop().time()
        served = await eager.ask()
        waited_s = asyncio.get_running_loop().time() - began_s

    assert (refused[9:12], served[9:12]) == (b"503", b"200")
    assert waited_s > 0.04


async def test_the_door_is_not_asked_about_pieces_of_a_request():
    seen: list[bytes] = []
    async with serving(doorman=seen.append) as port, line(port) as slow:
        slow.writer.write(HEAD)
        await asyncio.sleep(0.02)
        said = await slow.ask(b"Content-Length: 2\r\n\r\n{}")

    assert said.startswith(b"HTTP/1.1 200 ")
    assert seen == [HEAD]


async def test_who_is_refused_and_reads_no_answers_is_let_go():
    big = Refusal(b"HTTP/1.1 503 No\r\nContent-Length: 999999\r\n\r\n" + b"x" * 999_999)
    async with serving(doorman=lambda _: big) as port, line(port) as deaf:
        deaf.reader._limit = 1  # its buffer fills, and then the kernel's
        with pytest.raises(ConnectionError):
            async with asyncio.timeout(5):
                while True:
                    deaf.writer.write(REQUEST)
                    await deaf.writer.drain()
                    await asyncio.sleep(0.002)
