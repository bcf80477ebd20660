"""Matches on their way, driven by hand: who leaves the line, and what stands when half is done."""

import pytest
from prometheus_client import CollectorRegistry

from core.clock import SystemClock
from core.dice import stream
from core.errors import StoreUnreachable
from core.eventlog import Event, decode
from core.ids import FleetName, MatchId, PlayerId, QueueName, TicketId
from core.lease import Lease
from core.placement import Placement
from core.redis import Durably, Store
from matchmaker.engine.search import Found
from matchmaker.hints import session_hint
from matchmaker.metrics import MatchmakerMetrics
from matchmaker.placing import Placing
from matchmaker.rules.model import Rules
from matchmaker.settings import QueueSettings
from matchmaker.store import QueueStore
from matchmaker.tickets import NewTicket, Status, TicketPlayer
from tests.matchmaker.rooms import FewRooms

DUEL = QueueName("duel")
CLOCK = SystemClock()
A, B = TicketId("duel.ann"), TicketId("duel.bo")


@pytest.fixture
def queue(store: Store) -> QueueStore:
    rules = Rules(("red", "blue"), 1)
    return QueueStore(store, QueueSettings(DUEL, rules, FleetName("arena"), placing_s=60))


async def leading(
    queue: QueueStore, rooms: FewRooms, registry: CollectorRegistry | None = None
) -> Placing:
    epoch = await Lease(queue.store, queue.leader, queue.log, "d1", CLOCK).renew()
    return Placing(
        queue,
        rooms,
        epoch=epoch,
        clock=CLOCK,
        chance=stream(1, "placing"),
        metrics=MatchmakerMetrics(registry or CollectorRegistry()),
    )


async def found(queue: QueueStore) -> Found:
    """Ann and bo wait, and the engine put them together."""
    now_ms = CLOCK.wall_ms()
    for ticket in (A, B):
        players = (TicketPlayer(PlayerId(ticket.partition(".")[2]), 1500.0),)
        await queue.enqueue(
            NewTicket(ticket, DUEL, players, "backend:t", now_ms + 60_000, 0), now_ms=now_ms
        )
    ann, bo = await queue.waiting([A, B])
    return Found(((ann,), (bo,)), 0.0, 0.0)


async def events(queue: QueueStore, key: str) -> list[Event]:
    return [decode(entry) for entry in await queue.store.read_stream(key, "0", block_ms=1)]


async def status(queue: QueueStore, ticket: TicketId) -> Status:
    record = await queue.ticket(ticket)
    assert record is not None
    return record.status


class Moved(FewRooms):
    """Rooms of which the first was left: the match is at a higher epoch meanwhile."""

    async def claim(self, order, fleet, *, now_ms: int) -> Placement | None:
        at = await super().claim(order, fleet, now_ms=now_ms)
        assert at is not None
        return Placement(at.match, at.fleet, at.server, at.room, at.address, at.port, 2)


async def half_way(queue: QueueStore, rooms: FewRooms) -> tuple[Placing, MatchId]:
    """A match that was committed by a director who died before it told anybody."""
    placing = await leading(queue, rooms)
    forming = placing.form(await found(queue))
    match = forming.order.match
    now_ms = CLOCK.wall_ms()
    await queue.propose(match, forming.teams, epoch=1, deadline_ms=now_ms + 60_000, now_ms=now_ms)
    first = await FewRooms(1).claim(forming.order, FleetName("arena"), now_ms=now_ms)
    assert first is not None
    assert await queue.commit(match, first, epoch=1, now_ms=now_ms) == "committed"
    return placing, match


async def test_a_match_that_was_cancelled_in_line_leaves_the_line(queue: QueueStore):
    rooms = FewRooms(0)
    placing = await leading(queue, rooms)
    forming = placing.form(await found(queue))
    await placing.place([forming])
    assert list(placing.in_line) == rooms.line == [forming.order.match]
    await queue.cancel(A, now_ms=CLOCK.wall_ms())

    await placing.close_overdue()
    await placing.ask_again()
    assert placing.in_line == {}
    assert rooms.line == []


async def test_a_match_counts_once_when_it_waits_in_line_and_once_when_it_is_given_up(
    queue: QueueStore,
):
    registry, rooms = CollectorRegistry(), FewRooms(0)
    placing = await leading(queue, rooms, registry)
    await placing.place([placing.form(await found(queue))])
    await placing.ask_again()
    await queue.cancel(A, now_ms=CLOCK.wall_ms())
    await placing.close_overdue()

    told, name = registry.get_sample_value, "readyup_matchmaker"
    closed = {"queue": DUEL, "reason": "closed"}
    assert told(f"{name}_claims_waited_total", {"queue": DUEL}) == 1
    assert told(f"{name}_matches_closed_total", closed) == 1


async def test_a_committed_match_does_not_hold_a_place_in_line(queue: QueueStore):
    rooms = FewRooms(0)
    placing, match = await half_way(queue, rooms)
    await placing.resume()
    assert list(placing.in_line) == [match]

    await placing.close_overdue()
    assert placing.in_line == {}
    assert rooms.withdrawn == []


async def test_a_match_that_moved_before_it_was_told_is_told_its_new_place(queue: QueueStore):
    placing, match = await half_way(queue, Moved(1))
    await placing.resume()

    told = [e for e in await events(queue, queue.log) if e["k"] == "match.announced"]
    assert [(e["match"], e["session_epoch"]) for e in told] == [(match, 2)]


async def test_players_have_their_hint_once_they_are_told(queue: QueueStore, monkeypatch):
    placing = await leading(queue, FewRooms(1))
    hints = []

    async def announce(*_: object, **__: object) -> bool:
        hints.append(await queue.store.call("GET", session_hint(PlayerId("ann"))))
        return False  # told, and the answer was lost

    monkeypatch.setattr(queue, "announce", announce)
    await placing.place([placing.form(await found(queue))])

    assert len(hints) == 1
    assert hints[0] is not None


async def test_in_a_cluster_nobody_is_told_before_the_hint_lasts(queue: QueueStore, monkeypatch):
    placing, asked = await leading(queue, FewRooms(1)), []

    async def forgotten(*commands: object) -> None:
        asked.append(commands)
        raise StoreUnreachable("no replica has it")

    monkeypatch.setattr(queue.store, "one_line", False)
    with monkeypatch.context() as patched:
        patched.setattr(Durably, "many", forgotten)
        with pytest.raises(StoreUnreachable):
            await placing.place([placing.form(await found(queue))])
        told_without = await events(queue, queue.log)
    await placing.resume()
    told = await events(queue, queue.log)

    assert len(asked) == 1
    assert "match.announced" not in [event["k"] for event in told_without]
    assert "match.announced" in [event["k"] for event in told]
    assert await queue.store.call("GET", session_hint(PlayerId("ann")))


async def test_a_match_that_ended_before_it_was_told_fails_its_tickets(queue: QueueStore):
    placing, match = await half_way(queue, FewRooms(1))
    assert await queue.ended(match, reason="lost", now_ms=CLOCK.wall_ms())
    await placing.resume()

    assert [await status(queue, ticket) for ticket in (A, B)] == [Status.FAILED] * 2
    assert await queue.unfinished() == ([], [])
    assert "match.announced" not in [e["k"] for e in await events(queue, queue.log)]
    told = await events(queue, queue.out)
    assert [(e["k"], e.get("status"), e.get("reason")) for e in told] == [
        ("ticket", "FAILED", "lost")
    ] * 2
    assert await queue.store.call("TTL", f"{queue.base}:match:{match}") > 0


async def test_an_ended_match_is_neither_told_nor_moved(queue: QueueStore):
    _, match = await half_way(queue, FewRooms(1))
    now_ms = CLOCK.wall_ms()
    await queue.ended(match, reason="lost", now_ms=now_ms)
    record = await queue.match(match)
    assert record is not None
    assert record.placement is not None
    again = record.placement
    later = Placement(
        match, again.fleet, again.server, again.room, again.address, again.port, epoch=2
    )

    assert not await queue.announce(match, formed_us=1, claim_us=1, now_ms=now_ms)
    assert not await queue.moved(later, now_ms=now_ms)


async def test_an_announcement_brings_no_forgotten_ticket_back(queue: QueueStore):
    _, match = await half_way(queue, FewRooms(1))
    await queue.store.call("DEL", f"{queue.base}:ticket:{A}")  # as an hour later
    assert await queue.announce(match, formed_us=1, claim_us=1, now_ms=CLOCK.wall_ms())

    assert await queue.store.call("EXISTS", f"{queue.base}:ticket:{A}") == 0
    (told,) = [e for e in await events(queue, queue.out) if e["k"] == "assigned"]
    assert set(told["vers"]) == set(told["enqueued"]) == {B}


async def test_a_match_whose_session_ended_before_the_commit_is_not_committed(queue: QueueStore):
    placing = await leading(queue, FewRooms(1))
    forming = placing.form(await found(queue))
    match, now_ms = forming.order.match, CLOCK.wall_ms()
    await queue.propose(match, forming.teams, epoch=1, deadline_ms=now_ms + 60_000, now_ms=now_ms)
    at = await FewRooms(1).claim(forming.order, FleetName("arena"), now_ms=now_ms)
    assert at is not None
    assert not await queue.ended(match, reason="failed", now_ms=now_ms)

    assert await queue.commit(match, at, epoch=1, now_ms=now_ms) == "closed"
    assert [await status(queue, ticket) for ticket in (A, B)] == [Status.QUEUED] * 2


async def test_no_room_is_asked_for_a_match_that_was_closed_meanwhile(
    queue: QueueStore, monkeypatch
):
    rooms = FewRooms(1)
    placing = await leading(queue, rooms)
    forming = placing.form(await found(queue))
    match, now_ms = forming.order.match, CLOCK.wall_ms()
    await queue.propose(match, forming.teams, epoch=1, deadline_ms=now_ms + 60_000, now_ms=now_ms)
    unfinished = queue.unfinished

    async def closed_meanwhile() -> object:
        was = await unfinished()
        await queue.cancel(A, now_ms=now_ms)
        return was

    monkeypatch.setattr(queue, "unfinished", closed_meanwhile)
    await placing.resume()

    assert (rooms.held, rooms.withdrawn) == ({}, [])
