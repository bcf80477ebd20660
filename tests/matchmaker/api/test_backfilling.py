"""Open seats at the player API: who may ask for players, for which match, and what is told."""

from dataclasses import replace

import aiohttp
import pytest

from core.ids import FleetName, MatchId, PlayerId, QueueName
from core.redis import Store
from matchmaker.backfills import asked, end_due
from matchmaker.filling import fill_of
from matchmaker.rules.model import Rules
from matchmaker.settings import QueueSettings
from matchmaker.store import QueueStore
from tests.matchmaker.api.callers import BACKEND, MATCH, ask, enqueued, match_of
from tests.matchmaker.api.serving import CLOCK
from tests.matchmaker.test_store import lead, placement

PATH = f"/v1/matches/{MATCH}/backfill"
BO_LEFT = {"open": {"blue": 1}, "gone": ["bo"]}


@pytest.fixture
def duel(store: Store) -> QueueStore:
    rules, fleet = Rules(("red", "blue"), 2), FleetName("arena")
    return QueueStore(store, QueueSettings(QueueName("duel"), rules, fleet, backfill="manual"))


async def running(http: aiohttp.ClientSession, duel: QueueStore) -> None:
    """Ann and al against bo and bea."""
    red, blue = await enqueued(http, "ann", "al"), await enqueued(http, "bo", "bea")
    await match_of(duel, red, blue)
    await committed(duel, MATCH)


async def committed(duel: QueueStore, match: MatchId) -> None:
    epoch, now_ms = await lead(duel), CLOCK.wall_ms()
    assert await duel.commit(match, placement(match), epoch=epoch, now_ms=now_ms) == "committed"


async def newcomer(http: aiohttp.ClientSession, duel: QueueStore) -> MatchId:
    """Cy is on the way to bo's seat."""
    ((request, _),) = await asked(duel)
    ticket, match, now_ms = await enqueued(http, "cy"), MatchId("duel.m2"), CLOCK.wall_ms()
    coming = {"blue": [(ticket, PlayerId("cy"))]}
    epoch, deadline_ms = await lead(duel), now_ms + 60_000
    fill = fill_of(request, coming)
    await duel.propose(
        match, coming, epoch=epoch, deadline_ms=deadline_ms, now_ms=now_ms, fill=fill
    )
    return match


async def test_a_back_end_asks_for_players_and_takes_it_back(
    http: aiohttp.ClientSession, duel: QueueStore
):
    await running(http, duel)

    said = await ask(http, "POST", PATH, BACKEND, json=BO_LEFT)
    assert said == (200, {"match": MATCH, "state": "open"})
    ((request, _),) = await asked(duel)
    assert (request.open, request.gone, request.epoch) == ({"blue": 1}, ("bo",), 1)

    for _ in range(2):
        said = await ask(http, "DELETE", PATH, BACKEND)
        assert said == (200, {"match": MATCH, "state": "withdrawn"})
    assert await asked(duel) == []


async def test_the_same_again_is_the_same_request_and_another_takes_its_place(
    http: aiohttp.ClientSession, duel: QueueStore
):
    await running(http, duel)
    ids = []
    for body in (BO_LEFT, BO_LEFT, {"open": {"blue": 2}, "gone": ["bo", "bea"]}):
        assert (await ask(http, "POST", PATH, BACKEND, json=body))[0] == 200
        ((request, _),) = await asked(duel)
        ids.append(request.id)

    assert ids[0] == ids[1] != ids[2]


async def test_a_back_end_says_for_how_long_it_wants_players(
    http: aiohttp.ClientSession, duel: QueueStore
):
    await running(http, duel)
    body = {**BO_LEFT, "wait_s": 2.5}
    assert (await ask(http, "POST", PATH, BACKEND, json=body))[0] == 200
    ((request, _),) = await asked(duel)

    for after_ms, there in ((2_499, 1), (2_500, 0)):
        await end_due(duel, now_ms=request.asked_ms + after_ms)
        assert len(await asked(duel)) == there


async def test_while_newcomers_are_on_their_way_only_the_same_is_asked_again(
    http: aiohttp.ClientSession, duel: QueueStore
):
    await running(http, duel)
    await ask(http, "POST", PATH, BACKEND, json=BO_LEFT)
    await newcomer(http, duel)

    assert (await ask(http, "POST", PATH, BACKEND, json=BO_LEFT))[0] == 200
    other = {"open": {"red": 1}, "gone": ["ann"]}
    for status, problem in (
        await ask(http, "POST", PATH, BACKEND, json=other),
        await ask(http, "DELETE", PATH, BACKEND),
    ):
        assert (status, "on their way" in problem["detail"]) == (409, True)


async def test_the_same_words_about_another_roster_are_another_request(
    http: aiohttp.ClientSession, duel: QueueStore
):
    await running(http, duel)
    both = {"open": {"blue": 1}, "gone": ["bo", "bea"]}
    await ask(http, "POST", PATH, BACKEND, json=both)
    ((before, _),) = await asked(duel)
    newcomers = await newcomer(http, duel)
    await committed(duel, newcomers)
    assert await asked(duel) == []

    assert (await ask(http, "POST", PATH, BACKEND, json=both))[0] == 200
    ((after, _),) = await asked(duel)
    assert after.id != before.id
    of_newcomers = await ask(http, "POST", PATH.replace(MATCH, newcomers), BACKEND, json=both)
    assert of_newcomers[0] == 404, "they play in the match that they came to"


@pytest.mark.parametrize(
    ("body", "field", "said"),
    [
        ({"open": {"blue": 1}}, "$.open.blue", "0 seats left, not 1; name in gone"),
        ({"open": {"green": 1}}, "$.open", "there are: red, blue"),
        ({"open": {}}, "$.open", "length >= 1"),
        ({"open": {"blue": 0}}, "$.open[...]", ">= 1"),
        ({**BO_LEFT, "wait_s": 0}, "$.wait_s", "> 0"),
        ({}, "$", "open"),
    ],
)
async def test_a_request_that_makes_no_sense_is_told_where_and_why(
    http: aiohttp.ClientSession, duel: QueueStore, body: dict, field: str, said: str
):
    await running(http, duel)

    status, problem = await ask(http, "POST", PATH, BACKEND, json=body)

    assert (status, problem["field"]) == (400, field)
    assert said in problem["detail"]


async def test_a_match_that_is_not_played_gets_nobody(
    http: aiohttp.ClientSession, duel: QueueStore
):
    await running(http, duel)
    await duel.ended(MATCH, reason="finished", now_ms=CLOCK.wall_ms())

    for path in (PATH, "/v1/matches/duel.none/backfill", "/v1/matches/none/backfill"):
        for method, body in (("POST", {"json": {"open": {"blue": 1}}}), ("DELETE", {})):
            status, problem = await ask(http, method, path, BACKEND, **body)
            assert (status, "has ended" in problem["detail"]) == (404, True)


async def test_a_queue_that_wants_no_backfill_names_the_cure(
    http: aiohttp.ClientSession, duel: QueueStore
):
    await running(http, duel)
    duel.settings = replace(duel.settings, backfill="off")

    status, problem = await ask(http, "POST", PATH, BACKEND, json=BO_LEFT)

    assert status == 409
    assert 'set its backfill to "manual"' in problem["detail"]


async def test_a_player_of_the_match_may_not_ask(http: aiohttp.ClientSession, duel: QueueStore):
    await running(http, duel)

    assert (await ask(http, "POST", PATH, "dev-player:ann", json=BO_LEFT))[0] == 403
    assert (await ask(http, "DELETE", PATH, "dev-player:ann"))[0] == 403
    assert await asked(duel) == []
