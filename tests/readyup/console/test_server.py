"""The console's routes, over real HTTP on the loopback."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest

from core.web import serve_app
from readyup.console import server as console_server
from readyup.console.server import console_app
from tests.readyup.console.world import Nobody, Show, World

NOW_MS = 1_700_000_000_000


@pytest.fixture
def show() -> Show:
    world = World(NOW_MS)
    for _ in range(100):
        world.step()
    return Show(world)


@pytest.fixture
async def http(show: Show) -> AsyncIterator[aiohttp.ClientSession]:
    async with (
        serve_app(console_app(show, Nobody())) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
    ):
        yield session


async def event(answer: aiohttp.ClientResponse) -> dict[str, str]:
    """The next event of a stream, its fields by name."""
    fields = {}
    async for line in answer.content:
        name, colon, value = line.decode().rstrip("\n").partition(": ")
        if not colon:
            return fields
        fields[name] = value
    raise AssertionError("the stream ended")


async def test_the_page_allows_nothing_that_is_inline_or_from_elsewhere(http):
    async with http.get("/") as answer:
        policy = answer.headers["Content-Security-Policy"]
        text = await answer.text()

    assert answer.content_type == "text/html"
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "<title>ReadyUp</title>" in text


async def test_a_file_that_has_not_changed_is_not_sent_again(http):
    async with http.get("/static/app.js") as first:
        etag = first.headers["ETag"]
    async with http.get("/static/app.js", headers={"If-None-Match": etag}) as second:
        body = await second.read()

    assert first.content_type == "text/javascript"
    assert second.status == 304
    assert second.headers["ETag"] == etag
    assert body == b""


@pytest.mark.parametrize(
    "path", ["/static/nothing.js", "/static/../server.py", "/static//etc/passwd"]
)
async def test_only_the_pages_own_files_are_served(http, path: str):
    async with http.get(path) as answer:
        problem = await answer.json(content_type="application/problem+json")

    assert answer.status == 404
    assert problem["status"] == 404


async def test_the_console_takes_no_orders(http):
    async with http.post("/console/snapshot") as answer:
        assert answer.status == 405


async def test_a_stream_begins_with_the_charts_past_and_goes_on_with_the_present(http, show):
    async with http.get("/console/stream") as answer:
        history, first = await event(answer), await event(answer)
        show.world.step()
        show.publish()
        second = await event(answer)

    assert answer.content_type == "text/event-stream"
    assert history["event"] == "history"
    assert len(json.loads(history["data"])["t_s"]) > 5
    assert first["event"] == second["event"] == "snapshot"
    assert json.loads(second["data"])["now_ms"] == json.loads(first["data"])["now_ms"] + 100


async def test_a_reader_that_was_away_gets_the_newest_frame_and_none_between(http, show):
    async with http.get("/console/stream") as answer:
        await event(answer)
        first = await event(answer)
        for _ in range(5):  # within one turn of the loop: the reader had no chance
            show.publish()
        second = await event(answer)

    assert int(second["id"]) == int(first["id"]) + 5


async def test_a_stream_that_is_left_is_no_longer_counted(http, show):
    async with http.get("/console/stream") as answer:
        await event(answer)
        assert show.watchers == 1
    async with asyncio.timeout(5):
        while show.watchers:
            show.publish()
            await asyncio.sleep(0.01)

    assert show.watchers == 0


async def test_too_many_watchers_are_told_so(http, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(console_server, "WATCHERS_MAX", 1)
    async with http.get("/console/stream") as first, http.get("/console/stream") as second:
        await event(first)

        assert second.status == 503
        assert second.headers["Retry-After"] == "1"


async def test_open_streams_do_not_hold_up_the_end(show):
    async with contextlib.AsyncExitStack() as stack:
        site = contextlib.AsyncExitStack()
        port = await site.enter_async_context(serve_app(console_app(show, Nobody()), drain_s=60))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        answer = await stack.enter_async_context(
            session.get(f"http://127.0.0.1:{port}/console/stream")
        )
        await event(answer)
        async with asyncio.timeout(5):
            await site.aclose()

    assert show.watchers == 0


async def test_the_snapshot_is_there_for_programs_too(http):
    async with http.get("/console/snapshot") as answer, http.get("/livez") as alive:
        page = await answer.json()

    assert page["fleets"][0]["name"] == "arena"
    assert alive.status == 200
