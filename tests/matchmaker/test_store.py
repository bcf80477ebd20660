"""Tickets and matches in a real Valkey: each script's promise, and its repeat."""

from dataclasses import replace

import pytest

from core.clock import SystemClock
from core.errors import Conflict, Exhausted, Invalid
from core.eventlog import decode
from core.ids import FleetName, MatchId, PlayerId, QueueName, RoomId, ServerUid, TicketId
from core.lease import Lease
from core.placement import Placement
from core.redis import Store
from matchmaker.rules.model import Rules
from matchmaker.settings import QueueSettings
from matchmaker.store import QueueStore
from matchmaker.tickets import NewTicket, Status, Teams, TicketPlayer

DUEL = QueueName("duel")
A, B, C = TicketId("duel.a"), TicketId("duel.b"), TicketId("duel.c")
M1, M2 = MatchId("duel.m1"), MatchId("duel.m2")
NOW = 1_700_000_000_000


def settings(**changes) -> QueueSettings:
    return QueueSettings(DUEL, Rules(("red", "blue"), 1), FleetName("arena"), **changes)


def new(ticket: TicketId, *players: str, key: str = "", digest: str = "d", **times) -> NewTicket:
    who = tuple(TicketPlayer(PlayerId(p), 1500.0) for p in (players or (f"p-{ticket[-1]}",)))
    expires_ms = times.get("expires_ms", NOW + 600_000)
    return NewTicket(
        ticket, DUEL, who, "backend:t", expires_ms, times.get("presence_ms", 0), key, digest
    )


def teams(red: TicketId, blue: TicketId) -> Teams:
    return {
        "red": [(red, PlayerId(f"p-{red[-1]}"))],
        "blue": [(blue, PlayerId(f"p-{blue[-1]}"))],
    }


def placement(match: MatchId, epoch: int = 1) -> Placement:
    server = ServerUid("u1")
    return Placement(match, FleetName("arena"), server, RoomId("u1/0"), "127.0.0.1", 7000, epoch)


@pytest.fixture
def queue(store: Store) -> QueueStore:
    return QueueStore(store, settings())


async def lead(queue: QueueStore, holder: str = "d1") -> int:
    lease = Lease(queue.store, queue.leader, queue.log, holder, SystemClock())
    return await lease.renew()


async def kinds(queue: QueueStore) -> list[str]:
    return [
        decode(entry)["k"] for entry in await queue.store.read_stream(queue.log, "0", block_ms=1)
    ]


async def status(queue: QueueStore, ticket: TicketId) -> Status:
    record = await queue.ticket(ticket)
    assert record is not None
    return record.status


async def proposed(queue: QueueStore, match: MatchId, epoch: int) -> str:
    outcome, _ = await queue.propose(
        match, teams(A, B), epoch=epoch, deadline_ms=NOW + 30_000, now_ms=NOW
    )
    return outcome


async def test_a_ticket_waits_until_it_is_cancelled_and_stays_cancelled(queue: QueueStore):
    await queue.enqueue(new(A), now_ms=NOW)

    assert await queue.cancel(A, now_ms=NOW) is Status.CANCELLED
    assert await queue.cancel(A, now_ms=NOW) is Status.CANCELLED
    assert await queue.ticket_of(PlayerId("p-a")) is None
    assert await kinds(queue) == ["ticket.enqueued", "ticket.cancelled"]


async def test_a_player_has_one_ticket_at_a_time(queue: QueueStore):
    await queue.enqueue(new(A, "ann", "bo"), now_ms=NOW)

    with pytest.raises(Conflict, match="'bo' has a ticket already") as clash:
        await queue.enqueue(new(B, "cy", "bo"), now_ms=NOW)
    assert clash.value.other == A
    assert await queue.ticket(B) is None
    assert await queue.ticket_of(PlayerId("cy")) is None


async def test_the_same_key_gives_the_same_ticket_and_another_request_is_refused(queue: QueueStore):
    first = await queue.enqueue(new(A, "ann", key="k1", digest="one"), now_ms=NOW)
    again = await queue.enqueue(new(B, "ann", key="k1", digest="one"), now_ms=NOW)

    assert (first.outcome, again.outcome, again.ticket) == ("created", "same", A)
    with pytest.raises(Invalid, match="another request"):
        await queue.enqueue(new(C, "ann", key="k1", digest="two"), now_ms=NOW)


async def test_a_queue_may_update_instead_of_refuse(store: Store):
    queue = QueueStore(store, settings(on_duplicate="update"))
    await queue.enqueue(new(A, "ann"), now_ms=NOW)

    again = await queue.enqueue(new(B, "ann"), now_ms=NOW + 5)
    assert (again.outcome, again.ticket) == ("updated", A)
    record = await queue.ticket(A)
    assert record is not None
    assert (record.ver, record.enqueued_ms) == (2, NOW)


async def test_an_update_keeps_its_key_too(store: Store):
    queue = QueueStore(store, settings(on_duplicate="update"))
    await queue.enqueue(new(A, "ann"), now_ms=NOW)
    for _ in range(2):
        await queue.enqueue(new(B, "ann", key="k1"), now_ms=NOW)
    await queue.cancel(A, now_ms=NOW)
    again = await queue.enqueue(new(C, "ann", key="k1"), now_ms=NOW)

    assert (again.outcome, again.ticket) == ("same", A)
    assert (await kinds(queue)).count("ticket.updated") == 1


async def test_only_its_owner_updates_a_ticket(store: Store):
    queue = QueueStore(store, settings(on_duplicate="update"))
    await queue.enqueue(new(A, "ann"), now_ms=NOW)

    with pytest.raises(Conflict):
        await queue.enqueue(replace(new(B, "ann"), owner="player:ann"), now_ms=NOW)


async def test_a_full_queue_says_so(store: Store):
    queue = QueueStore(store, settings(waiting_max=1))
    await queue.enqueue(new(A), now_ms=NOW)

    with pytest.raises(Exhausted, match="full"):
        await queue.enqueue(new(B), now_ms=NOW)


async def test_those_who_went_away_time_out_and_those_who_stay_do_not(queue: QueueStore):
    await queue.enqueue(new(A, presence_ms=NOW + 20_000), now_ms=NOW)
    await queue.enqueue(new(B, presence_ms=NOW + 20_000), now_ms=NOW)
    await queue.heartbeat([B], now_ms=NOW + 15_000)

    await queue.expire(now_ms=NOW + 21_000)
    assert await status(queue, A) is Status.TIMED_OUT
    assert await status(queue, B) is Status.QUEUED


async def test_a_match_takes_all_its_tickets_or_none(queue: QueueStore):
    epoch = await lead(queue)
    await queue.enqueue(new(A), now_ms=NOW)

    outcome, gone = await queue.propose(
        M1, teams(A, B), epoch=epoch, deadline_ms=NOW + 1, now_ms=NOW
    )
    assert (outcome, gone) == ("gone", [B])
    assert await status(queue, A) is Status.QUEUED


async def test_the_whole_way_is_walked_once_however_often_each_step_is_sent(queue: QueueStore):
    epoch = await lead(queue)
    for ticket in (A, B):
        await queue.enqueue(new(ticket), now_ms=NOW)

    assert [await proposed(queue, M1, epoch) for _ in range(2)] == ["proposed", "proposed"]
    for _ in range(2):
        assert await queue.commit(M1, placement(M1), epoch=epoch, now_ms=NOW) == "committed"
    assert await status(queue, A) is Status.PLACING, "nobody is told before the announcement"
    told = [await queue.announce(M1, formed_us=1, claim_us=1, now_ms=NOW) for _ in range(2)]

    assert told == [True, False]
    assert await status(queue, A) is Status.COMPLETED
    assert await kinds(queue) == [
        "leader.elected",
        "ticket.enqueued",
        "ticket.enqueued",
        "match.proposed",
        "match.committed",
        "match.announced",
    ]


async def test_a_cancel_while_placing_closes_the_match_and_frees_the_others(queue: QueueStore):
    epoch = await lead(queue)
    for ticket in (A, B):
        await queue.enqueue(new(ticket), now_ms=NOW)
    await proposed(queue, M1, epoch)

    assert await queue.cancel(A, now_ms=NOW) is Status.CANCELLED
    assert await queue.commit(M1, placement(M1), epoch=epoch, now_ms=NOW) == "closed"
    assert await status(queue, B) is Status.QUEUED
    waiting = await queue.waiting([B])
    assert [ticket.enqueued_ms for ticket in waiting] == [NOW]


async def test_a_cancel_after_the_commit_comes_too_late(queue: QueueStore):
    epoch = await lead(queue)
    for ticket in (A, B):
        await queue.enqueue(new(ticket), now_ms=NOW)
    await proposed(queue, M1, epoch)
    await queue.commit(M1, placement(M1), epoch=epoch, now_ms=NOW)

    assert await queue.cancel(A, now_ms=NOW) is Status.PLACING
    await queue.announce(M1, formed_us=1, claim_us=1, now_ms=NOW)
    assert await queue.cancel(A, now_ms=NOW) is Status.COMPLETED


async def test_a_director_of_an_older_epoch_can_neither_propose_nor_commit(queue: QueueStore):
    old = await lead(queue, "d1")
    for ticket in (A, B):
        await queue.enqueue(new(ticket), now_ms=NOW)
    await proposed(queue, M1, old)
    await queue.store.call("HSET", queue.leader, "until_ms", 0)
    new_epoch = await lead(queue, "d2")

    assert new_epoch == old + 1
    assert await queue.commit(M1, placement(M1), epoch=old, now_ms=NOW) == "stale"
    assert await proposed(queue, M2, old) == "stale"
    assert await queue.commit(M1, placement(M1), epoch=new_epoch, now_ms=NOW) == "committed"


async def test_an_undecided_match_is_settled_once_and_absent_counts_as_closed(queue: QueueStore):
    epoch = await lead(queue)
    for ticket in (A, B):
        await queue.enqueue(new(ticket), now_ms=NOW)
    await proposed(queue, M1, epoch)

    assert not await queue.settle(M1, reason="late", now_ms=NOW)
    assert not await queue.settle(M2, reason="late", now_ms=NOW)
    assert await status(queue, A) is Status.QUEUED
    assert await proposed(queue, M1, epoch) == "closed", "a closed match never comes back"


async def test_a_moved_match_is_told_again_with_higher_versions(queue: QueueStore):
    epoch = await lead(queue)
    for ticket in (A, B):
        await queue.enqueue(new(ticket), now_ms=NOW)
    await proposed(queue, M1, epoch)
    await queue.commit(M1, placement(M1), epoch=epoch, now_ms=NOW)
    await queue.announce(M1, formed_us=1, claim_us=1, now_ms=NOW)
    before = await queue.ticket(A)

    assert await queue.moved(placement(M1, epoch=2), now_ms=NOW)
    assert not await queue.moved(placement(M1, epoch=2), now_ms=NOW)
    after = await queue.ticket(A)
    assert before is not None
    assert after is not None
    assert after.ver == before.ver + 1
    match = await queue.match(M1)
    assert match is not None
    assert match.placement == placement(M1, epoch=2)


async def test_the_end_of_a_match_is_told_once(queue: QueueStore):
    epoch = await lead(queue)
    for ticket in (A, B):
        await queue.enqueue(new(ticket), now_ms=NOW)
    await proposed(queue, M1, epoch)
    await queue.commit(M1, placement(M1), epoch=epoch, now_ms=NOW)

    assert await queue.ended(M1, reason="finished", now_ms=NOW)
    assert not await queue.ended(M1, reason="lost", now_ms=NOW)


@pytest.mark.parametrize("limit", ["line_max", "waiting_max"])
def test_a_queue_that_nobody_could_use_is_refused(limit: str):
    with pytest.raises(Invalid, match="at least 1"):
        settings(**{limit: 0})
