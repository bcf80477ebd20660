"""A server's words about its match's players, and what it is told of them."""

from typing import cast

import pytest

from allocator import frames
from allocator.filling import Filling
from allocator.herald import Herald
from allocator.link import Link, Outgoing
from allocator.pool import Pool
from allocator.seats import seat, unseat
from allocator.sessions import Sessions
from core.eventlog import decode
from core.ids import MatchId, PlayerId, TicketId
from core.placement import Placement, SeatedPlayer, SeatOrder
from tests.allocator.worlds import FLEET, NOW, FakeMatches, order, room, server

ONE = server("one")
M = MatchId("duel.m")
CY = SeatedPlayer(PlayerId("cy"), TicketId("duel.cy"), "team1", 0)
COMES = SeatOrder(M, MatchId("duel.f"), FLEET, 1, (CY,), (PlayerId("m-p1"),))


class FakeLink:
    """Notes what is pushed."""

    def __init__(self) -> None:
        self.server = ONE
        self.pushed: list[Outgoing] = []

    def push(self, outgoing: Outgoing) -> None:
        self.pushed.append(outgoing)

    async def told(self) -> list[frames.Frame]:
        said = [one if isinstance(one, dict) else await one() for one in self.pushed]
        return [frame for frame in said if frame is not None]


@pytest.fixture
async def playing(pool: Pool, sessions: Sessions) -> Placement:
    await pool.add_room(room(ONE.uid), now_ms=NOW)
    placement = await pool.claim(order("m"), now_ms=NOW)
    assert placement is not None
    assert (await sessions.ack(M, placement.room, ONE.uid, 1, now_ms=NOW)).ok
    return placement


async def names(sessions: Sessions) -> list[str]:
    session = await sessions.get(M)
    assert session is not None
    return [one.player for one in session.players]


async def test_a_newcomer_is_seated_once_in_the_place_of_who_left(playing, pool, sessions):
    for _ in range(2):
        assert await seat(pool, COMES, now_ms=NOW) == playing

    assert await names(sessions) == ["m-p0", "cy"]
    session = await sessions.get(M)
    assert session is not None
    assert session.roster == 1


async def test_a_seat_that_somebody_has_is_not_given_away(playing, pool, sessions):
    taken = SeatOrder(M, MatchId("duel.f"), FLEET, 1, (CY,), ())

    assert await seat(pool, taken, now_ms=NOW) is None
    assert await names(sessions) == ["m-p0", "m-p1"]


async def test_seats_are_given_only_at_the_epoch_at_which_they_were_open(playing, pool, sessions):
    await pool.doubt(M, 1, now_ms=NOW)
    await pool.move(M, 1, deadline_ms=NOW + 9_000, now_ms=NOW, played=True)

    assert await seat(pool, COMES, now_ms=NOW) is None


async def test_an_order_that_was_taken_back_never_counts_again(playing, pool, sessions):
    await seat(pool, COMES, now_ms=NOW)
    await unseat(pool, COMES, now_ms=NOW)

    assert sorted(await names(sessions)) == ["m-p0", "m-p1"]
    assert await seat(pool, COMES, now_ms=NOW) is None


async def test_a_seat_that_is_anothers_by_now_is_not_given_back(playing, pool, sessions):
    dee = SeatedPlayer(PlayerId("dee"), TicketId("duel.dee"), CY.team, CY.seat)
    later = SeatOrder(M, MatchId("duel.g"), FLEET, 1, (dee,), (CY.player,))
    await seat(pool, COMES, now_ms=NOW)
    await seat(pool, later, now_ms=NOW)
    await unseat(pool, COMES, now_ms=NOW)

    assert await names(sessions) == ["m-p0", "dee"]


async def test_a_server_is_told_of_players_that_it_does_not_know(playing, pool, sessions):
    await seat(pool, COMES, now_ms=NOW)
    link, filling = FakeLink(), Filling(sessions, FakeMatches())
    held = frames.Holding(room=playing.room, match=M, epoch=1)

    await filling.compare(cast("Link", link), [held])
    (told,) = await link.told()
    await filling.compare(cast("Link", link), [frames.Holding(playing.room, M, 1, roster=1)])

    assert (told["type"], told["n"]) == ("roster", 1)
    assert [one.player for one in told["players"]] == ["m-p0", "cy"]
    assert len(link.pushed) == 1


async def test_only_the_server_of_a_match_may_ask_for_it(playing, sessions):
    link, matches = FakeLink(), FakeMatches()
    filling = Filling(sessions, matches)

    for epoch in (1, 2):
        said = frames.Backfill(M, epoch, 1, {"team1": 1}, (PlayerId("m-p1"),))
        await filling.hear(cast("Link", link), said, now_ms=NOW)

    assert [frame["state"] for frame in await link.told()] == ["open", "moved"]
    assert [wanted.epoch for wanted in matches.wanted] == [1]


async def test_who_left_and_did_not_come_back_is_named_when_the_match_ends(playing, pool, sessions):
    matches = FakeMatches()
    await sessions.release(
        M, playing.room, ONE.uid, 1, reason="finished", now_ms=NOW, left=[PlayerId("m-p1")]
    )

    for entry in await pool.store.read_stream(pool.key("log"), "0", block_ms=1):
        await Herald(sessions, matches).tell(decode(entry), now_ms=NOW)

    assert matches.left == {"m-p1"}
