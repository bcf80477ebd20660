"""Requests of running matches: whose stands, and until when."""

from dataclasses import replace

import pytest

from core.eventlog import decode
from core.ids import FleetName, MatchId, PlayerId
from core.redis import Store
from matchmaker.backfills import Wanted, ask, asked, end_due
from matchmaker.filling import fill_of
from matchmaker.rules.model import Rules
from matchmaker.settings import QueueSettings
from matchmaker.store import QueueStore
from matchmaker.tickets import MatchRecord, OpenMatch
from tests.matchmaker.test_store import (
    DUEL,
    M1,
    M2,
    NOW,
    A,
    B,
    C,
    lead,
    new,
    placement,
    proposed,
    status,
)

BO = (PlayerId("p-b"),)
SERVERS = Wanted(M1, "1-1", {"blue": 1}, BO, epoch=1, automatic=True)
BACKENDS = Wanted(M1, "", {"blue": 1}, BO)


@pytest.fixture
async def queue(store: Store) -> QueueStore:
    """Ticket A against ticket B, who play."""
    rules = Rules(("red", "blue"), 1)
    queue = QueueStore(store, QueueSettings(DUEL, rules, FleetName("arena"), backfill="auto"))
    for ticket in (A, B):
        await queue.enqueue(new(ticket), now_ms=NOW)
    epoch = await lead(queue)
    await proposed(queue, M1, epoch)
    assert await queue.commit(M1, placement(M1), epoch=epoch, now_ms=NOW) == "committed"
    return queue


async def stands(queue: QueueStore) -> list[str]:
    """Whose request a pass would look at."""
    return ["server" if one.id == "1-1" else "backend" for one, _ in await asked(queue)]


async def newcomer(queue: QueueStore, request: OpenMatch, *, now_ms: int) -> str:
    """Ticket C is proposed for it."""
    coming = {"blue": [(C, PlayerId("p-c"))]}
    outcome, _ = await queue.propose(
        M2,
        coming,
        epoch=await lead(queue),
        deadline_ms=now_ms + 30_000,
        now_ms=now_ms,
        fill=fill_of(request, coming),
    )
    return outcome


async def why_ended(queue: QueueStore) -> list[str]:
    entries = await queue.store.read_stream(queue.log, "0", block_ms=1)
    return [e["reason"] for e in map(decode, entries) if e["k"] == "backfill.ended"]


async def test_a_request_is_over_when_its_time_is(queue: QueueStore):
    await queue.enqueue(new(C), now_ms=NOW)
    await ask(queue, replace(BACKENDS, wait_s=10.0), now_ms=NOW)
    ((request, _),) = await asked(queue)

    await end_due(queue, now_ms=NOW + 9_999)
    assert await stands(queue) == ["backend"]
    assert await newcomer(queue, request, now_ms=NOW + 10_000) == "over", "to the millisecond"

    await end_due(queue, now_ms=NOW + 10_000)
    assert await stands(queue) == []
    assert await why_ended(queue) == ["expired"]
    assert (await status(queue, C)).value == "QUEUED"


async def test_the_same_again_begins_its_time_anew_and_without_one_it_has_no_end(queue: QueueStore):
    await ask(queue, replace(BACKENDS, wait_s=10.0), now_ms=NOW)
    await ask(queue, replace(BACKENDS, wait_s=10.0), now_ms=NOW + 8_000)
    await end_due(queue, now_ms=NOW + 12_000)
    assert await stands(queue) == ["backend"]

    await ask(queue, BACKENDS, now_ms=NOW + 12_000)
    await end_due(queue, now_ms=NOW + 3_600_000)
    assert await stands(queue) == ["backend"]


async def test_newcomers_on_their_way_come_though_its_time_is_over(queue: QueueStore):
    await queue.enqueue(new(C), now_ms=NOW)
    await ask(queue, replace(BACKENDS, wait_s=10.0), now_ms=NOW)
    ((request, _),) = await asked(queue)
    assert await newcomer(queue, request, now_ms=NOW + 9_000) == "proposed"

    await end_due(queue, now_ms=NOW + 10_000)
    epoch = await lead(queue)
    state = await queue.commit(M2, placement(M1), epoch=epoch, now_ms=NOW + 10_500)

    assert state == "committed"
    assert await why_ended(queue) == ["filled"]


@pytest.mark.parametrize("first", ["server", "backend"])
async def test_a_back_ends_request_stands_before_the_servers(queue: QueueStore, first: str):
    mine = replace(BACKENDS, wait_s=10.0)
    for wanted in (SERVERS, mine) if first == "server" else (mine, SERVERS):
        assert await ask(queue, wanted, now_ms=NOW) == "open"
    assert await stands(queue) == ["backend"]

    await end_due(queue, now_ms=NOW + 10_000)
    assert await stands(queue) == ["server"], "it waited beneath"


async def test_a_server_takes_back_its_own_and_a_back_end_whatever_there_is(queue: QueueStore):
    none_from_server, none = replace(SERVERS, id="1-2", open={}), replace(BACKENDS, open={})
    mine = replace(BACKENDS, wait_s=10.0)
    for wanted in (SERVERS, mine, none_from_server):
        await ask(queue, wanted, now_ms=NOW)
    assert await stands(queue) == ["backend"]
    await end_due(queue, now_ms=NOW + 10_000)
    assert await stands(queue) == [], "nothing waits beneath any more"

    for wanted in (SERVERS, mine, none):
        await ask(queue, wanted, now_ms=NOW)
    await end_due(queue, now_ms=NOW + 10_000)
    assert await stands(queue) == []


async def test_newcomers_answer_both(queue: QueueStore):
    await queue.enqueue(new(C), now_ms=NOW)
    for wanted in (SERVERS, BACKENDS):
        await ask(queue, wanted, now_ms=NOW)
    ((request, _),) = await asked(queue)
    await newcomer(queue, request, now_ms=NOW)
    await queue.commit(M2, placement(M1), epoch=await lead(queue), now_ms=NOW)

    assert await stands(queue) == []
    await end_due(queue, now_ms=NOW + 3_600_000)
    assert await stands(queue) == []


async def test_nobody_is_committed_to_a_match_whose_record_is_gone(queue: QueueStore):
    await queue.enqueue(new(C), now_ms=NOW)
    await ask(queue, BACKENDS, now_ms=NOW)
    ((request, _),) = await asked(queue)
    await newcomer(queue, request, now_ms=NOW)
    await queue.store.call("DEL", f"{queue.base}:match:{M1}")

    epoch = await lead(queue)

    assert await queue.commit(M2, placement(M1), epoch=epoch, now_ms=NOW) == "closed"
    assert (await status(queue, C)).value == "QUEUED"


async def test_newcomers_are_told_when_the_match_they_go_to_is_gone(queue: QueueStore):
    await queue.enqueue(new(C), now_ms=NOW)
    await ask(queue, BACKENDS, now_ms=NOW)
    ((request, _),) = await asked(queue)
    await newcomer(queue, request, now_ms=NOW)
    await queue.commit(M2, placement(M1), epoch=await lead(queue), now_ms=NOW)
    await queue.store.call("DEL", f"{queue.base}:match:{M1}")

    assert not await queue.announce(M2, formed_us=0, claim_us=0, now_ms=NOW)

    record = await queue.ticket(C)
    assert record is not None
    assert (record.status, record.reason) == ("FAILED", "ended")
    assert await queue.unfinished() == ([], [M1])


async def test_a_match_that_ends_takes_its_requests_along(queue: QueueStore):
    for wanted in (SERVERS, replace(BACKENDS, wait_s=10.0)):
        await ask(queue, wanted, now_ms=NOW)

    await queue.ended(MatchId(M1), reason="finished", now_ms=NOW)

    assert await why_ended(queue) == ["replaced", "ended"]
    assert await queue.store.call("KEYS", f"{queue.base}:backfill*") == []


async def test_a_request_that_newcomers_outran_is_written_anew(
    queue: QueueStore, monkeypatch: pytest.MonkeyPatch
):
    record = await queue.match(M1)
    assert record
    read = [record, replace(record, fills=record.fills + 1)]

    async def match(self: QueueStore, match: MatchId) -> MatchRecord | None:
        return read.pop()

    monkeypatch.setattr(QueueStore, "match", match)

    assert await ask(queue, BACKENDS, now_ms=NOW) == "open"
    assert read == []
    assert await stands(queue) == ["backend"]
