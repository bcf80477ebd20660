"""Demand counted from the fleet's own log: each event once, whoever counts."""

import asyncio

import pytest

from allocator.pool import Pool
from allocator.rooms import NewRoom
from core.buckets import quantile_s
from core.ids import FleetName, MatchId, RoomId, ServerUid
from core.placement import ClaimOrder
from core.redis import Store
from fleets.capacity.announced import Announced
from fleets.capacity.events import Event
from fleets.capacity.ledger import Ledger

ARENA = FleetName("arena")
NOW_S = 1_800_000_000
NOW_MS = NOW_S * 1000


def claim(n: int) -> ClaimOrder:
    return ClaimOrder(MatchId(f"duel.{n:032x}"), "duel", ("ann", "bob"), NOW_MS + 600_000)


def room(n: int) -> NewRoom:
    return NewRoom(RoomId(f"s{n}/0"), ServerUid(f"s{n}"), "127.0.0.1", 7000 + n, "1")


async def claimed(pool: Pool, n: int, *, at_s: float) -> None:
    await pool.claim(claim(n), now_ms=NOW_MS + round(at_s * 1000))


@pytest.fixture
def pool(store: Store) -> Pool:
    return Pool(store, ARENA)


async def seconds(store: Store, kind: str, count: int) -> list[float]:
    return (await Ledger(store, ARENA).seconds(kind, NOW_S, NOW_S + count)).tolist()


async def test_a_claim_counts_when_it_comes_warm_or_not(store: Store, pool: Pool):
    await pool.add_room(room(1), now_ms=NOW_MS)
    await claimed(pool, 1, at_s=0.2)
    await claimed(pool, 2, at_s=1.0)  # waits
    await claimed(pool, 3, at_s=1.9)  # waits, and leaves
    await pool.withdraw(claim(3).match, reason="closed", now_ms=NOW_MS + 2000)
    await pool.add_room(room(2), now_ms=NOW_MS + 4000)  # for the second
    ledger = Ledger(store, ARENA)

    await ledger.count()

    assert await seconds(store, "claims", 5) == [1, 2, 0, 0, 0]
    assert await seconds(store, "waited", 5) == [0, 2, 0, 0, 0]
    waits = await ledger.took("wait", now_ms=NOW_MS)
    assert sum(waits.values()) == 1
    assert quantile_s(waits, 1.0) == pytest.approx(3.0, rel=0.1)
    assert await store.call("ZCARD", "{f:arena}:count:waiting") == 0


async def test_a_session_counts_with_its_length(store: Store, pool: Pool):
    await pool.add_room(room(1), now_ms=NOW_MS)
    await claimed(pool, 1, at_s=0)
    await pool.end_session(claim(1).match, 1, reason="lost", now_ms=NOW_MS + 90_000)
    await pool.add_room(room(2), now_ms=NOW_MS)
    await claimed(pool, 2, at_s=1)
    await pool.withdraw(claim(2).match, reason="closed", now_ms=NOW_MS + 2_000)
    ledger = Ledger(store, ARENA)

    await ledger.count()

    lengths = await ledger.took("session", now_ms=NOW_MS)
    assert sum(lengths.values()) == 1, "one that never came to be has no length"
    assert quantile_s(lengths, 0.5) == pytest.approx(90.0, rel=0.1)


async def test_many_that_count_at_once_count_everything_once(store: Store, pool: Pool):
    for n in range(450):
        await claimed(pool, n, at_s=n // 100)
    await asyncio.gather(*(Ledger(store, ARENA).count() for _ in range(4)))

    await Ledger(store, ARENA).count()

    assert await seconds(store, "claims", 5) == [100, 100, 100, 100, 50]


async def test_the_past_is_read_back_by_minutes_and_then_by_seconds(store: Store, pool: Pool):
    for n, ago_s in enumerate((9_000, 9_000, 60, 59, 1)):
        await claimed(pool, n, at_s=-ago_s)
    ledger = Ledger(store, ARENA)
    await ledger.count()

    past = await ledger.history(until_s=NOW_S)

    assert past.begin_s() == NOW_S - 9_000
    assert past.end_s() == NOW_S
    assert past.claims[-1] == 5
    assert past.bins(NOW_S - 60, 60, 1.0).tolist() == [1, 1, *[0] * 57, 1]


async def test_a_fleet_without_a_past_has_none(store: Store):
    past = await Ledger(store, ARENA).history(until_s=NOW_S)

    assert (past.begin_s(), past.end_s(), past.claims.tolist()) == (NOW_S, NOW_S, [0])


async def test_decisions_are_kept_the_newest_first(store: Store):
    ledger = Ledger(store, ARENA)
    for n in range(3):
        await ledger.decided({"t": n, "replicas": n})

    kept = await ledger.decisions(since_ms=0, limit=2)

    assert [one["replicas"] for one in kept] == [2, 1]


async def test_an_announced_size_stands_until_it_is_taken_back(store: Store):
    import datetime as dt

    announced = Announced(store, ARENA)
    cup = Event(at=dt.datetime(2026, 12, 24, 20, tzinfo=dt.UTC), servers=400, note="cup")
    await announced.add("a", cup)
    await store.call("HSET", "{f:arena}:events", "b", '{"from": "another version"}')

    assert await announced.all() == {"a": cup}
    assert await announced.remove("a")
    assert not await announced.remove("a")
    assert await announced.all() == {}
