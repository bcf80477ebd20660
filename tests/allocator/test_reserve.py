"""The reserve: what one pass does to keep as many free rooms as asked."""

from dataclasses import replace

import pytest

from allocator.handover import Handover
from allocator.metrics import AllocatorMetrics
from allocator.pool import Pool
from allocator.reserve import Reserve
from allocator.sessions import Sessions
from allocator.settings import AllocatorSettings
from core.game_server import State
from core.ids import MatchId, room_id
from readyup.wiring.mirrored_servers import MirroredServers
from tests.allocator.worlds import FLEET, NOW, FakeMatches, FakeServers, order, server

SETTINGS = AllocatorSettings(FLEET, reserve_rooms=2)


@pytest.fixture
def servers() -> FakeServers:
    return FakeServers()


@pytest.fixture
def matches() -> FakeMatches:
    return FakeMatches()


@pytest.fixture
def reserve(
    pool: Pool,
    sessions: Sessions,
    servers: FakeServers,
    matches: FakeMatches,
    metrics: AllocatorMetrics,
) -> Reserve:
    handover = Handover(sessions, matches, SETTINGS, metrics)
    return Reserve(pool, servers, handover, SETTINGS, metrics)


async def test_ready_servers_are_taken_until_the_target_is_met(
    reserve: Reserve, pool: Pool, servers: FakeServers
):
    servers.have(*(server(name) for name in "abc"))
    first = await reserve.refill(now_ms=NOW)
    second = await reserve.refill(now_ms=NOW + 250)
    third = await reserve.refill(now_ms=NOW + 500)

    assert [view.name for view in first.take] == ["a", "b"]
    assert servers.taken == [("uid-a", "refill-uid-a"), ("uid-b", "refill-uid-b")]
    assert [room.room for room in second.add] == ["uid-a/0", "uid-b/0"]
    assert not third.take
    assert not third.add
    assert (await pool.census()).free == {"uid-a/0", "uid-b/0"}


async def test_the_reserve_is_as_large_as_the_forecast_says_and_without_one_as_the_settings_say(
    reserve: Reserve, pool: Pool, servers: FakeServers
):
    servers.have(*(server(name) for name in "abcd"))
    await pool.store.call("HSET", pool.key("plan"), "reserve_target", 3)
    planned = await reserve.refill(now_ms=NOW)
    await reserve.refill(now_ms=NOW + 250)
    await pool.store.call("HDEL", pool.key("plan"), "reserve_target")
    later_ms = NOW + SETTINGS.surplus_patience_ms
    for now_ms in (NOW + 500, later_ms + 1000, later_ms + 2000):
        await reserve.refill(now_ms=now_ms)

    assert len(planned.take) == 3
    assert len((await pool.census()).free) == SETTINGS.reserve_rooms


async def test_a_server_of_many_rooms_counts_for_all_of_them(
    reserve: Reserve, servers: FakeServers
):
    servers.have(server("a", rooms=2), server("b", rooms=2))

    assert len((await reserve.refill(now_ms=NOW)).take) == 1


async def test_the_line_wants_rooms_beyond_the_target(
    reserve: Reserve, pool: Pool, servers: FakeServers
):
    servers.have(*(server(name) for name in "abcd"))
    await pool.claim(order("m"), now_ms=NOW)

    assert len((await reserve.refill(now_ms=NOW)).take) == 3
    await reserve.refill(now_ms=NOW + 1)
    assert await pool.claim(order("m"), now_ms=NOW + 2) is not None


async def test_an_order_that_nobody_heard_is_given_again_after_a_while(
    reserve: Reserve, servers: FakeServers
):
    servers.obeys = False
    servers.have(server("a"))
    asked = [len((await reserve.refill(now_ms=NOW + t)).take) for t in (0, 250, 4_999, 5_000)]

    assert asked == [1, 0, 0, 1]


async def test_a_taken_server_without_rooms_is_adopted(
    reserve: Reserve, pool: Pool, servers: FakeServers
):
    await servers_taken(servers, "a")
    servers.have(server("stranger", state=State.ALLOCATED))  # somebody else's allocation

    plan = await reserve.refill(now_ms=NOW)
    assert [room.server for room in plan.add] == ["uid-a"]
    assert (await pool.census()).rooms == {"uid-a/0"}


@pytest.mark.parametrize("fate", [None, State.SHUTDOWN, State.UNHEALTHY, State.READY])
async def test_rooms_of_a_server_that_is_gone_are_removed(
    reserve: Reserve, pool: Pool, servers: FakeServers, fate: State | None
):
    await servers_taken(servers, "a")
    await reserve.refill(now_ms=NOW)
    view = servers.views.pop("uid-a")
    if fate is not None:
        servers.have(replace(view, state=fate, labels={}))
    plan = await reserve.refill(now_ms=NOW + 1)

    assert plan.gone == ["uid-a"]
    assert (await pool.census()).rooms == set()


async def test_matches_on_a_server_that_is_gone_close_move_or_are_handed_over(
    reserve: Reserve,
    pool: Pool,
    sessions: Sessions,
    servers: FakeServers,
    matches: FakeMatches,
):
    await servers_taken(servers, "a", "b")
    servers.have(replace(servers.views["uid-a"], rooms=3))
    await reserve.refill(now_ms=NOW)
    for name in ("open", "pending", "active"):
        await pool.claim(order(name), now_ms=NOW + 1)
    matches.committed = {"duel.pending", "duel.active"}
    active = await sessions.get(MatchId("duel.active"))
    assert active is not None
    await sessions.ack(active.match, active.room, active.server, 1, now_ms=NOW + 2)
    await sessions.joined(active.match, active.server, 1, now_ms=NOW + 3)
    servers.views.pop("uid-a")
    await reserve.refill(now_ms=NOW + 4)

    fates = {}
    for name in ("open", "pending", "active"):
        session = await sessions.get(MatchId(f"duel.{name}"))
        assert session is not None
        fates[name] = (str(session.state), session.reason, session.room)
    assert fates == {
        "open": ("ended", "closed", "uid-a/0"),
        "pending": ("pending", "", "uid-b/0"),
        "active": ("handing-over", "", ""),
    }
    assert await pool.store.call("HGETALL", pool.key("repairs")) == {
        "server-gone-close": "1", "server-gone-move": "1", "server-gone-hand-over": "1",
    }  # fmt: skip


async def test_a_server_too_many_is_given_back_with_patience(
    reserve: Reserve, pool: Pool, servers: FakeServers
):
    await servers_taken(servers, "a", "b", "c")
    for t in (0, 1, 60_001):
        await reserve.refill(now_ms=NOW + t)
    assert servers.given_up == []
    await reserve.refill(now_ms=NOW + 60_002)
    await reserve.refill(now_ms=NOW + 60_252)

    assert servers.given_up == ["uid-a"]
    assert (await pool.census()).free == {room_id(v.uid, 0) for v in servers.views.values()}


async def test_a_room_suspect_for_too_long_costs_its_server_its_place(
    reserve: Reserve, pool: Pool, servers: FakeServers
):
    await servers_taken(servers, "a")
    await reserve.refill(now_ms=NOW)
    await pool.suspect("uid-a", now_ms=NOW)
    await reserve.refill(now_ms=NOW + 60_001)
    await reserve.refill(now_ms=NOW + 60_002)

    assert servers.given_up == ["uid-a"]


async def test_the_metrics_show_the_rooms(
    reserve: Reserve, servers: FakeServers, metrics: AllocatorMetrics
):
    await servers_taken(servers, "a", "b")
    await reserve.refill(now_ms=NOW)
    await reserve.refill(now_ms=NOW + 1)

    assert metrics.rooms.labels(FLEET, "free")._value.get() == 2


async def test_mirrored_servers_reads_the_mirror_and_writes_orders(store):
    local = MirroredServers(store, FLEET)
    view = server("a")
    mirrored = (
        '{"name":"a","uid":"uid-a","fleet":"arena","state":"Ready","address":"127.0.0.1",'
        f'"port":7000,"rooms":1,"version":"v1","public_key":"{view.public_key}"}}'
    )
    await store.call("HSET", "{f:arena}:backend", "a", mirrored)
    await local.take(view.uid, "refill-1")
    await local.give_up(view.uid)

    assert await local.running() == [view]
    assert await local.find("a", view.uid) == view
    assert await local.find("a", "another-life") is None
    assert await local.find("b", view.uid) is None
    said = await store.read_stream("{f:arena}:orders", "0-0", block_ms=1)
    assert [entry.fields for entry in said] == [
        {"k": "take", "d": '{"uid":"uid-a","claim":"refill-1"}'},
        {"k": "give_up", "d": '{"uid":"uid-a"}'},
    ]


async def servers_taken(servers: FakeServers, *names: str) -> None:
    for name in names:
        servers.have(server(name))
        await servers.take(server(name).uid, "refill")
    servers.taken.clear()


async def test_rooms_of_proven_servers_are_handed_out_first(
    reserve: Reserve, pool: Pool, servers: FakeServers
):
    views = {name: replace(server(name), created_ms=n) for n, name in enumerate("ab")}
    servers.have(views["a"], views["b"])
    for t in (0, 1):
        await reserve.refill(now_ms=NOW + t)
    # It is only later, when both have their rooms, that one of them proves its cores.
    servers.have(replace(servers.views[views["b"].uid], cores=(1,)))
    await reserve.refill(now_ms=NOW + 2)

    handed_out = [await pool.claim(order(name), now_ms=NOW + 3) for name in ("m", "n")]

    assert [one and one.server for one in handed_out] == ["uid-b", "uid-a"]
