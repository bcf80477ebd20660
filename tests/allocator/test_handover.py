"""A match in play outlives its server: what is kept for the next one, and who may still speak."""

from dataclasses import replace

import pytest

from allocator.handover import Handover, Verdict, verdict
from allocator.herald import Herald
from allocator.metrics import AllocatorMetrics
from allocator.pool import Pool
from allocator.reaper import Reaper
from allocator.sessions import Session, Sessions, SessionState
from allocator.settings import AllocatorSettings
from core.eventlog import decode
from core.ids import MatchId, ServerUid
from core.placement import Placement
from tests.allocator.worlds import FLEET, NOW, FakeMatches, order, room

A, B, C = ServerUid("server-a"), ServerUid("server-b"), ServerUid("server-c")
M = MatchId("duel.m")
SETTINGS = AllocatorSettings(FLEET)


class House:
    """A fleet, and the matchmaker that knows its matches as committed."""

    def __init__(
        self, sessions: Sessions, metrics: AllocatorMetrics, settings: AllocatorSettings
    ) -> None:
        self.pool, self.sessions = sessions.pool, sessions
        self.matches = FakeMatches(committed={M})
        self.handover = Handover(sessions, self.matches, settings, metrics)
        self.reaper = Reaper(sessions, self.handover, settings)

    async def plays(self, server: ServerUid = A) -> Placement:
        """A match in play on a server of one room."""
        await self.pool.add_room(room(server), now_ms=NOW)
        at = await self.pool.claim(order("m"), now_ms=NOW)
        assert at is not None
        await self.taken(at)
        return at

    async def taken(self, at: Placement, *, now_ms: int = NOW) -> None:
        """Its server acknowledges, and a player joins."""
        assert (await self.sessions.ack(M, at.room, at.server, at.epoch, now_ms=now_ms)).ok
        assert await self.sessions.joined(M, at.server, at.epoch, now_ms=now_ms)

    async def kept(self, at: Placement, n: int, state: bytes) -> bool:
        return await self.sessions.keep(M, at.server, at.epoch, n=n, state=state, now_ms=NOW)

    async def dies(self, server: ServerUid = A, *, now_ms: int = NOW + 1_000) -> None:
        for match in await self.pool.remove_server(server, reason="gone", now_ms=now_ms):
            await self.handover.look_after(match, cause="server-gone", now_ms=now_ms)

    async def now(self) -> Session:
        session = await self.sessions.get(M)
        assert session is not None
        return session

    async def events(self) -> list[str]:
        entries = await self.pool.store.read_stream(self.pool.key("log"), "0-0", block_ms=1)
        return [f"{e['k']} {e.get('reason', '')}".strip() for e in map(decode, entries)]


@pytest.fixture
def house(sessions: Sessions, metrics: AllocatorMetrics) -> House:
    return House(sessions, metrics, SETTINGS)


async def test_a_match_in_play_goes_on_at_a_warm_server_with_its_last_snapshot(house: House):
    at = await house.plays()
    assert await house.kept(at, 1, b"half time")
    await house.pool.add_room(room(B), now_ms=NOW)
    await house.dies()
    session = await house.now()

    assert (session.state, session.server, session.epoch) == (SessionState.HANDING_OVER, B, 2)
    assert await house.sessions.kept(M) == b"half time"
    await house.taken(session.placement(), now_ms=NOW + 1_100)
    assert (await house.now()).state is SessionState.ACTIVE
    assert (await house.events())[-3:] == ["session.handover", "session.moved", "room.acked"]


async def test_the_old_server_is_fenced_by_its_epoch(house: House):
    old = await house.plays()
    await house.pool.add_room(room(B), now_ms=NOW)
    await house.pool.doubt(M, 1, now_ms=NOW)  # it lives, cut off from us
    await house.handover.look_after(M, cause="silent", now_ms=NOW)

    said = house.sessions
    assert not (await said.ack(M, old.room, A, 1, now_ms=NOW)).ok
    assert not await said.joined(M, A, 1, now_ms=NOW)
    assert not await house.kept(old, 99, b"another world")
    assert not await said.result(M, A, 1, result_json="{}", now_ms=NOW)
    assert not await said.release(M, old.room, A, 1, reason="finished", now_ms=NOW)
    assert (await house.now()).server == B


async def test_the_newest_snapshot_stands_and_numbers_begin_anew_with_the_epoch(house: House):
    at = await house.plays()
    kept = [await house.kept(at, n, b"%d" % n) for n in (1, 3, 2, 3)]
    await house.pool.add_room(room(B), now_ms=NOW)
    await house.dies()
    after = (await house.now()).placement()
    await house.taken(after)

    assert kept == [True, True, False, True]
    assert await house.sessions.kept(M) == b"3"
    assert await house.kept(after, 1, b"later")
    assert await house.sessions.kept(M) == b"later"


async def test_a_match_whose_result_is_known_has_finished_and_is_not_handed_over(house: House):
    at = await house.plays()
    await house.sessions.result(M, at.server, 1, result_json='{"winner":"red"}', now_ms=NOW)
    await house.pool.add_room(room(B), now_ms=NOW)
    await house.dies()
    session = await house.now()

    assert (session.state, session.reason) == (SessionState.ENDED, "finished")
    assert (session.epoch, session.result) == (1, '{"winner":"red"}')
    assert await house.sessions.kept(M) is None


async def test_a_result_that_comes_in_the_middle_wins(house: House):
    at = await house.plays()
    await house.pool.doubt(M, 1, now_ms=NOW)
    await house.sessions.result(M, at.server, 1, result_json="{}", now_ms=NOW)

    assert (await house.pool.move(M, 1, deadline_ms=NOW + 9, now_ms=NOW + 1, played=True)) is None
    assert (await house.now()).server == A


async def test_without_a_warm_server_it_waits_in_front_and_is_then_abandoned(house: House):
    await house.plays()
    await house.pool.claim(order("other"), now_ms=NOW + 500)
    await house.dies()
    waiting = await house.pool.store.call("ZRANGE", house.pool.key("waiting"), 0, -1)
    assert waiting == [M, "duel.other"]
    assert (await house.now()).state is SessionState.HANDING_OVER
    await house.reaper.look(now_ms=NOW + 20_999)
    assert (await house.now()).live()
    await house.reaper.look(now_ms=NOW + 21_000)
    session = await house.now()

    assert (session.state, session.reason) == (SessionState.ABANDONED, "abandoned")
    assert await house.sessions.live() == []
    assert "session.ended abandoned" in await house.events()


async def test_two_who_look_at_once_do_not_abandon_a_match_that_begins_to_wait(house: House):
    await house.plays()
    await house.dies()
    await house.handover.look_after(M, cause="no-answer", now_ms=NOW + 1_000)

    assert (await house.now()).state is SessionState.HANDING_OVER


async def test_a_doubt_that_comes_late_does_not_abandon_a_match_that_waits(house: House):
    await house.plays()
    await house.dies()
    await house.pool.doubt(M, 1, now_ms=NOW + 1_100)
    await house.reaper.look(now_ms=NOW + 1_200)

    assert (await house.now()).state is SessionState.HANDING_OVER


async def test_a_second_look_does_not_end_a_match_that_has_just_found_its_last_server(
    sessions: Sessions, metrics: AllocatorMetrics
):
    house = House(sessions, metrics, replace(SETTINGS, handovers_max=1))
    await house.plays()
    await house.pool.add_room(room(B), now_ms=NOW)
    await house.dies()
    await house.handover.look_after(M, cause="no-answer", now_ms=NOW + 1_000)
    session = await house.now()

    assert (session.state, session.server) == (SessionState.HANDING_OVER, B)


async def test_a_server_that_becomes_warm_gets_the_match_that_waits(house: House):
    at = await house.plays()
    await house.kept(at, 1, b"half time")
    await house.dies()
    await house.pool.add_room(room(B), now_ms=NOW + 5_000)
    session = await house.now()

    assert (session.server, session.epoch) == (B, 2)
    assert session.state is SessionState.HANDING_OVER
    assert await house.sessions.kept(M) == b"half time"


async def test_one_whose_second_server_never_takes_it_moves_on_to_a_third(house: House):
    await house.plays()
    for server in (B, C):
        await house.pool.add_room(room(server), now_ms=NOW)
    await house.dies()
    second = await house.now()
    await house.reaper.look(now_ms=NOW + 3_000)
    third = await house.now()

    assert [second.epoch, third.epoch] == [2, 3]
    assert third.server not in (A, second.server)
    assert third.state is SessionState.HANDING_OVER
    assert third.handovers == 1


async def test_players_are_told_of_both_ends(house: House):
    await house.plays()
    await house.pool.add_room(room(B), now_ms=NOW)
    await house.dies()
    herald = Herald(house.sessions, house.matches)
    for event in map(
        decode, await house.pool.store.read_stream(house.pool.key("log"), "0-0", block_ms=1)
    ):
        await herald.tell(event, now_ms=NOW)

    assert house.matches.told == [(M, "moved to server-b/0 at 2")]


async def test_a_match_that_kills_its_servers_gets_no_further_one(house: House):
    await house.plays()
    for n in range(SETTINGS.handovers_max + 1):
        await house.pool.add_room(room(ServerUid(f"server-{n}")), now_ms=NOW + n)
    victims = []
    while (session := await house.now()).live():
        victims.append(session.server)
        if session.state is SessionState.HANDING_OVER:
            await house.taken(session.placement())
        await house.dies(session.server)

    assert len(victims) == 1 + SETTINGS.handovers_max
    assert session.reason == "lost"


async def test_a_match_that_got_on_at_each_of_its_servers_is_not_blamed_for_their_end(
    sessions: Sessions, metrics: AllocatorMetrics
):
    house = House(sessions, metrics, replace(SETTINGS, handovers_max=2))
    at = await house.plays()
    victims = 0
    while (session := await house.now()).live():
        if victims:
            at = session.placement()
            await house.taken(at)
        assert await house.kept(at, 1, b"on we go")
        await house.pool.add_room(room(ServerUid(f"server-{victims}")), now_ms=NOW)
        await house.dies(at.server)
        victims += 1

    assert victims == 5 * 2 + 1  # chance has its bounds too
    assert session.reason == "lost"


async def test_a_fleet_that_hands_nothing_over_ends_what_was_in_play(
    sessions: Sessions, metrics: AllocatorMetrics, pool: Pool
):
    house = House(sessions, metrics, replace(SETTINGS, on_lost="end"))
    await house.plays()
    await pool.add_room(room(B), now_ms=NOW)
    await house.dies()

    assert (await house.now()).reason == "lost"


async def test_verdicts_are_the_table(house: House):
    await house.plays()
    played = await house.now()
    table = {
        Verdict.CLOSE: verdict(played, SETTINGS, committed=False),
        Verdict.HAND_OVER: verdict(played, SETTINGS, committed=True),
        Verdict.MOVE: verdict(replace(played, joined_ms=0), SETTINGS, committed=True),
    }

    assert {right: said[0] for right, said in table.items()} == {right: right for right in table}
