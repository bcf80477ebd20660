"""Penalties at the player API: who is barred is told until when and why; back ends add and lift."""

import json

import aiohttp
import pytest

from core.ids import FleetName, QueueName
from core.redis import Store
from matchmaker.rules.model import Rules
from matchmaker.settings import QueueSettings
from matchmaker.store import QueueStore
from tests.matchmaker.api.callers import BACKEND, answer, ask, bearer, enqueued, match_of

PATH = "/v1/queues/duel/penalties/"


@pytest.fixture
def duel(store: Store) -> QueueStore:
    rules, fleet = Rules(("red", "blue"), 2), FleetName("arena")
    settings = QueueSettings(QueueName("duel"), rules, fleet, acceptance_s=30, penalty_s=60)
    return QueueStore(store, settings)


async def test_who_declined_is_told_until_when_and_a_back_end_may_lift_it(
    http: aiohttp.ClientSession, duel: QueueStore
):
    red, blue = await enqueued(http, "ann", "al"), await enqueued(http, "bo", "bea")
    await match_of(duel, red, blue)
    await answer(http, red, "dev-player:ann", accept=False)

    body = {"queue": "duel", "players": [{"id": "ann"}]}
    async with http.post("/v1/tickets", json=body, headers=bearer("dev-player:ann")) as barred:
        problem = json.loads(await barred.read())
        assert (barred.status, int(barred.headers["Retry-After"])) == (429, 60)
    assert problem["type"] == "urn:readyup:problem:limited"
    assert "'ann' declined a match, and may ask again at" in problem["detail"]

    assert (await ask(http, "GET", f"{PATH}ann", "dev-player:ann"))[0] == 403
    status, held = await ask(http, "DELETE", f"{PATH}ann", BACKEND)
    assert (status, held["count"], held["reason"]) == (200, 1, "declined")
    assert (await ask(http, "DELETE", f"{PATH}ann", BACKEND))[0] == 404
    assert (await ask(http, "POST", "/v1/tickets", "dev-player:ann", json=body))[0] == 201


async def test_a_back_end_tells_of_one_who_left(http: aiohttp.ClientSession, duel: QueueStore):
    for count in (1, 2):
        status, held = await ask(http, "POST", f"{PATH}cy", BACKEND, json={"reason": "left"})
        assert (status, held["count"], held["reason"]) == (200, count, "left")

    assert (await ask(http, "GET", f"{PATH}cy", BACKEND))[1] == held
    assert (await ask(http, "POST", f"{PATH}cy", BACKEND, json={"reason": "A b"}))[0] == 400
    assert (await ask(http, "GET", "/v1/queues/race/penalties/cy", BACKEND))[0] == 404


async def test_what_is_no_players_id_is_told_so_and_nothing_is_held_against_it(
    http: aiohttp.ClientSession, duel: QueueStore
):
    for name in ("c%20y", "c:y", "x" * 65):
        status, problem = await ask(http, "POST", f"{PATH}{name}", BACKEND, json={})
        assert (status, "is no player's id" in problem["detail"]) == (404, True)

    assert await duel.store.call("KEYS", "*:penalty:*") == []
