"""A stream told to a sink: at least once, in order, from where it was."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import pytest
from prometheus_client import CollectorRegistry

from core.errors import StoreUnreachable
from core.redis import Store
from readyup.events import teller
from readyup.events.metrics import EventsMetrics
from readyup.events.streams import Position, Stream
from readyup.events.teller import Teller
from tests.readyup.events.streams import FLEET, QUEUE, Remembers, say, tickets


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(teller, "AGAIN_S", 0.01)


@contextlib.asynccontextmanager
async def telling(
    store: Store, sink: Remembers, stream: Stream = QUEUE, *, from_now: bool = False
) -> AsyncIterator[CollectorRegistry]:
    registry, stop = CollectorRegistry(), asyncio.Event()
    one = Teller(store, stream, sink, "events", EventsMetrics(registry), from_now)
    async with asyncio.TaskGroup() as group:
        group.create_task(one.run(stop), name="teller")
        try:
            yield registry
        finally:
            stop.set()


async def test_what_is_there_and_what_comes_is_told_in_order(store: Store):
    sink = Remembers()
    before = await tickets(store, 3)
    async with telling(store, sink):
        await sink.has(3)
        after = await tickets(store, 2, first=3)
        said = await sink.has(5)

    assert [one["id"] for one in said] == before + after
    assert [one["subject"] for one in said] == ["t0", "t1", "t2", "t3", "t4"]


async def test_whoever_comes_back_goes_on_behind_what_was_taken(store: Store):
    first, second = Remembers(), Remembers()
    await tickets(store, 3)
    async with telling(store, first):
        await first.has(3)
    later = await tickets(store, 2, first=3)
    async with telling(store, second):
        await second.has(2)

    assert [one["id"] for one in second.said()] == later
    assert await Position(store, QUEUE, "events").begin(from_now=False) == later[-1]


async def test_whoever_was_killed_before_the_place_was_kept_tells_the_same_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    first, second = Remembers(), Remembers()
    await tickets(store, 3)
    with monkeypatch.context() as killed:
        killed.setattr(Position, "keep", nothing)
        async with telling(store, first):
            await first.has(3)
    async with telling(store, second):
        await second.has(3)

    assert second.records == first.records


async def nothing(*_: object) -> None:
    """In the place of what a kill prevents."""


async def test_a_new_name_may_begin_with_what_comes_from_now_on(store: Store):
    sink = Remembers()
    await tickets(store, 3)
    async with telling(store, sink, from_now=True):
        async with asyncio.timeout(5):
            while not await store.call("EXISTS", Position(store, QUEUE, "events").key):
                await asyncio.sleep(0.005)
        later = await tickets(store, 1, first=3)
        said = await sink.has(1)

    assert [one["id"] for one in said] == later


async def test_a_sink_that_is_away_is_asked_again_and_nothing_is_lost(store: Store):
    sink = Remembers()
    sink.away = True
    ids = await tickets(store, 3)
    async with telling(store, sink) as registry:
        while sink.asked < 3:
            await asyncio.sleep(0.005)
        up_while_away = registry.get_sample_value("readyup_events_sink_up")
        kept_while_away = await store.call("GET", Position(store, QUEUE, "events").key)
        sink.away = False
        said = await sink.has(3)

    assert (up_while_away, kept_while_away) == (0, None)
    assert [one["id"] for one in said] == ids


async def test_a_slow_sink_stops_the_reading(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(teller, "BACKLOG_MAX", 4)
    monkeypatch.setattr(teller, "BATCH_MAX", 2)
    read: list[str] = []
    original = teller.record_of
    monkeypatch.setattr(
        teller, "record_of", lambda src, event: read.append(event["i"]) or original(src, event)
    )
    sink = Remembers()
    sink.gate = asyncio.Event()
    ids = await tickets(store, 20)
    async with telling(store, sink):
        await asyncio.sleep(0.1)
        held_up = len(read)
        sink.gate.set()
        said = await sink.has(20)

    assert held_up <= 2 + 4 + 1  # a batch under way, the backlog, and the one in hand
    assert [one["id"] for one in said] == ids


async def test_a_gap_is_told_before_what_comes_behind_it(store: Store):
    for n in range(1, 8):
        await say(store, QUEUE, "match.ended", at=f"{n}-1", match=f"m{n}", reason="finished")
    await store.call("SET", Position(store, QUEUE, "events").key, "2-1")
    await store.call("XTRIM", QUEUE.key, "MINID", "6-1")
    sink = Remembers()
    async with telling(store, sink) as registry:
        said = await sink.has(3)

    assert [one["type"] for one in said] == ["readyup.stream.skipped"] + ["readyup.match.ended"] * 2
    assert said[0]["data"] == {"after": "2-1", "first": "6-1"}
    assert registry.get_sample_value("readyup_events_skipped_total", {"source": "queue/duel"}) == 1


async def test_what_a_failover_took_back_is_withdrawn_before_what_comes_next(store: Store):
    sink = Remembers()
    ids = await tickets(store, 4)
    async with telling(store, sink):
        await sink.has(4)
        await store.call("XDEL", QUEUE.key, *ids[2:])
        store.reign += 1
        later = await tickets(store, 1, first=4)
        said = await sink.has(6)

    assert [(one["type"], one["data"].get("ids")) for one in said[4:]] == [
        ("readyup.stream.withdrawn", ids[2:]),
        ("readyup.ticket.enqueued", None),
    ]
    assert said[5]["id"] == later[0]


async def test_a_result_is_told_with_what_the_server_said_of_the_match(store: Store):
    held = {"match": "m1", "server": "s1", "session_epoch": 1}
    await store.call("HSET", f"{FLEET.base}:session:m1", "result", '{"winner":"red"}')
    await say(store, FLEET, "session.result", **held)
    await say(store, FLEET, "session.result", **held | {"match": "m2"})
    sink = Remembers()
    async with telling(store, sink, FLEET):
        said = await sink.has(2)

    assert said[0]["data"] == held | {"result": {"winner": "red"}}
    assert said[1]["data"] == held | {"match": "m2", "result": None}


async def test_what_nobody_else_is_promised_is_passed_over_and_counts_as_told(store: Store):
    sink = Remembers()
    await say(store, FLEET, "room.added", room="s1/0", server="s1")
    await say(store, FLEET, "session.ended", match="m1", reason=7, session_epoch="x")
    last = await say(store, FLEET, "room.removed", room="s1/0")
    async with telling(store, sink, FLEET) as registry, asyncio.timeout(5):
        while await store.call("GET", Position(store, FLEET, "events").key) != last:
            await asyncio.sleep(0.005)

    assert sink.records == []
    unreadable = registry.get_sample_value(
        "readyup_events_unreadable_total", {"source": "fleet/arena"}
    )
    assert unreadable == 1


async def test_whoever_is_behind_says_by_how_much(store: Store):
    sink = Remembers()
    await say(store, QUEUE, "match.ended", at="1000-1", match="m1", reason="finished")
    metrics = EventsMetrics(registry := CollectorRegistry())
    one = Teller(store, QUEUE, sink, "events", metrics)
    one._told = "1000-1"
    await say(store, QUEUE, "match.ended", at="3500-1", match="m2", reason="finished")
    await one._look()

    behind = registry.get_sample_value("readyup_events_behind_seconds", {"source": "queue/duel"})
    assert behind == 2.5
    assert json.dumps(sink.said()) == "[]"


async def test_a_result_that_could_not_be_read_before_the_end_is_left_to_who_comes_next(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    asked, sink, stop = asyncio.Event(), Remembers(), asyncio.Event()

    async def away(*_: object) -> None:
        asked.set()
        raise StoreUnreachable("away")

    monkeypatch.setattr(teller, "with_result", away)
    monkeypatch.setattr(teller, "AGAIN_S", 60.0)
    one = Teller(store, FLEET, sink, "events", EventsMetrics(CollectorRegistry()))
    await say(store, FLEET, "session.result", match="duel.m", server="u1", session_epoch=1)
    async with asyncio.TaskGroup() as group:
        group.create_task(one.run(stop), name="teller")
        async with asyncio.timeout(5):
            await asked.wait()
        stop.set()

    assert sink.records == []
    assert await Position(store, FLEET, "events").begin(from_now=False) == "0-0"
