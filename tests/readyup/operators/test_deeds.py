"""What each change does, and what it does not."""

from contextlib import suppress

import pytest

from allocator.sessions import Sessions
from core.errors import Conflict, NotFound
from core.eventlog import decode
from core.ids import MatchId, TicketId
from core.redis import Store
from matchmaker.tickets import Status
from readyup.operators.deeds import Done
from readyup.operators.roles import Role
from tests.readyup.operators.house import EVERYBODY, T1, T2, UID, House, M, served

NOTHING = f"duel.{9:032x}"


@pytest.fixture
def house(store: Store) -> House:
    return House(store, EVERYBODY)


async def status(house: House, ticket: str) -> Status | None:
    record = await house.queue.ticket(TicketId(ticket))
    return record.status if record else None


async def told(house: House, key: str) -> list[dict]:
    return [decode(entry) for entry in await house.store.read_stream(key, "0", block_ms=1)]


async def test_a_cancelled_ticket_leaves_its_queue_and_its_players_are_told(house: House):
    await house.enqueue(T1)

    assert await house.deeds.cancel_ticket(T1) == Done("QUEUED", "CANCELLED")
    assert await house.deeds.cancel_ticket(T1) == Done("CANCELLED", "CANCELLED")
    (news,) = await told(house, house.queue.out)
    assert (news["status"], news["reason"], news["players"]) == ("CANCELLED", "operator", ["p1"])


async def test_a_ticket_in_a_committed_match_is_not_cancelled_and_the_match_is_named(house: House):
    await house.play()

    with pytest.raises(Conflict) as wrong:
        await house.deeds.cancel_ticket(T1)
    assert wrong.value.other == M
    assert await status(house, T1) is Status.COMPLETED


async def test_a_waiting_ticket_is_told_why_it_waits_and_who_is_nearest(house: House):
    await house.enqueue(T1, T2)
    why = await house.deeds.why(T1)
    await house.deeds.cancel_ticket(T1)

    assert (why.ticket, why.waiting, why.compatible) == (T1, 1, 1)
    assert [(one.ticket, one.excluded_by) for one in why.nearest] == [(T2, [])]
    assert why.estimated_wait_s is None  # of so few matches nothing is known
    with pytest.raises(Conflict, match="CANCELLED"):
        await house.deeds.why(T1)
    with pytest.raises(NotFound):
        await house.deeds.why(NOTHING)


async def test_a_running_match_ends_for_its_session_and_its_server_is_told(house: House):
    await house.play()

    assert await house.deeds.end_match(M) == Done("pending", "stopped")
    session = await Sessions(house.pool).get(MatchId(M))
    assert session is not None
    assert (session.state, session.reason) == ("ended", "stopped")
    ended = [e for e in await told(house, house.pool.key("log")) if e["k"] == "session.ended"]
    assert [(e["match"], e["reason"]) for e in ended] == [(M, "stopped")]
    with pytest.raises(Conflict, match="over"):
        await house.deeds.end_match(M)


async def test_a_match_that_is_not_committed_is_closed_and_its_tickets_wait_on(house: House):
    await house.propose()

    assert await house.deeds.end_match(M) == Done("placing", "closed")
    assert [await status(house, one) for one in (T1, T2)] == [Status.QUEUED, Status.QUEUED]


async def test_a_paused_queue_says_by_whom_and_the_first_pause_stands(house: House):
    first = await house.deeds.pause_queue("duel", by="ann", reason="patch")
    second = await house.deeds.pause_queue("duel", by="bo", reason="")
    pause = await house.queue.pause.get()

    assert (first, second) == (Done("going", "paused"), Done("paused", "paused"))
    assert pause is not None
    assert (pause.by, pause.reason) == ("ann", "patch")
    assert await house.deeds.resume_queue("duel") == Done("paused", "going")
    assert await house.deeds.resume_queue("duel") == Done("going", "going")


async def test_a_fleet_that_goes_on_serves_its_line_at_once(house: House):
    await house.deeds.pause_fleet("arena", by="ann", reason="")
    await house.add_server()
    with suppress(AssertionError):  # no room: it waits in line
        await house.play()
    assert await house.store.call("ZCARD", house.pool.key("waiting")) == 1

    assert await house.deeds.resume_fleet("arena") == Done("paused", "going")
    session = await Sessions(house.pool).get(MatchId(M))
    assert session is not None
    assert session.server == UID


async def test_a_retired_server_finishes_its_match_and_gets_no_other(house: House):
    await house.play()

    assert await house.deeds.retire_server(UID) == Done("serving", "retiring, 1 to finish")
    assert await house.deeds.retire_server(UID) == Done("retiring", "retiring, 1 to finish")
    session = await Sessions(house.pool).get(MatchId(M))
    assert session is not None
    assert session.live(), "one in use is never ended"
    await Sessions(house.pool).release(
        MatchId(M), session.room, session.server, 1, reason="finished", now_ms=house.now_ms()
    )
    assert (await house.pool.census()).free == frozenset()
    assert (await house.pool.census()).retiring == {session.room}


@pytest.mark.parametrize(
    ("deed", "name"),
    [
        ("cancel_ticket", NOTHING), ("cancel_ticket", "duel"),
        ("cancel_ticket", "other." + "0" * 32),
        ("cancel_ticket", "duel.0"), ("end_match", NOTHING), ("end_match", "{q:duel}"),
        ("resume_queue", "other"), ("resume_fleet", ""), ("retire_server", "nobody"),
        ("retire_server", "a/b"), ("retire_server", "é" * 9), ("session", NOTHING),
    ],
)  # fmt: skip
async def test_what_is_not_there_is_not_changed(house: House, deed: str, name: str):
    with pytest.raises(NotFound):
        await getattr(house.deeds, deed)(name)


async def test_a_pause_is_seen_on_the_page_and_by_the_api(store: Store):
    async with served(store) as running:
        boss = running.client(Role.OPERATOR)
        await boss.post("/queues/duel/pause", {"reason": "patch"})
        await boss.post("/fleets/arena/pause")
        await running.house.feed.poll()
        _, queues = await boss.get("/queues")
        _, fleets = await boss.get("/fleets")
        _, page = await boss.ask("GET", "/console/snapshot")

    assert queues["queues"][0]["paused"]["by"] == "the-operator"
    assert fleets["fleets"][0]["paused"]["by"] == "the-operator"
    assert page["queues"][0]["paused"]["reason"] == "patch"
