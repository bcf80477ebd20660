"""The shared connection: order, coalescing, scripts, and what happens when it is lost."""

import asyncio

import pytest

from core.errors import StoreUnreachable
from core.lua import LuaScript
from core.redis import Store

ECHO = LuaScript("echo", "return ARGV[1]", "f" * 40, (), ("word",))


async def test_calls_of_many_tasks_get_their_own_answers(store: Store):
    async def one(n: int) -> None:
        await store.call("SET", f"k{n}", n)
        assert await store.call("GET", f"k{n}") == str(n)

    async with asyncio.TaskGroup() as group:
        for n in range(700):
            group.create_task(one(n))

    assert sum(await store.everywhere("DBSIZE")) == 700


async def test_a_script_the_server_forgot_is_sent_again(store: Store):
    assert await ECHO(store, keys={}, args={"word": "hello"}) == "hello"
    await store.call("SCRIPT", "FLUSH")

    assert await ECHO(store, keys={}, args={"word": "again"}) == "again"


async def test_a_wrong_type_is_one_callers_error_and_nobody_elses(store: Store):
    await store.call("SET", "text", "x")
    answers: list[object] = []

    async def wrong() -> None:
        with pytest.raises(Exception, match="WRONGTYPE"):
            await store.call("HGETALL", "text")

    async def right() -> None:
        answers.append(await store.call("GET", "text"))

    async with asyncio.TaskGroup() as group:
        group.create_task(wrong())
        group.create_task(right())

    assert answers == ["x"]


async def test_nobody_answers_at_a_wrong_address():
    with pytest.raises(StoreUnreachable):
        await Store.connect("unix:///nowhere/valkey.sock")


async def test_a_closed_store_says_so(valkey_url: str):
    store = await Store.connect(valkey_url)
    await store.aclose()

    with pytest.raises(StoreUnreachable):
        await store.call("PING")


async def test_a_stream_is_read_in_order_and_waits_for_news(store: Store):
    await store.call("XADD", "s", "*", "k", "first")
    (first,) = await store.read_stream("s", "0-0", block_ms=10)
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(store.read_stream("s", first.id, block_ms=5000))
        await asyncio.sleep(0)
        await store.call("XADD", "s", "*", "k", "second")

    assert [entry.fields["k"] for entry in waiting.result()] == ["second"]
