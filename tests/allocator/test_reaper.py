"""Deadlines and silence: what the reaper makes of them, and what the herald tells of it."""

import asyncio

import pytest

from allocator.beats import Beat, Beats, Listening
from allocator.handover import Handover
from allocator.herald import Herald
from allocator.metrics import AllocatorMetrics
from allocator.pool import Pool
from allocator.reaper import Reaper
from allocator.reserve import Reserve
from allocator.sessions import Session, Sessions, SessionState
from allocator.settings import AllocatorSettings
from core.errors import Exhausted, StoreUnreachable
from core.ids import MatchId, ServerUid
from core.placement import Placement
from tests.allocator.worlds import FLEET, NOW, FakeMatches, FakeServers, FixedClock, order, room

A, B = ServerUid("server-a"), ServerUid("server-b")
SETTINGS = AllocatorSettings(FLEET)


@pytest.fixture
def matches() -> FakeMatches:
    return FakeMatches()


@pytest.fixture
def reaper(sessions: Sessions, matches: FakeMatches, metrics: AllocatorMetrics) -> Reaper:
    return Reaper(sessions, Handover(sessions, matches, SETTINGS, metrics), SETTINGS)


async def held(pool: Pool, name: str = "m", *, now_ms: int = NOW) -> Placement:
    placement = await pool.claim(order(name), now_ms=now_ms)
    assert placement is not None
    return placement


async def now(sessions: Sessions, name: str = "m") -> Session:
    session = await sessions.get(MatchId(f"duel.{name}"))
    assert session is not None
    return session


async def acked(sessions: Sessions, at: Placement) -> None:
    assert (await sessions.ack(at.match, at.room, at.server, at.epoch, now_ms=NOW)).ok


async def repairs(pool: Pool) -> dict[str, str]:
    return dict(await pool.store.call("HGETALL", pool.key("repairs")))


async def heard(pool: Pool, uid: ServerUid, *, at_ms: int, holding: tuple[str, ...] = ()) -> None:
    beat = Beat(uid=uid, name=uid, connected_ms=NOW, beat_ms=at_ms, rooms=2, holding=holding)
    await Beats(pool).write(beat)


async def listened(reaper: Reaper, *, until_ms: int) -> None:
    """The reaper looked often enough to be a judge of silence."""
    for ago_ms in range(12_000, 0, -2_000):
        await reaper.look(now_ms=until_ms - ago_ms)


async def test_a_committed_claim_becomes_a_session(
    reaper: Reaper, pool: Pool, sessions: Sessions, matches: FakeMatches
):
    await pool.add_room(room(A), now_ms=NOW)
    await acked(sessions, await held(pool))
    matches.committed.add("duel.m")
    await reaper.look(now_ms=NOW + 59_999)
    assert matches.asked == []
    await reaper.look(now_ms=NOW + 60_000)
    await reaper.look(now_ms=NOW + 61_000)

    assert matches.asked == ["duel.m"]
    assert (await now(sessions)).committed
    assert await repairs(pool) == {}


async def test_a_claim_that_was_never_committed_gives_its_room_back(
    reaper: Reaper, pool: Pool, sessions: Sessions, metrics: AllocatorMetrics
):
    await pool.add_room(room(A), now_ms=NOW)
    await acked(sessions, await held(pool))
    await reaper.look(now_ms=NOW + 60_000)

    assert (await now(sessions)).reason == "closed"
    assert len((await pool.census()).free) == 1
    assert await repairs(pool) == {"claim-lapsed": "1"}
    assert metrics.repairs.labels(FLEET, "claim-lapsed")._value.get() == 1


async def test_a_late_ack_moves_a_committed_match(
    reaper: Reaper, pool: Pool, sessions: Sessions, matches: FakeMatches
):
    await pool.add_room(room(A), now_ms=NOW)
    await held(pool)
    await pool.add_room(room(B), now_ms=NOW)
    matches.committed.add("duel.m")
    await reaper.look(now_ms=NOW + 1_999)
    assert (await now(sessions)).server == A
    await reaper.look(now_ms=NOW + 2_000)

    assert ((await now(sessions)).server, (await now(sessions)).epoch) == (B, 2)
    assert await repairs(pool) == {"no-answer-move": "1"}


async def test_a_late_ack_closes_an_uncommitted_match(
    reaper: Reaper, pool: Pool, sessions: Sessions
):
    await pool.add_room(room(A), now_ms=NOW)
    await held(pool)
    await reaper.look(now_ms=NOW + 2_000)

    assert (await now(sessions)).reason == "closed"
    assert set((await pool.census()).suspect) == {room(A).room}


async def test_a_match_that_waits_in_vain_for_another_room_is_lost(
    reaper: Reaper, pool: Pool, sessions: Sessions, matches: FakeMatches
):
    await pool.add_room(room(A), now_ms=NOW)
    await held(pool)
    matches.committed.add("duel.m")
    await reaper.look(now_ms=NOW + 2_000)
    assert (await now(sessions)).live()
    await reaper.look(now_ms=NOW + 22_000)

    assert (await now(sessions)).reason == "lost"


async def test_matches_on_a_silent_server_move_and_those_in_play_are_handed_over(
    reaper: Reaper, pool: Pool, sessions: Sessions, matches: FakeMatches
):
    for n in (0, 1):
        await pool.add_room(room(A, n), now_ms=NOW + n)
    waits, plays = await held(pool, "waits"), await held(pool, "plays")
    for at in (waits, plays):
        await acked(sessions, at)
    await sessions.joined(plays.match, A, 1, now_ms=NOW)
    matches.committed = {"duel.waits"}
    for n in (0, 1):
        await pool.add_room(room(B, n), now_ms=NOW)
    await heard(pool, A, at_ms=NOW + 20_000)
    await listened(reaper, until_ms=NOW + 25_000)
    await reaper.look(now_ms=NOW + 25_000)
    assert (await now(sessions, "waits")).server == A
    await reaper.look(now_ms=NOW + 25_001)

    assert (await now(sessions, "waits")).server == B
    plays_now = await now(sessions, "plays")
    assert (plays_now.state, plays_now.server) == (SessionState.HANDING_OVER, B)


async def test_nobody_is_judged_silent_by_one_who_has_just_begun_to_listen(
    reaper: Reaper, pool: Pool, sessions: Sessions, matches: FakeMatches
):
    await pool.add_room(room(A), now_ms=NOW)
    at = await held(pool)
    await acked(sessions, at)
    await sessions.joined(at.match, A, 1, now_ms=NOW)
    await heard(pool, A, at_ms=NOW)
    # Two looks an hour apart: this process was stopped meanwhile.
    await reaper.look(now_ms=NOW + 3_000)
    await reaper.look(now_ms=NOW + 3_600_000)

    assert (await now(sessions)).live()


async def test_a_suspect_room_comes_back_when_its_server_is_heard_and_it_is_empty(
    reaper: Reaper, pool: Pool
):
    for n in (0, 1):
        await pool.add_room(room(A, n), now_ms=NOW)
    await pool.suspect(A, now_ms=NOW)
    await heard(pool, A, at_ms=NOW + 4_500, holding=(room(A, 1).room,))
    await reaper.look(now_ms=NOW + 4_999)
    assert (await pool.census()).free == set()
    await reaper.look(now_ms=NOW + 5_000)

    assert (await pool.census()).free == {room(A).room}


async def test_a_session_older_than_any_match_is_ended(
    reaper: Reaper, pool: Pool, sessions: Sessions
):
    await pool.add_room(room(A), now_ms=NOW)
    at = await held(pool)
    await acked(sessions, at)
    await sessions.joined(at.match, A, 1, now_ms=NOW)
    await reaper.look(now_ms=NOW + 7_199_999)
    assert (await now(sessions)).live()
    await reaper.look(now_ms=NOW + 7_200_000)

    assert (await now(sessions)).reason == "lost"
    assert await repairs(pool) == {"session-too-old": "1"}


def test_listening_starts_afresh_after_a_gap():
    listening = Listening(gap_ms=3_000)

    assert listening.note(NOW) == NOW
    assert listening.note(NOW + 3_000) == NOW
    assert listening.note(NOW + 6_001) == NOW + 6_001
    assert listening.note(NOW) == NOW  # the machine's clock was set back


async def test_the_herald_tells_what_became_of_matches_and_goes_on_where_it_was(
    pool: Pool, sessions: Sessions, matches: FakeMatches
):
    await pool.add_room(room(A), now_ms=NOW)
    at = await held(pool)
    await pool.add_room(room(B), now_ms=NOW)
    moved = await pool.move(at.match, 1, deadline_ms=NOW * 2, now_ms=NOW + 2_000)
    await heralded(sessions, matches, until=1)
    assert moved is not None
    await sessions.release(
        moved.match, moved.room, moved.server, 2, reason="finished", now_ms=NOW + 3_000
    )
    closed = await held(pool, "closed", now_ms=NOW + 3_000)
    await pool.withdraw(closed.match, reason="closed", now_ms=NOW + 3_001)
    await heralded(sessions, matches, until=2)

    assert matches.told == [("duel.m", "moved to server-b/0 at 2"), ("duel.m", "finished")]


async def test_players_of_a_match_that_waits_for_another_room_are_not_sent_nowhere(
    pool: Pool, sessions: Sessions, matches: FakeMatches
):
    # Found by `readyup simulate --seed 202 --minutes 2`: moved again before it was told.
    await pool.add_room(room(A), now_ms=NOW)
    at = await held(pool)
    await pool.add_room(room(B), now_ms=NOW)
    moved = await pool.move(at.match, 1, deadline_ms=NOW * 2, now_ms=NOW + 2_000)
    assert moved is not None
    assert await pool.move(at.match, 2, deadline_ms=NOW * 2, now_ms=NOW + 9_000) is None
    told_late = {"k": "session.moved", "match": at.match, "session_epoch": 2}
    await Herald(sessions, matches).tell(told_late, now_ms=NOW + 9_001)

    assert matches.told == []


async def test_what_could_not_be_told_is_told_again(
    pool: Pool, sessions: Sessions, matches: FakeMatches
):
    class Away(FakeMatches):
        async def ended(self, match: MatchId, reason: str, *, now_ms: int, left=()) -> None:
            first = not self.asked
            self.asked.append(match)
            if first:
                raise StoreUnreachable("away")
            await super().ended(match, reason, now_ms=now_ms)

    matches = Away()
    await pool.add_room(room(A), now_ms=NOW)
    at = await held(pool)
    await pool.end_session(at.match, 1, reason="lost", now_ms=NOW)
    await heralded(sessions, matches, until=1)

    assert matches.told == [("duel.m", "lost")]


async def heralded(sessions: Sessions, matches: FakeMatches, *, until: int) -> None:
    stop = asyncio.Event()
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        herald = Herald(sessions, matches)
        group.create_task(herald.run(FixedClock(), stop), name="herald")
        while len(matches.told) < until:
            await asyncio.sleep(0.002)
        stop.set()


async def test_a_store_without_memory_is_waited_for(
    pool: Pool, reaper: Reaper, matches: FakeMatches, metrics: AllocatorMetrics, monkeypatch
):
    handover = Handover(Sessions(pool), matches, SETTINGS, metrics)
    reserve = Reserve(pool, FakeServers(), handover, SETTINGS, metrics)
    stop, refused = asyncio.Event(), 0

    async def out_of_memory(**_: object) -> None:
        nonlocal refused
        refused += 1
        if refused == 4:
            stop.set()
        raise Exhausted("Redis is out of memory")

    monkeypatch.setattr(pool, "sweep", out_of_memory)
    monkeypatch.setattr(pool, "census", out_of_memory)
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(reaper.run(FixedClock(), stop))
        group.create_task(reserve.run(FixedClock(), stop))

    assert refused >= 4
