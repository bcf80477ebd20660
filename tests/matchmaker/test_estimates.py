"""Waits counted by the scripts, published by the director, told to those who wait."""

import pytest

from core.clock import SystemClock
from core.ids import FleetName, PlayerId, QueueName, TicketId
from core.redis import Store
from matchmaker.engine.pool import PoolView
from matchmaker.estimates import PUBLISH_MS, SLOT_MS, SLOTS, Estimates, Estimator
from matchmaker.rules.model import Rules
from matchmaker.settings import QueueSettings
from matchmaker.store import QueueStore
from matchmaker.tickets import NewTicket, TicketPlayer
from matchmaker.waits import MATCHED_MIN, bin_of
from tests.matchmaker.test_store import lead, placement

CLOCK = SystemClock()
NOBODY = PoolView.of([])


@pytest.fixture
def queue(store: Store) -> QueueStore:
    rules, fleet = Rules(("red", "blue"), 1), FleetName("arena")
    return QueueStore(store, QueueSettings(QueueName("duel"), rules, fleet))


async def enqueue(queue: QueueStore, name: str, at_ms: int) -> TicketId:
    ticket, who = TicketId(f"duel.{name}"), (TicketPlayer(PlayerId(name), 1500.0),)
    new = NewTicket(ticket, QueueName("duel"), who, "backend:t", at_ms + 600_000, 0)
    await queue.enqueue(new, now_ms=at_ms)
    return ticket


async def matched(queue: QueueStore, n: int, waits_ms: int, now_ms: int) -> None:
    """Two tickets that waited so long are put together now."""
    a = await enqueue(queue, f"a{n}", now_ms - waits_ms)
    b = await enqueue(queue, f"b{n}", now_ms - waits_ms)
    match = placement(f"duel.m{n}").match
    teams = {"red": [(a, PlayerId(f"a{n}"))], "blue": [(b, PlayerId(f"b{n}"))]}
    epoch = await lead(queue)
    await queue.propose(match, teams, epoch=epoch, deadline_ms=now_ms + 9_000, now_ms=now_ms)
    assert await queue.commit(match, placement(match), epoch=epoch, now_ms=now_ms) == "committed"


async def slot(queue: QueueStore, now_ms: int) -> dict[str, str]:
    key = f"{queue.base}:waits:{now_ms // SLOT_MS}"
    assert 0 < await queue.store.call("TTL", key) <= 7_200
    return dict(await queue.store.call("HGETALL", key))


async def test_each_wait_is_counted_where_it_ends_once(queue: QueueStore):
    now_ms = CLOCK.wall_ms()
    await matched(queue, 1, 4_000, now_ms)
    ann = await enqueue(queue, "ann", now_ms - 70_000)
    for _ in range(2):
        await queue.cancel(ann, now_ms=now_ms)

    assert await slot(queue, now_ms) == {
        f"1:{bin_of(4_000)}:m": "2",
        f"1:{bin_of(70_000)}:g": "1",
    }


async def test_the_script_counts_into_the_bins_that_are_read(queue: QueueStore):
    now_ms = CLOCK.wall_ms()
    waits_ms = [0, 249, 250, 297, 298, 500, 1_000, 12_345, 599_999, 10**8]
    for n, wait_ms in enumerate(waits_ms):
        ticket = await enqueue(queue, f"p{n}", now_ms - wait_ms)
        await queue.cancel(ticket, now_ms=now_ms)

    counted = await slot(queue, now_ms)
    assert {int(field.split(":")[1]) for field in counted} == {bin_of(ms) for ms in waits_ms}


async def test_what_the_director_published_is_told_by_size_and_age(queue: QueueStore):
    now_ms = CLOCK.wall_ms()
    estimates = Estimates(queue, CLOCK)
    await estimates.refresh()
    assert estimates.of(1, now_ms) is None, "nothing is known yet"

    for n in range(MATCHED_MIN // 2):
        await matched(queue, n, 4_000, now_ms)
    await Estimator(queue).publish(NOBODY, now_ms=now_ms)
    estimates = Estimates(queue, CLOCK)
    await estimates.refresh()

    fresh, later = estimates.of(1, now_ms), estimates.of(1, now_ms - 3_000)
    assert fresh is not None
    assert later is not None
    assert fresh.p90 is not None
    assert 3.4 <= fresh.p50 <= fresh.p90 <= 4.8
    assert later.p50 == pytest.approx(fresh.p50 - 3, abs=0.3)
    assert estimates.of(3, now_ms) == fresh, "of a size that nobody knows, what all know"


async def test_the_curves_are_of_the_last_hour_and_do_not_outlive_their_director(
    queue: QueueStore,
):
    now_ms = CLOCK.wall_ms()
    for n in range(MATCHED_MIN // 2):
        await matched(queue, n, 4_000, now_ms)
    estimator, key = Estimator(queue), f"{queue.base}:estimates"
    await estimator.publish(NOBODY, now_ms=now_ms)
    assert 0 < await queue.store.call("TTL", key) <= 120

    await queue.store.call("DEL", key)
    await estimator.publish(NOBODY, now_ms=now_ms + PUBLISH_MS - 1)
    assert not await queue.store.call("EXISTS", key)
    await estimator.publish(NOBODY, now_ms=now_ms + SLOTS * SLOT_MS)
    assert not await queue.store.call("EXISTS", key)
