"""The director over a real Valkey: it leads, matches, waits in line, resumes and is fenced."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest
import structlog.testing
from prometheus_client import CollectorRegistry

import matchmaker.director
from core.clock import SystemClock
from core.dice import stream
from core.errors import StoreUnreachable
from core.eventlog import decode
from core.ids import FleetName, MatchId, PlayerId, QueueName, TicketId
from core.lease import Lease
from core.pause import Pause
from core.redis import Store
from matchmaker.director import Director
from matchmaker.metrics import MatchmakerMetrics
from matchmaker.rules.model import Rules
from matchmaker.settings import QueueSettings
from matchmaker.store import QueueStore
from matchmaker.tally import Tally
from matchmaker.tickets import NewTicket, Status, TicketPlayer
from tests.matchmaker.rooms import FewRooms

DUEL = QueueName("duel")
CLOCK = SystemClock()


@pytest.fixture
def queue(store: Store) -> QueueStore:
    rules = Rules(("red", "blue"), 1)
    return QueueStore(store, QueueSettings(DUEL, rules, FleetName("arena"), placing_s=5))


def director(queue: QueueStore, rooms, holder: str = "d1") -> Director:
    return Director(
        queue,
        rooms,
        holder=holder,
        clock=CLOCK,
        chance=stream(1, holder),
        metrics=MatchmakerMetrics(CollectorRegistry()),
    )


@contextlib.asynccontextmanager
async def running(*directors: Director) -> AsyncIterator[None]:
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for one in directors:
            group.create_task(one.run(stop))
        try:
            yield
        finally:
            stop.set()


async def enqueue(queue: QueueStore, *names: str) -> None:
    for name in names:
        now_ms = CLOCK.wall_ms()
        ticket = NewTicket(
            TicketId(f"duel.{name}"),
            DUEL,
            (TicketPlayer(PlayerId(name), 1500.0),),
            "backend:t",
            now_ms + 60_000,
            0,
        )
        await queue.enqueue(ticket, now_ms=now_ms)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.005)


async def until_status(queue: QueueStore, name: str, status: Status) -> None:
    async with asyncio.timeout(5):
        while True:
            record = await queue.ticket(TicketId(f"duel.{name}"))
            if record is not None and record.status is status:
                return
            await asyncio.sleep(0.005)


async def events(queue: QueueStore) -> list[dict]:
    return [decode(entry) for entry in await queue.store.read_stream(queue.log, "0", block_ms=1)]


async def test_two_who_wait_are_matched_placed_and_told(queue: QueueStore):
    rooms = FewRooms(1)
    async with running(director(queue, rooms)):
        await enqueue(queue, "ann", "bo")
        await until_status(queue, "ann", Status.COMPLETED)

    assert len(rooms.held) == 1
    hint = await queue.store.call("GET", "{p:ann}:session")
    assert next(iter(rooms.held)) in hint


async def test_whoever_leads_counts_what_came(queue: QueueStore):
    now_s = CLOCK.wall_ms() // 1000
    await enqueue(queue, "ann", "bo")

    async with running(director(queue, FewRooms(1))):
        await until_status(queue, "bo", Status.COMPLETED)
        async with asyncio.timeout(5):
            while not (came := await Tally(queue).arrivals(from_s=now_s, to_s=now_s + 9)).tickets:
                await asyncio.sleep(0.01)

    assert (came.tickets, came.players) == (2, 2)


async def test_those_who_came_before_the_director_are_matched_too(queue: QueueStore):
    await enqueue(queue, "ann", "bo")

    async with running(director(queue, FewRooms(1))):
        await until_status(queue, "bo", Status.COMPLETED)


async def test_a_match_without_a_room_waits_in_line_and_gets_the_next_one(queue: QueueStore):
    rooms = FewRooms(0)
    async with running(director(queue, rooms)):
        await enqueue(queue, "ann", "bo")
        await until_status(queue, "ann", Status.PLACING)
        await until(lambda: len(rooms.line) == 1)
        rooms.new_room("late")
        await until_status(queue, "ann", Status.COMPLETED)


async def test_a_cancel_in_line_gives_the_place_back_and_the_other_waits_on(queue: QueueStore):
    rooms = FewRooms(0)
    async with running(director(queue, rooms)):
        await enqueue(queue, "ann", "bo")
        await until(lambda: len(rooms.line) == 1)
        await queue.cancel(TicketId("duel.ann"), now_ms=CLOCK.wall_ms())
        await enqueue(queue, "cy")
        rooms.new_room("late")
        await until_status(queue, "bo", Status.COMPLETED)
        await until_status(queue, "cy", Status.COMPLETED)

    assert len(rooms.held) == 1, "the cancelled match holds nothing"


async def test_a_match_left_half_way_by_a_dead_director_is_driven_on(queue: QueueStore):
    dead = Lease(queue.store, queue.leader, queue.log, "dead", CLOCK)
    epoch = await dead.renew()
    await enqueue(queue, "ann", "bo")
    teams = {
        "red": [(TicketId("duel.ann"), PlayerId("ann"))],
        "blue": [(TicketId("duel.bo"), PlayerId("bo"))],
    }
    match = MatchId("duel.half")
    now_ms = CLOCK.wall_ms()
    await queue.propose(match, teams, epoch=epoch, deadline_ms=now_ms + 5000, now_ms=now_ms)
    await queue.store.call("HSET", queue.leader, "until_ms", 0)

    rooms = FewRooms(1)
    async with running(director(queue, rooms)):
        await until_status(queue, "ann", Status.COMPLETED)
    assert list(rooms.held) == [match]


async def test_two_directors_never_share_a_ticket(queue: QueueStore):
    rooms = FewRooms(30)
    names = [f"p{n}" for n in range(40)]
    async with running(director(queue, rooms, "d1"), director(queue, rooms, "d2")):
        await enqueue(queue, *names[:20])
        # The leader loses its lease as if it had been paused: the other takes over.
        await queue.store.call("HSET", queue.leader, "until_ms", 0)
        await enqueue(queue, *names[20:])
        for name in names:
            await until_status(queue, name, Status.COMPLETED)

    committed = [e for e in await events(queue) if e["k"] == "match.committed"]
    tickets = [ticket for event in committed for ticket in event["tickets"]]
    assert sorted(tickets) == sorted(f"duel.{name}" for name in names)
    epochs = [event["epoch"] for event in committed]
    assert epochs == sorted(epochs)


async def test_a_stopped_director_leaves_the_lead_at_once(queue: QueueStore):
    async with running(director(queue, FewRooms(0))):
        async with asyncio.timeout(5):
            while await queue.store.call("HGET", queue.leader, "holder") is None:
                await asyncio.sleep(0.005)

    assert await queue.store.call("HGET", queue.leader, "until_ms") == "0"


async def test_every_productive_pass_is_logged_for_a_replay(queue: QueueStore):
    async with running(director(queue, FewRooms(1))):
        await enqueue(queue, "ann", "bo")
        await until_status(queue, "bo", Status.COMPLETED)

    entries = await queue.store.read_stream(f"{queue.base}:passes", "0", block_ms=1)
    (logged,) = [one for one in map(decode, entries) if one.get("result")]
    assert logged["result"] == [[["duel.ann"], ["duel.bo"]]]
    assert logged["rules"] == queue.settings.rules.version()


async def until_swept(queue: QueueStore) -> None:
    """The director has ended what was due, at least once."""
    async with asyncio.timeout(5):
        while not await queue.store.call("EXISTS", f"{queue.base}:stats"):
            await asyncio.sleep(0.005)


async def test_who_could_not_be_heard_while_nobody_led_is_not_absent(queue: QueueStore):
    now_ms = CLOCK.wall_ms()
    for name, expires_ms in (("ann", now_ms + 60_000), ("bo", now_ms - 1)):
        who = (TicketPlayer(PlayerId(name), 1500.0),)
        ticket = NewTicket(TicketId(f"duel.{name}"), DUEL, who, "p", expires_ms, now_ms - 1)
        await queue.enqueue(ticket, now_ms=now_ms - 30_000)
    async with running(director(queue, FewRooms(0))):
        await until_swept(queue)

    records = [await queue.ticket(TicketId(f"duel.{name}")) for name in ("ann", "bo")]
    assert [r and r.status for r in records] == [Status.QUEUED, Status.TIMED_OUT]


async def test_a_term_that_is_not_durable_does_nothing(queue: QueueStore, monkeypatch):
    asked = 0

    class Forgetful:
        async def run(self, *_):
            nonlocal asked
            asked += 1
            raise StoreUnreachable("no replica has it")

    await enqueue(queue, "ann", "bo")
    monkeypatch.setattr(Store, "durably", Forgetful())
    async with running(director(queue, FewRooms(1))):
        await until(lambda: asked > 0)

    assert "match.proposed" not in [event["k"] for event in await events(queue)]


async def test_a_store_that_is_away_is_told_once_and_once_that_it_is_back(
    queue: QueueStore, monkeypatch
):
    asked, there = 0, asyncio.Event()

    class Away:
        async def run(self, *_):
            nonlocal asked
            asked += 1
            if there.is_set():
                return 0
            raise StoreUnreachable("gone")

    monkeypatch.setattr(matchmaker.director, "ASK_S", 0.001)
    monkeypatch.setattr(Store, "durably", Away())
    with structlog.testing.capture_logs() as said:
        async with running(director(queue, FewRooms(1))):
            await until(lambda: asked > 5)
            there.set()
            await until(lambda: len(said) > 1)

    assert [line["event"] for line in said] == ["director.no_store", "director.store_back"]
    assert said[1]["away_s"] < 5


async def test_more_matches_than_one_pass_may_make_are_made_by_the_next_at_once(
    store: Store, monkeypatch
):
    rules = Rules(("red", "blue"), 1)
    queue = QueueStore(store, QueueSettings(DUEL, rules, FleetName("arena"), line_max=1))
    monkeypatch.setattr(matchmaker.director, "REPASS_S", 60)
    names = [f"p{n}" for n in range(8)]
    await enqueue(queue, *names)
    async with running(director(queue, FewRooms(4))):
        for name in names:
            await until_status(queue, name, Status.COMPLETED)


async def test_a_paused_queue_lets_its_tickets_wait_until_it_goes_on(queue: QueueStore):
    await queue.pause.set(Pause("ann", CLOCK.wall_ms()))
    async with running(director(queue, FewRooms(1))):
        await enqueue(queue, "ann", "bo")
        async with asyncio.timeout(5):  # a director that looks, and leaves it at that
            while not await queue.store.call("HGET", f"{queue.base}:stats", "players_waiting"):
                await asyncio.sleep(0.005)
        told = [event["k"] for event in await events(queue)]
        record = await queue.ticket(TicketId("duel.ann"))
        await queue.pause.clear()
        await until_status(queue, "ann", Status.COMPLETED)

    assert "match.proposed" not in told
    assert record is not None
    assert record.status is Status.QUEUED


async def test_no_match_is_proposed_once_a_pause_is_there(queue: QueueStore):
    lease = Lease(queue.store, queue.leader, queue.log, "d1", CLOCK)
    epoch, now_ms = await lease.renew(), CLOCK.wall_ms()
    await enqueue(queue, "ann", "bo")
    teams = {
        "red": [(TicketId("duel.ann"), PlayerId("ann"))],
        "blue": [(TicketId("duel.bo"), PlayerId("bo"))],
    }
    await queue.pause.set(Pause("ann", now_ms))

    outcome, _ = await queue.propose(
        MatchId("duel.m"), teams, epoch=epoch, deadline_ms=now_ms + 5000, now_ms=now_ms
    )

    assert outcome == "paused"
