"""Where the siblings meet, on a real store: what one promises is what the other gets."""

import asyncio

import pytest

from allocator.pool import Pool
from allocator.rooms import NewRoom
from allocator.sessions import Sessions
from core.clock import SystemClock
from core.ids import FleetName, MatchId, PlayerId, QueueName, RoomId, ServerUid, TicketId
from core.lease import Lease
from core.lua import as_json
from core.placement import ClaimOrder, Placement, SeatedPlayer
from core.redis import Store
from matchmaker.hints import session_hint
from matchmaker.rules.model import Rules
from matchmaker.settings import QueueSettings
from matchmaker.store import QueueStore
from matchmaker.tickets import NewTicket, Status, TicketPlayer
from readyup.wiring.adapters import PlayersSessions, PoolRooms, QueueMatches

NOW = 1_700_000_000_000
ARENA, DUEL = FleetName("arena"), QueueName("duel")
ANN, BO, STRANGER = PlayerId("ann"), PlayerId("bo"), PlayerId("cy")
A, B = TicketId("duel.a"), TicketId("duel.b")
SERVER = ServerUid("u1")
M = MatchId("duel.m1")


def order(match: MatchId = M) -> ClaimOrder:
    players = (SeatedPlayer(ANN, A, "red", 0), SeatedPlayer(BO, B, "blue", 0))
    return ClaimOrder(match, DUEL, players, NOW + 60_000)


def room(n: int = 0) -> NewRoom:
    return NewRoom(RoomId(f"{SERVER}/{n}"), SERVER, "127.0.0.1", 7000, "v1")


@pytest.fixture
def pool(store: Store) -> Pool:
    return Pool(store, ARENA)


@pytest.fixture
def players(store: Store, pool: Pool) -> PlayersSessions:
    return PlayersSessions(store, {ARENA: pool})


async def hint(store: Store, player: PlayerId, match: MatchId = M, fleet: str = "arena") -> None:
    said = as_json({"match": match, "fleet": fleet, "queue": DUEL})
    await store.call("SET", session_hint(player), said)


async def placed(pool: Pool) -> Placement:
    await pool.add_room(room(), now_ms=NOW)
    placement = await pool.claim(order(), now_ms=NOW)
    assert placement is not None
    return placement


async def test_a_match_that_waited_is_told_of_its_room(pool: Pool):
    rooms = PoolRooms([pool], regions={})
    found = rooms.rooms_found(ARENA)
    assert await rooms.claim(order(), ARENA, now_ms=NOW) is None
    async with asyncio.TaskGroup() as group, asyncio.timeout(10):
        first = group.create_task(anext(found))
        # Reading begins at the log's end; a room before that would pass it by.
        while "cmd=xread" not in await pool.store.call("CLIENT", "LIST"):
            await asyncio.sleep(0.001)
        await pool.add_room(room(), now_ms=NOW + 5)
    await found.aclose()
    placement = await rooms.claim(order(), ARENA, now_ms=NOW + 6)

    assert (first.result().match, first.result().at_ms) == (M, NOW + 5)
    assert placement is not None
    assert placement.room == room().room


async def test_a_match_that_is_withdrawn_leaves_its_room_to_the_next(pool: Pool):
    rooms = PoolRooms([pool], regions={})
    await placed(pool)

    assert await rooms.withdraw(M, reason="closed", now_ms=NOW)
    assert await rooms.claim(order(), ARENA, now_ms=NOW) is None
    other = await rooms.claim(order(MatchId("duel.m2")), ARENA, now_ms=NOW)
    assert other is not None
    assert other.room == room().room


async def test_a_player_in_a_match_is_told_where_it_is(
    store: Store, pool: Pool, players: PlayersSessions
):
    placement = await placed(pool)
    await hint(store, ANN)
    session = await players.session_of(ANN)

    assert session is not None
    assert (session.match, session.state, session.placement) == (M, "pending", placement)


async def test_a_player_without_a_hint_has_no_session(pool: Pool, players: PlayersSessions):
    await placed(pool)

    assert await players.session_of(ANN) is None


async def test_a_hint_to_somebody_elses_match_is_not_believed(
    store: Store, pool: Pool, players: PlayersSessions
):
    await placed(pool)
    await hint(store, STRANGER)

    assert await players.session_of(STRANGER) is None


async def test_a_hint_outlives_its_match_and_is_not_believed_then(
    store: Store, pool: Pool, players: PlayersSessions
):
    placement = await placed(pool)
    await hint(store, ANN)
    sessions = Sessions(pool)
    await sessions.ack(M, placement.room, SERVER, placement.epoch, now_ms=NOW)
    await sessions.joined(M, SERVER, placement.epoch, now_ms=NOW)
    active = await players.session_of(ANN)
    await sessions.release(
        M, placement.room, SERVER, placement.epoch, reason="finished", now_ms=NOW
    )

    assert active is not None
    assert active.state == "active"
    assert await players.session_of(ANN) is None


async def test_a_match_that_waits_for_another_room_runs_and_is_nowhere_yet(
    store: Store, pool: Pool, players: PlayersSessions
):
    placement = await placed(pool)
    await hint(store, ANN)
    await pool.doubt(M, placement.epoch, now_ms=NOW)
    moved = await pool.move(M, placement.epoch, deadline_ms=NOW + 9_000, now_ms=NOW)

    session = await players.session_of(ANN)

    assert moved is None
    assert session is not None
    assert (session.match, session.placement) == (M, None)


@pytest.mark.parametrize("where", [(M, "gone"), (MatchId("duel.never"), "arena")], ids=str)
async def test_a_hint_to_what_is_not_there_is_not_believed(
    store: Store, players: PlayersSessions, where: tuple[MatchId, str]
):
    await hint(store, ANN, *where)

    assert await players.session_of(ANN) is None


def queue(store: Store, name: str) -> QueueStore:
    rules = Rules(("red", "blue"), 1)
    return QueueStore(store, QueueSettings(QueueName(name), rules, ARENA, group="g"))


async def committed(duel: QueueStore) -> Placement:
    """A match of ann and bo that stands."""
    for ticket, player in ((A, ANN), (B, BO)):
        new = NewTicket(
            ticket, DUEL, (TicketPlayer(player, 1500.0),), "backend:t", NOW + 60_000, 0, "", ""
        )
        await duel.enqueue(new, now_ms=NOW)
    epoch = await Lease(duel.store, duel.leader, duel.log, "d1", SystemClock()).renew()
    teams = {"red": [(A, ANN)], "blue": [(B, BO)]}
    await duel.propose(M, teams, epoch=epoch, deadline_ms=NOW + 30_000, now_ms=NOW)
    placement = Placement(M, ARENA, SERVER, room().room, "127.0.0.1", 7000, 1)
    assert await duel.commit(M, placement, epoch=epoch, now_ms=NOW) == "committed"
    await duel.announce(M, formed_us=NOW * 1000, claim_us=1, now_ms=NOW)
    return placement


async def test_a_match_is_settled_by_the_queue_its_id_names(store: Store):
    duel, squad = queue(store, "duel"), queue(store, "squad")
    matches = QueueMatches({"duel": duel, "squad": squad})
    await committed(duel)

    assert await matches.settle(M, now_ms=NOW)
    assert not await matches.settle(MatchId("squad.m1"), now_ms=NOW)
    assert not await matches.settle(MatchId("duel.m2"), now_ms=NOW)


async def test_players_of_a_moved_match_get_its_new_place(store: Store):
    duel = queue(store, "duel")
    matches = QueueMatches({"duel": duel})
    await committed(duel)
    elsewhere = Placement(M, ARENA, ServerUid("u2"), RoomId("u2/0"), "127.0.0.1", 7001, 2)
    await matches.moved(elsewhere, now_ms=NOW)
    record = await duel.match(M)

    assert record is not None
    assert record.placement == elsewhere


async def test_a_match_that_ended_is_told_to_its_queue_once(store: Store):
    duel = queue(store, "duel")
    matches = QueueMatches({"duel": duel})
    await committed(duel)
    await matches.ended(M, "finished", now_ms=NOW)
    await matches.ended(M, "finished", now_ms=NOW)
    log = await store.read_stream(duel.log, "0", block_ms=1)
    ticket = await duel.ticket(A)

    assert [entry.fields["k"] for entry in log].count("match.ended") == 1
    assert ticket is not None
    assert ticket.status is Status.COMPLETED


async def test_matches_of_a_queue_that_is_no_more_are_nobodys(store: Store):
    matches = QueueMatches({})
    placement = Placement(M, ARENA, SERVER, room().room, "127.0.0.1", 7000, 1)
    await matches.moved(placement, now_ms=NOW)
    await matches.ended(M, "lost", now_ms=NOW)

    assert not await matches.settle(M, now_ms=NOW)
    assert await store.call("DBSIZE") == 0
