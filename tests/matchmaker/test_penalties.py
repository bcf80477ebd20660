"""Who spoils matches waits, longer each time, and is forgiven."""

from dataclasses import replace

import pytest

from core.errors import Limited
from core.eventlog import decode
from core.ids import PlayerId
from core.redis import Store
from matchmaker.acceptance import answer, close_unanswered
from matchmaker.penalties import Penalty, pardon, penalise, penalty_of
from matchmaker.store import QueueStore
from tests.matchmaker.test_acceptance import (
    BY_MS,
    asked,
    queue as queue,  # noqa: PLC0414 - a fixture
    says,
)
from tests.matchmaker.test_store import M1, NOW, A, B, C, new

ANN, BO, BEA = PlayerId("ann"), PlayerId("bo"), PlayerId("bea")


@pytest.fixture
def strict(store: Store, queue: QueueStore) -> QueueStore:
    settings = replace(queue.settings, penalty_s=60, penalty_max_s=200, penalty_forgiven_s=1_000)
    return QueueStore(store, settings)


async def waits_s(queue: QueueStore, player: PlayerId, *, now_ms: int = NOW) -> float:
    found = await penalty_of(queue, player)
    return (found.until_ms - now_ms) / 1000 if found else 0.0


async def test_one_who_declines_may_not_ask_again_for_a_while(strict: QueueStore):
    await asked(strict)
    await says(strict, B, "bo", accept=False)

    assert await penalty_of(strict, BO) == Penalty(BO, 1, NOW + 60_001, "declined")
    assert await penalty_of(strict, BEA) is None, "who was in the party did not decline"
    with pytest.raises(Limited, match="'bo' declined a match, and may ask again at") as told:
        await strict.enqueue(new(C, "bea", "bo"), now_ms=NOW + 10_001)
    assert told.value.retry_after_s == 50
    await strict.enqueue(new(C, "bea", "bo"), now_ms=NOW + 60_001)


async def test_those_who_slept_are_barred_and_no_others(strict: QueueStore):
    epoch = await asked(strict)
    await says(strict, A, "ann", "al")
    await says(strict, B, "bea")
    await close_unanswered(strict, epoch=epoch, now_ms=BY_MS)

    assert [await waits_s(strict, one, now_ms=BY_MS) for one in (ANN, BEA, BO)] == [0, 0, 60]
    entries = await strict.store.read_stream(strict.log, "0", block_ms=1)
    told = [e for e in map(decode, entries) if e["k"] == "player.penalised"]
    assert [(e["player"], e["why"], e["count"]) for e in told] == [("bo", "unanswered", 1)]


async def test_to_cancel_while_a_match_asks_is_to_decline_it(strict: QueueStore):
    await asked(strict)
    await strict.cancel(B, now_ms=NOW)
    assert await waits_s(strict, BO) == await waits_s(strict, BEA) == 60

    await strict.cancel(A, now_ms=NOW)
    assert await waits_s(strict, ANN) == 0, "that match had come to nothing before"


async def test_each_further_time_costs_twice_as_much_up_to_the_most(strict: QueueStore):
    waits = []
    for _ in range(4):
        await penalise(strict, [ANN], "left", now_ms=NOW)
        waits.append(await waits_s(strict, ANN))

    assert waits == [60, 120, 200, 200]
    assert 0 < await strict.store.call("PTTL", "{q:duel}:penalty:ann") <= (200 + 4 * 1_000) * 1000


async def test_what_is_long_ago_is_forgiven(strict: QueueStore):
    for _ in range(3):
        await penalise(strict, [ANN], "left", now_ms=NOW)
    later_ms = NOW + 2_000_000
    await penalise(strict, [ANN], "left", now_ms=later_ms)
    assert await waits_s(strict, ANN, now_ms=later_ms) == 120, "two of three are forgotten"

    assert await pardon(strict, ANN)
    assert not await pardon(strict, ANN)
    assert await penalty_of(strict, ANN) is None


async def test_a_queue_that_punishes_nobody_bars_nobody(queue: QueueStore, strict: QueueStore):
    await asked(queue)
    assert await answer(queue, B, M1, [BO], accept=False, now_ms=NOW) == "declined"
    assert await penalty_of(queue, BO) is None

    await penalise(strict, [BO], "left", now_ms=NOW)
    await queue.enqueue(new(C, "bo"), now_ms=NOW)
