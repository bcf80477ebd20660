"""A session's steps, each by its own server alone: taken, joined, its result, released."""

import pytest

from allocator.pool import Pool
from allocator.sessions import Sessions, SessionState
from core.ids import MatchId, room_id
from core.redis import Store
from tests.allocator.steps import LATER, A, B, acked, placed, released, told
from tests.allocator.worlds import NOW, order, room


async def test_the_session_is_pending_with_its_players(pool: Pool, sessions: Sessions):
    await pool.add_room(room(A), now_ms=NOW)
    await placed(pool, "m")
    session = await sessions.get(MatchId("duel.m"))

    assert session is not None
    assert session.state is SessionState.PENDING
    assert session.players == order("m").players
    assert (session.epoch, session.committed, session.claimed_ms) == (1, False, NOW)
    assert await sessions.live() == [MatchId("duel.m")]
    assert await pool.due("claims", until_ms=LATER) == [MatchId("duel.m")]
    assert await pool.due("acks", until_ms=NOW + 1_999) == []


async def test_an_ack_is_taken_from_the_right_server_at_the_right_epoch(
    pool: Pool, sessions: Sessions, store: Store
):
    await pool.add_room(room(A), now_ms=NOW)
    held = await placed(pool, "m")

    match, at = held.match, held.room
    assert (await sessions.ack(match, at, B, 1, now_ms=NOW)).why_not == "moved"
    assert (await sessions.ack(match, at, A, 2, now_ms=NOW)).why_not == "moved"
    assert (await sessions.ack(MatchId("x"), at, A, 1, now_ms=NOW)).why_not == "unknown"
    first = await sessions.ack(match, at, A, 1, now_ms=NOW + 30)
    again = await sessions.ack(match, at, A, 1, now_ms=NOW + 40)
    assert (first.ok, first.wait_ms) == (True, 30)
    assert (again.ok, again.wait_ms) == (True, None)
    assert await pool.due("acks", until_ms=LATER) == []
    assert (await told(store)).count("room.acked m") == 1


async def test_the_first_player_makes_the_session_active(pool: Pool, sessions: Sessions):
    await pool.add_room(room(A), now_ms=NOW)
    held = await placed(pool, "m")

    assert not await sessions.joined(held.match, A, 1, now_ms=NOW)  # before the ack
    await acked(sessions, held)
    assert not await sessions.joined(held.match, A, 2, now_ms=NOW)
    assert not await sessions.joined(held.match, B, 1, now_ms=NOW)
    assert await sessions.joined(held.match, A, 1, now_ms=NOW + 7)
    assert await sessions.joined(held.match, A, 1, now_ms=NOW + 9)
    session = await sessions.get(held.match)
    assert session is not None
    assert session.state is SessionState.ACTIVE
    assert (session.joined_ms, session.committed) == (NOW + 7, True)


async def test_the_first_result_stands(pool: Pool, sessions: Sessions):
    await pool.add_room(room(A), now_ms=NOW)
    held = await placed(pool, "m")

    assert not await sessions.result(held.match, B, 1, result_json="{}", now_ms=NOW)
    assert await sessions.result(held.match, A, 1, result_json='{"winner":"red"}', now_ms=NOW)
    assert await sessions.result(held.match, A, 1, result_json='{"winner":"blue"}', now_ms=NOW)
    session = await sessions.get(held.match)
    assert session is not None
    assert session.result == '{"winner":"red"}'


async def test_a_released_room_serves_the_next_match_at_once(
    pool: Pool, sessions: Sessions, store: Store
):
    await pool.add_room(room(A), now_ms=NOW)
    held = await placed(pool, "m")
    await acked(sessions, held)
    await pool.claim(order("next"), now_ms=NOW)

    assert await released(sessions, held)
    assert await released(sessions, held)  # the answer was lost; no second effect
    assert (await placed(pool, "next")).room == held.room
    session = await sessions.get(held.match)
    assert session is not None
    assert (session.state, session.reason) == (SessionState.ENDED, "finished")
    assert int(await store.call("TTL", "{f:arena}:session:duel.m")) > 3_500
    assert await store.call("HGET", f"{{f:arena}}:room:{held.room}", "served") == "1"
    assert (await told(store))[4:] == [
        "room.released m finished", "session.ended m finished", "room.claimed next",
    ]  # fmt: skip


@pytest.mark.parametrize("wrong", ["server", "room", "epoch"])
async def test_nobody_else_releases_a_match(pool: Pool, sessions: Sessions, wrong: str):
    await pool.add_room(room(A), now_ms=NOW)
    held = await placed(pool, "m")
    at = room_id(A, 1) if wrong == "room" else held.room
    server = B if wrong == "server" else A
    epoch = 2 if wrong == "epoch" else 1

    assert not await sessions.release(held.match, at, server, epoch, reason="finished", now_ms=NOW)
    assert await sessions.live() == [held.match]
