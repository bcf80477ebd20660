"""Newcomers to a match that runs: from the request to the seat, queue and fleet together."""

from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry

from allocator.pool import Pool
from allocator.rooms import NewRoom
from allocator.sessions import Sessions
from core.clock import SystemClock
from core.dice import stream
from core.errors import Invalid
from core.ids import FleetName, MatchId, PlayerId, QueueName, RoomId, ServerUid, TicketId
from core.lease import Lease
from core.redis import Store
from matchmaker.backfills import Wanted, ask
from matchmaker.feed import Feed
from matchmaker.metrics import MatchmakerMetrics
from matchmaker.penalties import penalty_of
from matchmaker.placing import Placing
from matchmaker.rollout import engine_of
from matchmaker.rules.model import Rules
from matchmaker.settings import QueueSettings
from matchmaker.store import QueueStore
from matchmaker.tickets import NewTicket, Status, TicketPlayer
from readyup.wiring.adapters import PoolRooms, QueueMatches

DUEL, ARENA, SERVER = QueueName("duel"), FleetName("arena"), ServerUid("u1")
CLOCK = SystemClock()
ANN, BO, CY, DI = (TicketId(f"duel.{name}") for name in ("ann", "bo", "cy", "di"))


class World:
    """A queue, a fleet of one room, and a director that is moved by hand."""

    def __init__(self, store: Store, backfill: str = "manual") -> None:
        rules = Rules(("red", "blue"), 1)
        settings = QueueSettings(DUEL, rules, ARENA, backfill=backfill)  # type: ignore[arg-type]
        self.queue = QueueStore(store, settings)
        self.pool = Pool(store, ARENA)
        self.sessions = Sessions(self.pool)
        self.feed = Feed(self.queue)
        self.rooms = PoolRooms([self.pool], regions={})

    async def leads(self) -> Placing:
        lease = Lease(self.queue.store, self.queue.leader, self.queue.log, "d", CLOCK)
        return Placing(
            self.queue,
            self.rooms,
            epoch=await lease.renew(),
            clock=CLOCK,
            chance=stream(1, "placing"),
            metrics=MatchmakerMetrics(CollectorRegistry()),
        )

    async def enqueue(self, ticket: TicketId, rating: float = 1500.0) -> None:
        now_ms = CLOCK.wall_ms()
        players = (TicketPlayer(PlayerId(ticket.partition(".")[2]), rating),)
        new = NewTicket(ticket, DUEL, players, "backend:t", now_ms + 60_000, 0)
        await self.queue.enqueue(new, now_ms=now_ms)

    async def pass_(self, placing: Placing) -> list[MatchId]:
        """One pass over the queue as it is now; the ids of what it placed."""
        await self.feed.load()
        engine = engine_of(self.queue.settings)
        done = engine.matches(self.feed.pool.view(), now_ms=CLOCK.wall_ms(), matches_max=8)
        forming = [placing.form(one) for one in done.found]
        await placing.place(forming)
        return [one.order.match for one in forming]

    async def running(self, placing: Placing) -> MatchId:
        """Ann against bo, acknowledged by their server, and ann is in."""
        now_ms = CLOCK.wall_ms()
        room = RoomId("u1/0")
        await self.pool.add_room(NewRoom(room, SERVER, "127.0.0.1", 7100, "v", 0), now_ms=now_ms)
        await self.enqueue(ANN)
        await self.enqueue(BO)
        (match,) = await self.pass_(placing)
        assert (await self.sessions.ack(match, room, SERVER, 1, now_ms=now_ms)).ok
        assert await self.sessions.joined(match, SERVER, 1, now_ms=now_ms)
        return match

    async def status(self, ticket: TicketId) -> Status:
        record = await self.queue.ticket(ticket)
        assert record is not None
        return record.status

    async def players(self, match: MatchId) -> dict[str, tuple[str, int]]:
        session = await self.sessions.get(match)
        assert session is not None
        return {one.player: (one.team, one.seat) for one in session.players}


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


def who_left(match: MatchId, who: str, *, team: str, n: int = 1) -> Wanted:
    return Wanted(match, f"1-{n}", {team: 1}, (PlayerId(who),), epoch=1)


async def team_of(world: World, match: MatchId, player: str) -> str:
    return (await world.players(match))[player][0]


async def test_a_newcomer_gets_the_seat_of_who_left_and_is_told_of_the_match(world: World):
    placing = await world.leads()
    match = await world.running(placing)
    team = await team_of(world, match, "bo")
    await ask(world.queue, who_left(match, "bo", team=team), now_ms=CLOCK.wall_ms())
    await world.enqueue(CY)

    await world.pass_(placing)

    assert await world.status(CY) is Status.COMPLETED
    assert (await world.players(match))["cy"] == (team, 0)
    assert "bo" not in await world.players(match)
    record = await world.queue.match(match)
    assert record is not None
    assert record.seat_of(PlayerId("cy")) == (CY, team, 0)
    ticket = await world.queue.ticket(CY)
    assert ticket is not None
    assert ticket.match == match


async def test_a_newcomer_waits_again_with_its_age_when_the_match_has_ended(world: World):
    placing = await world.leads()
    match = await world.running(placing)
    team = await team_of(world, match, "bo")
    await ask(world.queue, who_left(match, "bo", team=team), now_ms=CLOCK.wall_ms())
    await world.enqueue(CY)
    before = await world.queue.ticket(CY)
    now_ms = CLOCK.wall_ms()
    await world.sessions.release(match, RoomId("u1/0"), SERVER, 1, reason="finished", now_ms=now_ms)

    await world.pass_(placing)

    after = await world.queue.ticket(CY)
    assert before is not None
    assert after is not None
    assert (after.status, after.enqueued_ms) == (Status.QUEUED, before.enqueued_ms)


async def test_a_cancel_before_the_commit_gives_the_seat_back(world: World):
    placing = await world.leads()
    match = await world.running(placing)
    team = await team_of(world, match, "bo")
    await ask(world.queue, who_left(match, "bo", team=team), now_ms=CLOCK.wall_ms())
    await world.enqueue(CY)
    await world.feed.load()
    engine, now_ms = engine_of(world.queue.settings), CLOCK.wall_ms()
    (found,) = engine.matches(world.feed.pool.view(), now_ms=now_ms, matches_max=8).found
    forming = placing.form(found)
    assert forming.fill is not None
    await world.queue.propose(
        forming.order.match,
        forming.teams,
        epoch=1,
        deadline_ms=now_ms + 9_000,
        now_ms=now_ms,
        fill=forming.fill,
    )
    assert await placing.filling.seat(forming, forming.fill) is not None
    await world.queue.cancel(CY, now_ms=now_ms)

    await placing.drive([forming])
    await placing.filling.unseat()

    assert set(await world.players(match)) == {"ann", "bo"}
    assert await placing.filling.seat(forming, forming.fill) is None


async def test_a_newer_request_takes_the_place_of_the_one_before(world: World):
    placing = await world.leads()
    match = await world.running(placing)
    team = await team_of(world, match, "bo")
    for n in (1, 1, 2):
        wanted = who_left(match, "bo", team=team, n=n)
        assert await ask(world.queue, wanted, now_ms=CLOCK.wall_ms()) == "open"

    await world.feed.load()

    assert [one.id for one in world.feed.pool.view().open] == ["1-2"]


async def test_a_request_that_was_taken_back_brings_nobody(world: World):
    placing = await world.leads()
    match = await world.running(placing)
    team = await team_of(world, match, "bo")
    await ask(world.queue, who_left(match, "bo", team=team), now_ms=CLOCK.wall_ms())
    back = Wanted(match, "1-2", {}, (), epoch=1)
    assert await ask(world.queue, back, now_ms=CLOCK.wall_ms()) == "withdrawn"
    await world.enqueue(CY)

    assert await world.pass_(placing) == []


async def test_a_team_gets_no_more_players_than_its_rules_allow(world: World):
    placing = await world.leads()
    match = await world.running(placing)

    with pytest.raises(Invalid, match="0 seats left"):
        await ask(world.queue, Wanted(match, "1-1", {"red": 1}, ()), now_ms=CLOCK.wall_ms())


async def test_a_queue_that_wants_no_backfill_says_so(store: Store):
    world = World(store, backfill="off")
    match = await world.running(await world.leads())

    wanted = who_left(match, "bo", team="red")

    assert await ask(world.queue, wanted, now_ms=CLOCK.wall_ms()) == "off"


async def test_who_left_and_did_not_come_back_is_punished_once(store: Store):
    world = World(store)
    strict = replace(world.queue.settings, penalty_s=60.0)
    world.queue = QueueStore(store, strict)
    match = await world.running(await world.leads())
    matches = QueueMatches({DUEL: world.queue})

    for _ in range(2):  # the herald may tell twice
        await matches.ended(match, "finished", now_ms=CLOCK.wall_ms(), left=[PlayerId("bo")])

    penalty = await penalty_of(world.queue, PlayerId("bo"))
    assert penalty is not None
    assert (penalty.why, penalty.count) == ("left", 1)
    assert await penalty_of(world.queue, PlayerId("ann")) is None
