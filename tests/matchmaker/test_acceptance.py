"""The ready check: all accept and the match goes on, or it is closed and says who is to blame."""

import asyncio

import pytest

from core.clock import SystemClock
from core.eventlog import Event, decode
from core.ids import FleetName, MatchId, PlayerId, QueueName, TicketId
from core.redis import Store
from matchmaker.acceptance import answer, close_unanswered
from matchmaker.rules.model import Rules
from matchmaker.settings import QueueSettings
from matchmaker.store import QueueStore
from matchmaker.tickets import Status, TicketRecord
from tests.matchmaker.rooms import FewRooms
from tests.matchmaker.test_director import director, enqueue, running, until_status
from tests.matchmaker.test_store import M1, M2, NOW, A, B, lead, new, placement, status

SQUAD = {
    "red": [(A, PlayerId("ann")), (A, PlayerId("al"))],
    "blue": [(B, PlayerId("bo")), (B, PlayerId("bea"))],
}
BY_MS = NOW + 10_000


@pytest.fixture
def queue(store: Store) -> QueueStore:
    rules = Rules(("red", "blue"), 2)
    fleet = FleetName("arena")
    return QueueStore(store, QueueSettings(QueueName("duel"), rules, fleet, acceptance_s=10))


async def asked(queue: QueueStore, match: MatchId = M1) -> int:
    """Two parties are put together and asked; the epoch that leads."""
    epoch = await lead(queue)
    if await queue.ticket(A) is None:
        await queue.enqueue(new(A, "ann", "al"), now_ms=NOW)
        await queue.enqueue(new(B, "bo", "bea"), now_ms=NOW)
    outcome, _ = await queue.propose(match, SQUAD, epoch=epoch, deadline_ms=BY_MS, now_ms=NOW)
    assert outcome == "asking"
    return epoch


async def says(queue: QueueStore, ticket: TicketId, *players: str, match=M1, accept=True) -> str:
    who = [PlayerId(player) for player in players]
    return await answer(queue, ticket, match, who, accept=accept, now_ms=NOW + 1)


async def record(queue: QueueStore, ticket: TicketId) -> TicketRecord:
    found = await queue.ticket(ticket)
    assert found is not None
    return found


async def events(queue: QueueStore, key: str) -> list[Event]:
    return [decode(entry) for entry in await queue.store.read_stream(key, "0", block_ms=1)]


async def test_who_is_asked_is_told_until_when_and_who_of_the_party_has_accepted(queue: QueueStore):
    await asked(queue)
    await says(queue, A, "al")

    acceptance = (await record(queue, A)).acceptance
    assert acceptance is not None
    assert (acceptance.match, acceptance.by_ms, acceptance.accepted) == (M1, BY_MS, ("al",))
    told = [e for e in await events(queue, queue.out) if e["ticket"] == A][-1]
    assert told["status"] == "REQUIRES_ACCEPTANCE"
    assert told["acceptance"] == {"match": M1, "by_ms": BY_MS, "accepted": ["al"]}


async def test_no_room_is_taken_before_the_last_has_accepted(queue: QueueStore):
    epoch = await asked(queue)
    for ticket, player in ((A, "ann"), (A, "al"), (B, "bo")):
        assert await says(queue, ticket, player) == "accepted"

    assert await queue.unfinished() == ([], [])
    assert await queue.commit(M1, placement(M1), epoch=epoch, now_ms=NOW) == "closed"

    assert await says(queue, B, "bea") == "accepted"
    assert await queue.unfinished() == ([M1], [])
    assert await status(queue, A) is await status(queue, B) is Status.PLACING
    assert await queue.commit(M1, placement(M1), epoch=epoch, now_ms=NOW) == "committed"


async def test_an_answer_that_comes_twice_counts_once(queue: QueueStore):
    await asked(queue)
    for _ in range(4):
        assert await says(queue, A, "ann") == "accepted"

    assert (await record(queue, A)).status is Status.REQUIRES_ACCEPTANCE
    await says(queue, A, "al")
    await says(queue, B, "bo", "bea")
    assert await says(queue, A, "ann") == "accepted"
    assert [e["k"] for e in await events(queue, queue.log)].count("ticket.accepted") == 3


async def test_one_who_declines_leaves_and_the_others_wait_again_with_their_age(queue: QueueStore):
    await asked(queue)
    await says(queue, A, "ann", "al")

    assert await says(queue, B, "bea", accept=False) == "declined"
    assert await says(queue, B, "bea", accept=False) == "declined"
    assert await says(queue, B, "bo") == "late"

    gone, back = await record(queue, B), await record(queue, A)
    assert (gone.status, gone.reason) == (Status.CANCELLED, "declined")
    assert (back.status, back.reason, back.enqueued_ms) == (Status.QUEUED, "unaccepted", NOW)
    told = [e for e in await events(queue, queue.out) if e["ticket"] == A][-1]
    assert (told["status"], told["reason"], told["ver"]) == ("QUEUED", "unaccepted", back.ver)
    closed = (await events(queue, queue.log))[-1]
    assert (closed["k"], closed["reason"], closed["tickets"]) == ("match.closed", "declined", [A])


async def test_silence_ends_the_tickets_of_those_who_slept_and_no_others(queue: QueueStore):
    epoch = await asked(queue)
    await says(queue, A, "ann", "al")
    await says(queue, B, "bo")

    await close_unanswered(queue, epoch=epoch, now_ms=BY_MS - 1)
    assert await status(queue, B) is Status.REQUIRES_ACCEPTANCE
    await close_unanswered(queue, epoch=epoch - 1, now_ms=BY_MS)
    assert await status(queue, B) is Status.REQUIRES_ACCEPTANCE, "one who leads no more"

    await close_unanswered(queue, epoch=epoch, now_ms=BY_MS)
    gone, back = await record(queue, B), await record(queue, A)
    assert (gone.status, gone.reason) == (Status.CANCELLED, "unanswered")
    assert (back.status, back.reason) == (Status.QUEUED, "unaccepted")
    assert await queue.ticket_of(PlayerId("bo")) is None
    assert await queue.store.call("ZCARD", f"{queue.base}:asking") == 0


async def test_an_answer_to_a_match_that_came_to_nothing_does_not_count_for_the_next(
    queue: QueueStore,
):
    await asked(queue)
    await queue.settle(M1, reason="test", now_ms=NOW)
    await asked(queue, M2)

    assert await says(queue, A, "ann", match=M1) == "late"
    assert await says(queue, A, "ann", match=M1, accept=False) == "late"
    acceptance = (await record(queue, A)).acceptance
    assert acceptance is not None
    assert (acceptance.match, acceptance.accepted) == (M2, ())
    assert await says(queue, TicketId("duel.nobody"), "ann") == "absent"


async def test_a_cancel_while_players_are_asked_closes_the_match(queue: QueueStore):
    await asked(queue)
    await says(queue, A, "ann", "al")

    assert await queue.cancel(B, now_ms=NOW) is Status.CANCELLED
    assert await status(queue, A) is Status.QUEUED
    assert await queue.store.call("ZCARD", f"{queue.base}:asking") == 0


async def test_a_ticket_does_not_expire_while_its_players_are_asked(queue: QueueStore):
    await asked(queue)
    await queue.expire(now_ms=NOW + 3_600_000)

    assert await status(queue, A) is Status.REQUIRES_ACCEPTANCE


@pytest.fixture
def duel(store: Store) -> QueueStore:
    rules = Rules(("red", "blue"), 1)
    fleet = FleetName("arena")
    return QueueStore(store, QueueSettings(QueueName("duel"), rules, fleet, acceptance_s=0.5))


async def accepts(duel: QueueStore, name: str) -> str:
    ticket = TicketId(f"duel.{name}")
    acceptance = (await record(duel, ticket)).acceptance
    assert acceptance is not None
    now_ms = SystemClock().wall_ms()
    who = [PlayerId(name)]
    return await answer(duel, ticket, acceptance.match, who, accept=True, now_ms=now_ms)


async def test_a_director_places_a_match_as_soon_as_all_have_accepted(duel: QueueStore):
    rooms = FewRooms(1)
    async with running(director(duel, rooms)):
        await enqueue(duel, "ann", "bo")
        await until_status(duel, "ann", Status.REQUIRES_ACCEPTANCE)
        assert rooms.held == {}
        await accepts(duel, "ann")
        await accepts(duel, "bo")
        await until_status(duel, "ann", Status.COMPLETED)

    assert len(rooms.held) == 1


async def test_a_director_who_finds_a_match_being_asked_sees_it_to_its_end(duel: QueueStore):
    rooms = FewRooms(1)
    async with running(director(duel, rooms, "d1")):
        await enqueue(duel, "ann", "bo")
        await until_status(duel, "bo", Status.REQUIRES_ACCEPTANCE)
    await accepts(duel, "ann")
    async with running(director(duel, rooms, "d2")):
        await until_status(duel, "bo", Status.CANCELLED)
        await until_status(duel, "ann", Status.QUEUED)
        await enqueue(duel, "cy")
        await until_status(duel, "ann", Status.REQUIRES_ACCEPTANCE)
    await asyncio.gather(accepts(duel, "ann"), accepts(duel, "cy"))
    async with running(director(duel, rooms, "d3")):
        await until_status(duel, "ann", Status.COMPLETED)
