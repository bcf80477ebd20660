"""What came to a queue, counted from its own log: each event once, whoever counts."""

import asyncio
from dataclasses import replace

import pytest

from core.ids import FleetName, MatchId, TicketId
from core.lua import as_json
from core.redis import Store
from matchmaker.rules.model import Rules
from matchmaker.settings import QueueSettings
from matchmaker.store import QueueStore
from matchmaker.tally import COUNT_MAX, Arrivals, Tally
from tests.matchmaker.test_store import DUEL, M1, NOW, A, B, C, lead, new, placement, teams

EU, US = FleetName("eu"), FleetName("us")
NOW_S = NOW // 1000


@pytest.fixture
def queue(store: Store) -> QueueStore:
    return QueueStore(store, QueueSettings(DUEL, Rules(("red", "blue"), 1), (EU, US)))


async def came(queue: QueueStore, count: int, *, at_s: int = 0) -> None:
    for n in range(count):
        ticket = TicketId(f"duel.{at_s}-{n}")
        await queue.enqueue(new(ticket, f"p-{at_s}-{n}"), now_ms=NOW + at_s * 1000)


async def announced(queue: QueueStore, match: MatchId, fleet: FleetName, *tickets: TicketId):
    """These two, who wait, have a match there; it is told twice."""
    epoch, at = await lead(queue), placement(match)
    red, blue = tickets
    until_ms = NOW + 30_000
    await queue.propose(match, teams(red, blue), epoch=epoch, deadline_ms=until_ms, now_ms=NOW)
    await queue.commit(match, replace(at, fleet=fleet), epoch=epoch, now_ms=NOW)
    for _ in range(2):
        await queue.announce(match, formed_us=NOW * 1000, claim_us=1, now_ms=NOW)


async def arrivals(queue: QueueStore, from_s: int = 0, to_s: int = 60) -> Arrivals:
    return await Tally(queue).arrivals(from_s=NOW_S + from_s, to_s=NOW_S + to_s)


async def test_tickets_players_and_matches_count_in_their_second(queue: QueueStore):
    await queue.enqueue(new(A, key="k1"), now_ms=NOW)
    await queue.enqueue(new(A, key="k1"), now_ms=NOW)  # the same request
    await queue.enqueue(new(B), now_ms=NOW + 999)
    await queue.enqueue(new(C, "ann", "bo", "cy"), now_ms=NOW + 2000)
    await queue.cancel(C, now_ms=NOW + 3000)
    await announced(queue, M1, US, A, B)

    await Tally(queue).count()

    assert await arrivals(queue) == Arrivals(DUEL, 3, 5, {EU: 0, US: 1})
    assert await arrivals(queue, 0, 1) == Arrivals(DUEL, 2, 2, {EU: 0, US: 1})
    assert await arrivals(queue, 2, 2) == Arrivals(DUEL, 0, 0, {EU: 0, US: 0})


async def test_newcomers_to_a_match_are_no_other_match(queue: QueueStore):
    told = {"match": M1, "fleet": EU, "t": NOW}
    for more in ({}, {"of": "duel.m0"}):
        body = as_json(told | more)
        await queue.store.call("XADD", queue.log, "*", "k", "match.announced", "d", body)

    await Tally(queue).count()

    assert (await arrivals(queue)).matches == {EU: 1, US: 0}


async def test_who_counts_at_once_or_begins_again_counts_everything_once(queue: QueueStore):
    await came(queue, 2 * COUNT_MAX + 50)
    await asyncio.gather(*(Tally(queue).count() for _ in range(3)))
    await came(queue, 7, at_s=1)

    again = Tally(QueueStore(queue.store, queue.settings))
    for _ in range(2):
        await again.count()

    assert (await arrivals(queue, 0, 1)).tickets == 2 * COUNT_MAX + 50
    assert (await arrivals(queue, 1, 2)).tickets == 7


async def test_what_was_trimmed_before_it_was_counted_is_passed_over(queue: QueueStore):
    await came(queue, 3)
    await Tally(queue).count()
    await came(queue, 4, at_s=1)
    await queue.store.call("XTRIM", queue.log, "MAXLEN", 2)

    await Tally(queue).count()

    assert (await arrivals(queue)).tickets == 3 + 2


async def test_a_trim_of_the_whole_log_counts_nothing_again(queue: QueueStore):
    await came(queue, 3)
    await Tally(queue).count()
    await queue.store.call("XTRIM", queue.log, "MAXLEN", 0)
    await Tally(queue).count()
    await came(queue, 1, at_s=1)

    await Tally(queue).count()

    assert (await arrivals(queue)).tickets == 4


async def test_who_comes_to_a_long_log_reads_a_bounded_part_at_a_time(
    queue: QueueStore, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("matchmaker.tally.COUNT_MAX", 2)
    monkeypatch.setattr("matchmaker.tally.SCRIPTS_MAX", 3)
    await came(queue, 10)

    await Tally(queue).count()
    first = (await arrivals(queue)).tickets
    await Tally(queue).count()

    assert (first, (await arrivals(queue)).tickets) == (6, 10)
