"""Events read from a stream: in order, from a place, and on after the store was away."""

import asyncio
import json

from core.errors import StoreUnreachable
from core.eventlog import first_id, last_id, tail
from core.redis import Entry, Store
from tests.core.clocks import NOW


async def say(store: Store, *kinds: str) -> None:
    for n, kind in enumerate(kinds):
        await store.call("XADD", "log", "*", "k", kind, "d", json.dumps({"t": NOW + n}))


async def heard(store: Store, after: str, many: int) -> list[str]:
    """Kinds of the next events of the stream."""
    stop, kinds = asyncio.Event(), []
    async with asyncio.timeout(10):
        async for event in tail(store, "log", after, stop):
            kinds.append(event["k"])
            if len(kinds) == many:
                stop.set()
                break
    return kinds


async def test_what_was_said_before_comes_first_and_what_follows_in_order(store: Store):
    await say(store, "a", "b")
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(heard(store, "0", 4))
        await asyncio.sleep(0)
        await say(store, "c", "d")

    assert reading.result() == ["a", "b", "c", "d"]


async def test_a_tail_begins_after_the_place_it_is_given(store: Store):
    await say(store, "a", "b")
    after = await last_id(store, "log")
    await say(store, "c")

    assert await heard(store, after, 1) == ["c"]


async def test_an_event_tells_its_kind_time_and_place(store: Store):
    await say(store, "a")
    async for event in tail(store, "log", "0", asyncio.Event()):
        assert event == {"k": "a", "t": NOW, "i": await last_id(store, "log")}
        break


async def test_first_and_last_id_of_a_stream_and_of_none(store: Store):
    assert (await first_id(store, "log"), await last_id(store, "log")) == ("0-0", "0-0")
    for entry in ("1-1", "2-1", "3-1"):
        await store.call("XADD", "log", entry, "k", "a", "d", "{}")

    assert (await first_id(store, "log"), await last_id(store, "log")) == ("1-1", "3-1")


async def test_a_tail_ends_when_it_is_told(store: Store):
    stop = asyncio.Event()
    stop.set()

    assert [event async for event in tail(store, "log", "0", stop)] == []


class Flaky:
    """A store that is away for some reads."""

    reign = 0

    def __init__(self, *answers: list[Entry] | None) -> None:
        self.answers = list(answers)
        self.asked_after: list[str] = []

    async def read_stream(self, key: str, after: str, *, block_ms: int) -> list[Entry]:
        assert key
        assert block_ms
        self.asked_after.append(after)
        answer = self.answers.pop(0)
        if answer is None:
            raise StoreUnreachable("away")
        return answer


async def test_a_tail_goes_on_where_it_was_after_the_store_was_away():
    store = Flaky(
        [Entry("1-1", {"k": "a", "d": "{}"})], None, [Entry("2-1", {"k": "b", "d": "{}"})]
    )

    assert await heard(store, "0-0", 2) == ["a", "b"]
    assert store.asked_after == ["0-0", "1-1", "1-1"]


async def test_a_tail_whose_store_stays_away_still_ends_when_it_is_told():
    stop = asyncio.Event()
    asyncio.get_running_loop().call_soon(stop.set)

    assert [event async for event in tail(Flaky(None), "log", "0-0", stop)] == []


async def gaps(store: Store, after: str, last: str) -> list[tuple[str, str]]:
    """What a tail from there to an id says it missed."""
    found: list[tuple[str, str]] = []
    events = tail(store, "log", after, asyncio.Event(), skipped=lambda *gap: found.append(gap))
    async with asyncio.timeout(10):
        async for event in events:
            if event["i"] == last:
                break
    return found


async def numbered(store: Store, first: int, last: int) -> None:
    await store.many([("XADD", "log", f"{n}-1", "k", "a", "d", "{}") for n in range(first, last)])


async def test_what_was_trimmed_while_a_reader_was_away_is_a_gap(store: Store):
    await numbered(store, 1, 10)
    await store.call("XTRIM", "log", "MINID", "6-1")

    assert await gaps(store, "3-1", "9-1") == [("3-1", "6-1")]


async def test_a_reader_whose_last_entry_is_still_there_missed_nothing(store: Store):
    await numbered(store, 1, 1_800)
    await store.call("XTRIM", "log", "MINID", "3-1")

    assert await gaps(store, "3-1", "1799-1") == []
    assert await gaps(store, "0-0", "1799-1") == []


async def test_a_reader_held_up_by_whoever_reads_from_it_misses_what_is_trimmed_meanwhile(
    store: Store,
):
    found: list[tuple[str, str]] = []
    await numbered(store, 1, 3)
    events = tail(store, "log", "0-0", asyncio.Event(), skipped=lambda *gap: found.append(gap))
    first = [(await anext(events))["i"] for _ in range(2)]
    await numbered(store, 3, 1_200)
    await store.call("XTRIM", "log", "MINID", "600-1")

    assert (first, (await anext(events))["i"]) == (["1-1", "2-1"], "600-1")
    assert found == [("2-1", "600-1")]
