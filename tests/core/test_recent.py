"""What a failover takes back of a stream: found, told, and read again from there."""

import asyncio

from core.eventlog import tail
from core.recent import Recent, before
from core.redis import Store


async def write(store: Store, *entries: tuple[str, str]) -> None:
    for entry, kind in entries:
        await store.call("XADD", "log", entry, "k", kind, "d", "{}")


async def fail_over_to(store: Store, *entries: tuple[str, str]) -> None:
    """As a store is after one: another stream, which begins as the old one did."""
    await store.call("DEL", "log")
    await write(store, *entries)
    store.reign += 1


async def read(store: Store) -> Recent:
    recent = Recent()
    for entry in await store.read_stream("log", "0", block_ms=1):
        recent.note(entry)
    return recent


async def test_nothing_is_taken_back_when_everything_is_there(store: Store):
    await write(store, ("1-0", "a"), ("2-0", "b"))
    recent = await read(store)

    assert await recent.taken_back(store, "log", "2-0") == ([], "2-0")


async def test_what_came_after_the_last_common_entry_is_taken_back(store: Store):
    await write(store, ("1-0", "a"), ("2-0", "b"), ("3-0", "c"), ("4-0", "d"))
    recent = await read(store)
    await fail_over_to(store, ("1-0", "a"), ("2-0", "b"), ("2-1", "e"))

    assert await recent.taken_back(store, "log", "4-0") == (["3-0", "4-0"], "2-0")
    assert await recent.taken_back(store, "log", "2-0") == ([], "2-0")


async def test_another_entry_under_the_same_id_is_another_entry(store: Store):
    await write(store, ("1-0", "a"), ("2-0", "b"))
    recent = await read(store)
    await fail_over_to(store, ("1-0", "a"), ("2-0", "x"))

    assert await recent.taken_back(store, "log", "2-0") == (["2-0"], "1-0")


async def test_a_stream_that_is_gone_is_read_from_before_its_first_entry(store: Store):
    await write(store, ("5-0", "a"))
    recent = await read(store)
    await fail_over_to(store)

    assert await recent.taken_back(store, "log", "5-0") == (["5-0"], before("5-0"))


def test_the_id_before_is_the_greatest_below():
    assert before("5-3") == "5-2"
    assert before("5-0") == "4-18446744073709551615"


async def test_a_tail_reads_on_from_where_the_failover_began(store: Store):
    await write(store, ("1-0", "a"), ("2-0", "b"), ("9-0", "phantom"))
    heard, gone, stop = [], [], asyncio.Event()
    async for event in tail(store, "log", "0", stop, forgotten=gone.extend):
        heard.append(event["k"])
        if event["k"] == "phantom":
            await fail_over_to(store, ("1-0", "a"), ("2-0", "b"), ("3-0", "c"))
        if event["k"] == "c":
            stop.set()

    assert heard == ["a", "b", "phantom", "c"]
    assert gone == ["9-0"]
