"""No match yet: who is told when, why, and never once the ticket has left."""

import itertools

import numpy as np
import pytest
from hypothesis import given, strategies as st

from core.eventlog import Event, decode
from core.ids import FleetName, PlayerId, QueueName, TicketId
from core.redis import Store
from matchmaker.engine.pool import PoolView
from matchmaker.rules.model import RatingWindow, Rules
from matchmaker.settings import QueueSettings
from matchmaker.store import QueueStore
from matchmaker.tickets import NewTicket, TicketPlayer, WaitingTicket
from matchmaker.unmatched import TOLD_MAX, Unmatched, due, steps

NOW = 1_700_000_000_000
NEAR = RatingWindow(start=50, end=50)


def waiting(*ages_ms: int) -> PoolView:
    """Tickets of these ages at ``NOW``, of ratings far from each other."""
    return PoolView.of(
        [
            WaitingTicket(TicketId(f"duel.{n}"), (PlayerId(f"p{n}"),), 100.0 * n, NOW - age_ms)
            for n, age_ms in enumerate(ages_ms)
        ]
    )


@given(st.integers(0, 10**7), st.integers(1, 10**5))
def test_a_ticket_is_due_at_first_and_whenever_its_wait_has_doubled(waited_ms: int, first_ms: int):
    slowly, at_ms = 0, first_ms
    while waited_ms >= at_ms:
        slowly, at_ms = slowly + 1, 2 * at_ms

    assert steps(np.array([waited_ms]), first_ms).tolist() == [slowly]


@given(st.lists(st.integers(1, 200_000), min_size=1, max_size=20), st.integers(0, 5))
def test_looks_however_far_apart_tell_everybody_as_often(ages_ms: list[int], late: int):
    view, first_ms = waiting(*ages_ms), 1_000
    looks = [NOW - 200_000, *(NOW - 40_000 * n for n in range(late, 0, -1)), NOW]
    told = [
        row
        for since_ms, now_ms in itertools.pairwise(looks)
        for row in due(view, since_ms, now_ms, first_ms)
    ]

    for row, ticket in enumerate(view.tickets):
        often = steps(np.array([NOW - ticket.enqueued_ms]), first_ms)[0]
        assert min(1, often) <= told.count(row) <= often


def test_the_longest_waiting_are_told_first_and_no_more_than_fit():
    view = waiting(*(2_000 + n for n in range(TOLD_MAX + 10)))
    rows = due(view, NOW - 5_000, NOW, 2_000)

    assert len(rows) == TOLD_MAX
    assert [view.tickets[row].id for row in rows[:2]] == [
        f"duel.{TOLD_MAX + 9}",
        f"duel.{TOLD_MAX + 8}",
    ]


@pytest.fixture
def queue(store: Store) -> QueueStore:
    rules, fleet = Rules(("red", "blue"), 1, NEAR), FleetName("arena")
    return QueueStore(
        store, QueueSettings(QueueName("duel"), rules, fleet, unmatched_s=5, ticket_lifetime_s=60)
    )


async def enqueue(queue: QueueStore, name: str, rating: float) -> TicketId:
    ticket = TicketId(f"duel.{name}")
    who = (TicketPlayer(PlayerId(name), rating),)
    new = NewTicket(ticket, QueueName("duel"), who, "backend:t", NOW + 60_000, 0)
    await queue.enqueue(new, now_ms=NOW)
    return ticket


async def told(queue: QueueStore, key: str, kind: str) -> list[Event]:
    entries = await queue.store.read_stream(key, "0", block_ms=1)
    return [event for entry in entries if (event := decode(entry))["k"] == kind]


async def test_who_waits_long_hears_why_and_the_end_repeats_it(queue: QueueStore):
    ann, bo = await enqueue(queue, "ann", 1000.0), await enqueue(queue, "bo", 2000.0)
    view = PoolView.of(await queue.waiting([ann, bo]))
    await queue.cancel(bo, now_ms=NOW + 1)
    unmatched = Unmatched(queue, now_ms=NOW)

    assert await unmatched.look(view, now_ms=NOW + 4_999) == 0
    assert await unmatched.look(view, now_ms=NOW + 5_000) == 2
    assert await unmatched.look(view, now_ms=NOW + 9_999) == 0

    (said,) = await told(queue, queue.log, "ticket.unmatched")
    assert (said["ticket"], said["waited_ms"]) == (ann, 5_000), "bo had left by then"
    assert "1 more player is needed who fits" in said["why"]
    push = (await told(queue, queue.out, "ticket"))[-1]
    assert (push["status"], push["why"], push["ver"]) == ("QUEUED", said["why"], 2)
    record = await queue.ticket(ann)
    assert record is not None
    assert record.why == said["why"]

    await queue.expire(now_ms=NOW + 60_000)
    (over,) = await told(queue, queue.log, "ticket.expired")
    assert (over["reason"], over["why"]) == ("lifetime", said["why"])
    push = (await told(queue, queue.out, "ticket"))[-1]
    assert (push["status"], push["reason"], push["why"]) == ("TIMED_OUT", "lifetime", said["why"])


async def test_a_queue_may_keep_silent(store: Store):
    rules, fleet = Rules(("red", "blue"), 1), FleetName("arena")
    settings = QueueSettings(QueueName("duel"), rules, fleet, unmatched_s=0)
    queue = QueueStore(store, settings)

    assert await Unmatched(queue, now_ms=NOW - 10**6).look(waiting(10**6), now_ms=NOW) == 0
