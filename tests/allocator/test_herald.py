"""The herald's own words: an outage of the matchmaker's side is told once, however long it is."""

import asyncio

import pytest
from structlog.testing import capture_logs

import allocator.herald
from allocator.herald import Herald
from allocator.pool import Pool
from allocator.sessions import Sessions
from core.errors import StoreUnreachable
from core.ids import MatchId, ServerUid
from tests.allocator.worlds import NOW, FakeMatches, FixedClock, order, room


class AwayForAWhile(FakeMatches):
    """The fleet's slot answers all the while; that of the match's queue does not."""

    async def ended(self, match: MatchId, reason: str, *, now_ms: int, left=()) -> None:
        self.asked.append(match)
        if len(self.asked) <= 4:
            raise StoreUnreachable("away")
        await super().ended(match, reason, now_ms=now_ms, left=left)


async def test_a_matchmaker_that_is_away_for_long_is_told_of_once(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(allocator.herald, "AGAIN_S", 0.01, raising=False)
    matches, stop = AwayForAWhile(), asyncio.Event()
    await pool.add_room(room(ServerUid("server-a")), now_ms=NOW)
    at = await pool.claim(order("m"), now_ms=NOW)
    assert at is not None
    await pool.end_session(at.match, 1, reason="lost", now_ms=NOW)
    with capture_logs() as said:
        async with asyncio.timeout(5), asyncio.TaskGroup() as group:
            group.create_task(Herald(Sessions(pool), matches).run(FixedClock(), stop))
            while not matches.told:
                await asyncio.sleep(0.002)
            stop.set()

    assert [line["event"] for line in said] == ["herald.waits", "herald.goes_on"]
