"""The pool's transitions: what each does, what it does the second time, what it refuses."""

from allocator.pool import Pool
from allocator.sessions import Sessions
from core.ids import MatchId, room_id
from core.pause import Pause
from core.placement import Placement
from core.redis import Store
from tests.allocator.steps import LATER, A, B, acked, placed, released, told
from tests.allocator.worlds import NOW, order, room


async def test_a_claim_holds_a_free_room_and_the_repeat_gets_the_same(pool: Pool, store: Store):
    await pool.add_room(room(A), now_ms=NOW)
    await pool.add_room(room(B), now_ms=NOW + 1)
    first = await pool.claim(order("m"), now_ms=NOW)
    again = await pool.claim(order("m"), now_ms=NOW + 5)

    assert first == again
    assert first == Placement(
        MatchId("duel.m"), pool.fleet, A, room_id(A, 0), "127.0.0.1", 7000, epoch=1
    )
    assert await told(store) == ["room.added", "room.added", "room.claimed m"]


async def test_adding_a_room_twice_changes_nothing(pool: Pool, store: Store):
    assert await pool.add_room(room(A), now_ms=NOW)
    await placed(pool, "m")

    assert not await pool.add_room(room(A), now_ms=NOW)
    assert await pool.claim(order("other"), now_ms=NOW) is None
    assert await told(store) == ["room.added", "room.claimed m", "match.waiting other"]


async def test_matches_wait_in_the_order_in_which_they_came(pool: Pool, sessions: Sessions):
    for n, name in enumerate(["first", "second", "third"]):
        assert await pool.claim(order(name), now_ms=NOW + n) is None
    # Asking again keeps the place.
    assert await pool.claim(order("first"), now_ms=NOW + 10) is None
    for server in (A, B):
        await pool.add_room(room(server), now_ms=NOW + 20)

    assert (await placed(pool, "first", now_ms=NOW + 21)).server == A
    assert (await placed(pool, "second", now_ms=NOW + 21)).server == B
    assert await pool.claim(order("third"), now_ms=NOW + 21) is None


async def test_who_waited_too_long_is_passed_over(pool: Pool, store: Store):
    await pool.claim(order("gone", deadline_ms=NOW + 10), now_ms=NOW)
    await pool.claim(order("here"), now_ms=NOW + 1)
    await pool.add_room(room(A), now_ms=NOW + 10)

    assert (await placed(pool, "here", now_ms=NOW + 11)).server == A
    assert (await told(store))[2:] == [
        "room.added", "claim.left gone deadline", "room.claimed here",
    ]  # fmt: skip


async def test_a_claim_past_its_deadline_does_not_wait(pool: Pool, store: Store):
    assert await pool.claim(order("late", deadline_ms=NOW), now_ms=NOW) is None
    assert await told(store) == []


async def test_a_long_line_of_lapsed_matches_is_worked_off_in_bounded_steps(pool: Pool):
    for n in range(40):
        await pool.claim(order(f"lapsed{n}", deadline_ms=NOW + 10), now_ms=NOW)
    await pool.claim(order("here"), now_ms=NOW + 5)
    await pool.add_room(room(A), now_ms=NOW + 20)

    # The room's own script looked at 16 of them.
    assert (await pool.census()).waiting == 25
    assert await pool.sweep(now_ms=NOW + 20) == 24
    assert (await placed(pool, "here", now_ms=NOW + 21)).server == A


async def test_a_withdrawn_match_gives_its_room_to_the_head_of_the_line(pool: Pool, store: Store):
    await pool.add_room(room(A), now_ms=NOW)
    await placed(pool, "m")
    await pool.claim(order("next"), now_ms=NOW)

    assert await pool.withdraw(MatchId("duel.m"), reason="closed", now_ms=NOW + 1)
    assert await pool.withdraw(MatchId("duel.m"), reason="closed", now_ms=NOW + 2)
    assert (await placed(pool, "next")).server == A
    assert (await told(store))[3:] == [
        "room.released m closed", "session.ended m closed", "room.claimed next",
    ]  # fmt: skip


async def test_a_withdrawn_match_never_claims_again(pool: Pool):
    await pool.add_room(room(A), now_ms=NOW)
    await placed(pool, "m")
    await pool.withdraw(MatchId("duel.m"), reason="closed", now_ms=NOW)

    assert await pool.claim(order("m"), now_ms=NOW + 1) is None
    assert (await pool.census()).free == {room_id(A, 0)}
    assert (await pool.census()).waiting == 0


async def test_a_match_may_leave_the_line(pool: Pool, store: Store):
    await pool.claim(order("m"), now_ms=NOW)

    assert await pool.withdraw(MatchId("duel.m"), reason="cancelled", now_ms=NOW)
    assert not await pool.withdraw(MatchId("duel.unknown"), reason="cancelled", now_ms=NOW)
    assert await told(store) == ["match.waiting m", "claim.left m cancelled"]


async def test_a_committed_match_is_not_withdrawn(pool: Pool, sessions: Sessions):
    await pool.add_room(room(A), now_ms=NOW)
    await placed(pool, "m")

    assert await pool.confirm(MatchId("duel.m"))
    assert not await pool.withdraw(MatchId("duel.m"), reason="closed", now_ms=NOW)
    assert await pool.due("claims", until_ms=LATER) == []
    assert await sessions.live() == [MatchId("duel.m")]
    assert not await pool.confirm(MatchId("duel.unknown"))


async def test_a_late_ack_moves_the_match_to_another_room(
    pool: Pool, sessions: Sessions, store: Store
):
    await pool.add_room(room(A), now_ms=NOW)
    await pool.add_room(room(A, 1), now_ms=NOW)
    held = await placed(pool, "m")
    await pool.add_room(room(B), now_ms=NOW + 1)
    moved = await pool.move(held.match, 1, deadline_ms=LATER, now_ms=NOW + 2_000)
    again = await pool.move(held.match, 1, deadline_ms=LATER, now_ms=NOW + 2_001)

    assert (
        moved
        == again
        == Placement(held.match, pool.fleet, B, room_id(B, 0), "127.0.0.1", 7000, epoch=2)
    )
    assert await acked(sessions, held) == "moved"
    assert not await released(sessions, held)
    # The silent server's other room goes to nobody either.
    census = await pool.census()
    assert set(census.suspect) == {room_id(A, 0), room_id(A, 1)}
    assert census.free == set()
    assert (await told(store))[4:] == [
        "room.removed suspect", "room.removed suspect", "session.moved m",
    ]  # fmt: skip


async def test_a_match_that_was_acked_in_time_or_joined_is_not_moved(
    pool: Pool, sessions: Sessions
):
    await pool.add_room(room(A), now_ms=NOW)
    await pool.add_room(room(B), now_ms=NOW)
    held = await placed(pool, "m")

    assert await pool.move(held.match, 1, deadline_ms=LATER, now_ms=NOW + 1_999) is None
    await acked(sessions, held)
    assert await pool.move(held.match, 1, deadline_ms=LATER, now_ms=NOW + 2_000) is None
    await sessions.joined(held.match, A, 1, now_ms=NOW)
    await pool.doubt(held.match, 1, now_ms=NOW)
    assert await pool.move(held.match, 1, deadline_ms=LATER, now_ms=NOW + 2_000) is None
    session = await sessions.get(held.match)
    assert session is not None
    assert session.placement() == held


async def test_a_moved_match_waits_at_the_front_and_its_epoch_keeps_rising(
    pool: Pool, sessions: Sessions, store: Store
):
    await pool.add_room(room(A), now_ms=NOW)
    held = await placed(pool, "m", now_ms=NOW + 5)
    await pool.confirm(held.match)
    await pool.claim(order("earlier"), now_ms=NOW + 1)

    assert await pool.move(held.match, 1, deadline_ms=LATER, now_ms=NOW + 2_005) is None
    assert await pool.claim(order("m"), now_ms=NOW + 2_006) is None
    await pool.add_room(room(B), now_ms=NOW + 2_007)
    session = await sessions.get(held.match)
    assert session is not None
    assert (session.server, session.epoch, session.committed) == (B, 2, True)
    assert (await told(store))[3:] == [
        "room.removed suspect", "match.waiting m", "room.added", "session.moved m",
    ]  # fmt: skip


async def test_a_moved_match_that_waits_in_vain_is_due_for_the_reaper(
    pool: Pool, sessions: Sessions
):
    await pool.add_room(room(A), now_ms=NOW)
    held = await placed(pool, "m")
    await pool.move(held.match, 1, deadline_ms=NOW + 3_000, now_ms=NOW + 2_000)

    assert await pool.due("acks", until_ms=LATER) == []
    assert await pool.sweep(now_ms=NOW + 3_000) == 1
    assert await pool.due("acks", until_ms=NOW + 3_000) == [held.match]
    assert await pool.end_session(held.match, 1, reason="lost", now_ms=NOW + 3_001)


async def test_ending_a_lost_session_keeps_its_room_aside(
    pool: Pool, sessions: Sessions, store: Store
):
    await pool.add_room(room(A), now_ms=NOW)
    held = await placed(pool, "m")

    assert not await pool.end_session(held.match, 2, reason="lost", now_ms=NOW)
    assert await pool.end_session(held.match, 1, reason="lost", now_ms=NOW)
    assert await pool.end_session(held.match, 1, reason="lost", now_ms=NOW)
    assert await pool.claim(order("next"), now_ms=NOW + 1) is None
    assert await pool.trust(held.room, now_ms=NOW + 2)
    assert not await pool.trust(held.room, now_ms=NOW + 3)
    assert (await placed(pool, "next")).room == held.room
    assert (await told(store))[2:] == [
        "room.removed suspect", "session.ended m lost", "match.waiting next", "room.added",
        "room.claimed next",
    ]  # fmt: skip


async def test_removing_a_server_names_its_matches_and_makes_them_due(pool: Pool, store: Store):
    for n in range(3):
        await pool.add_room(room(A, n), now_ms=NOW + n)
    held = await placed(pool, "m")

    assert await pool.remove_server(A, reason="gone", now_ms=NOW + 10) == [held.match]
    assert await pool.remove_server(A, reason="gone", now_ms=NOW + 11) == []
    assert (await pool.census()).rooms == set()
    assert await pool.claim(order("other"), now_ms=NOW + 12) is None
    assert await pool.due("acks", until_ms=NOW + 10) == [held.match]
    assert (await told(store)).count("room.removed gone") == 3


async def test_a_retiring_server_finishes_its_match_and_takes_no_other(
    pool: Pool, sessions: Sessions, store: Store
):
    await pool.add_room(room(A), now_ms=NOW)
    await pool.add_room(room(A, 1), now_ms=NOW + 1)
    held = await placed(pool, "m")

    assert await pool.retire(A, now_ms=NOW) == 1
    assert await pool.retire(A, now_ms=NOW) == 1
    assert await pool.claim(order("next"), now_ms=NOW) is None
    assert await released(sessions, held)
    assert await pool.retire(A, now_ms=NOW) == 0
    assert (await pool.census()).retiring == {room_id(A, 0), room_id(A, 1)}
    assert (await told(store))[3:] == [
        "room.removed retiring", "match.waiting next",
        "room.released m finished", "room.removed retiring", "session.ended m finished",
    ]  # fmt: skip


async def test_a_silent_servers_rooms_go_to_nobody(pool: Pool):
    await pool.add_room(room(A), now_ms=NOW)
    await pool.suspect(A, now_ms=NOW)
    await pool.suspect(A, now_ms=NOW)

    assert await pool.claim(order("m"), now_ms=NOW) is None
    assert (await pool.census()).suspect == {room_id(A, 0): NOW}


async def test_forgetting_a_match_spares_a_live_one(pool: Pool, store: Store):
    await pool.add_room(room(A), now_ms=NOW)
    held = await placed(pool, "m")
    await store.call("ZADD", pool.key("acks"), NOW, "duel.stray")
    await pool.forget(held.match)
    await pool.forget(MatchId("duel.stray"))

    assert await pool.due("acks", until_ms=LATER) == [held.match]


async def test_a_paused_fleet_gives_nothing_and_then_serves_its_line_in_order(pool: Pool):
    await pool.add_room(room(A), now_ms=NOW)
    held = await placed(pool, "before")
    await pool.pause.set(Pause("ann", NOW))
    await pool.add_room(room(B), now_ms=NOW)

    assert await pool.claim(order("before"), now_ms=NOW) == held, "what it holds it keeps"
    assert await pool.claim(order("first"), now_ms=NOW) is None
    assert await pool.claim(order("second"), now_ms=NOW + 1) is None
    await pool.sweep(now_ms=NOW + 2)
    assert await pool.claim(order("first"), now_ms=NOW + 3) is None

    await pool.pause.clear()
    await pool.sweep(now_ms=NOW + 4)
    assert (await placed(pool, "first", now_ms=NOW + 5)).server == B
    assert await pool.claim(order("second"), now_ms=NOW + 5) is None
