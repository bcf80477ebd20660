"""The feed against a real Valkey, holding what the other packages write."""

import asyncio
import json

import msgspec
import pytest

from core.errors import StoreUnreachable
from core.game_server import ServerView, State
from core.health import Condition
from core.ids import FleetName, ServerUid
from core.redis import Store
from readyup.console.feed import Feed

NOW_MS = 1_700_000_000_000


class StillClock:
    """Stands where it is put."""

    def __init__(self) -> None:
        self.now_ms = NOW_MS

    def wall_us(self) -> int:
        return self.now_ms * 1000

    def wall_ms(self) -> int:
        return self.now_ms

    def elapsed_s(self) -> float:
        return self.now_ms / 1000


def feed_on(store: Store, clock: StillClock | None = None) -> Feed:
    return Feed(store, queues={"duel": "arena"}, fleets=["arena"], clock=clock or StillClock())


async def tell(store: Store, stream: str, kind: str, t: int, **fields: object) -> None:
    body = json.dumps({"t": t, **fields})
    await store.call("XADD", stream, f"{t}-*", "k", kind, "d", body)


async def put_server(store: Store, *states: str) -> None:
    view = ServerView(
        "arena-1", ServerUid("u1"), FleetName("arena"), State.ALLOCATED, "127.0.0.1", 7001, rooms=2
    )
    await store.call("HSET", "{f:arena}:backend", "arena-1", msgspec.json.encode(view).decode())
    beat = {"uid": "u1", "beat_ms": NOW_MS, "players": 2, "tick": {"p99_ms": 0.3, "rate_hz": 30}}
    await store.call("HSET", "{f:arena}:servers", "u1", json.dumps(beat))
    for n, state in enumerate(states):
        await store.call("SADD", "{f:arena}:rooms", f"u1/{n}")
        await store.call("HSET", f"{{f:arena}}:room:u1/{n}", "state", state)


async def test_one_look_shows_queues_servers_rooms_and_the_line(store: Store):
    await put_server(store, "held", "free")
    await store.call(
        "HSET", "{q:arena}:duel:stats", "waiting", 3, "players_waiting", 4, "t", NOW_MS
    )
    leader = ("holder", "d1", "epoch", 2, "until_ms", NOW_MS + 1000)
    await store.call("HSET", "{q:arena}:duel:leader", *leader)
    await store.call("ZADD", "{f:arena}:waiting", NOW_MS - 250, "duel.m")
    await store.call("HSET", "{f:arena}:plan", "replicas", 5, "why", '{"sentence": "two in use"}')
    feed = feed_on(store)
    await feed.poll()
    page = json.loads(feed.latest().body)
    fleet = page["fleets"][0]

    assert page["queues"][0]["players_waiting"] == 4
    assert page["queues"][0]["holder"] == "d1"
    assert fleet["servers"][0]["rooms"] == "hf"
    assert fleet["servers"][0]["tick"]["p99_ms"] == 0.3
    assert (fleet["pool"]["in_line"], fleet["pool"]["line_ms"]) == (1, 250)
    assert (fleet["replicas"], fleet["why"]) == (5, "two in use")


async def test_streams_are_read_on_from_where_the_last_look_ended(store: Store):
    clock = StillClock()
    feed = feed_on(store, clock)
    ticket = {"ticket": "duel.a", "players": ["p"], "mmr": 1500, "size": 1}
    await tell(store, "{q:arena}:duel:log", "ticket.enqueued", NOW_MS - 2000, **ticket)
    await feed.poll()
    waiting = json.loads(feed.latest().body)["queues"][0]["dots"]
    formed = {"match": "duel.m", "tickets": ["duel.a"], "formed_us": str((NOW_MS - 4) * 1000)}
    await tell(store, "{q:arena}:duel:log", "match.announced", NOW_MS, **formed)
    clock.now_ms += 1000  # the minute's figures are made anew each second
    await feed.poll()
    page = json.loads(feed.latest().body)

    assert waiting == [["duel.a", 1500.0, 1, NOW_MS - 2000]]
    assert page["queues"][0]["dots"] == []
    assert page["totals"]["wait_ms_p50"] == 2000
    assert page["totals"]["place_ms_p50"] == 4


async def test_an_event_that_cannot_be_read_does_not_stop_the_others(store: Store):
    await store.call("XADD", "{q:arena}:duel:log", f"{NOW_MS}-*", "k", "ticket.enqueued", "d", "{")
    await tell(store, "{q:arena}:duel:log", "ticket.enqueued", NOW_MS, ticket="duel.b")
    feed = feed_on(store)
    await feed.poll()

    assert len(json.loads(feed.latest().body)["queues"][0]["dots"]) == 1


async def test_a_store_that_does_not_answer_is_shown_with_what_was_last_known(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    clock = StillClock()
    await put_server(store, "free")
    feed = feed_on(store, clock)
    said = [feed.condition()]
    await feed.poll()

    async def nobody(*_: object) -> None:
        raise StoreUnreachable("nobody answers")

    with monkeypatch.context() as patched:
        patched.setattr(store, "call", nobody)
        clock.now_ms += 3000
        await feed.poll()
        lost = json.loads(feed.latest().body)
        said.append(feed.condition())
    await feed.poll()
    back = json.loads(feed.latest().body)
    said.append(feed.condition())

    assert lost["store_lost_ms"] == 3000
    assert len(lost["fleets"][0]["servers"]) == 1
    assert back["store_lost_ms"] == 0
    assert said == [
        Condition(ready=False, says="takes its first look"),
        Condition(ready=False, says="the store does not answer"),
        Condition(ready=True, says="looks"),
    ]


async def test_the_service_publishes_until_it_is_stopped(store: Store):
    feed, stop = feed_on(store), asyncio.Event()
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(feed.run(stop), name="feed")
        feed.watchers = 1
        frame = await feed.after(feed.latest().seq)
        later = await feed.after(frame.seq)
        stop.set()

    assert later.seq > frame.seq
