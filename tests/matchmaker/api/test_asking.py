"""The ready check at the player API: who is asked is told, and who answers for whom."""

import json

import aiohttp

from core.ids import PlayerId
from matchmaker.acceptance import close_unanswered
from matchmaker.store import QueueStore
from tests.matchmaker.api.callers import BACKEND, MATCH, answer, ask, bearer, enqueued, match_of
from tests.matchmaker.api.serving import CLOCK
from tests.matchmaker.test_store import lead


async def test_each_player_accepts_for_itself_and_a_back_end_for_all(
    http: aiohttp.ClientSession, duel: QueueStore
):
    red, blue = await enqueued(http, "ann", "al"), await enqueued(http, "bo", "bea")
    await match_of(duel, red, blue)

    status, told = await answer(http, red, "dev-player:ann")
    assert (status, told["status"]) == (200, "REQUIRES_ACCEPTANCE")
    assert told["acceptance"]["accepted"] == ["ann"]
    assert (await answer(http, red, "dev-player:ann", players=["al"]))[0] == 403
    assert (await answer(http, red, "dev-player:bo"))[0] == 404
    assert (await answer(http, red, BACKEND, players=["bo"]))[0] == 404

    assert (await answer(http, blue, BACKEND))[1]["acceptance"]["accepted"] == ["bo", "bea"]
    assert (await answer(http, red, BACKEND, players=["al"]))[1]["status"] == "PLACING"
    assert (await answer(http, red, "dev-player:ann"))[0] == 200, "again"
    assert (await answer(http, red, "dev-player:ann", accept=False))[0] == 409


async def test_an_answer_about_another_match_is_a_conflict(
    http: aiohttp.ClientSession, duel: QueueStore
):
    red, blue = await enqueued(http, "ann", "al"), await enqueued(http, "bo", "bea")
    await match_of(duel, red, blue)

    status, problem = await answer(http, red, BACKEND, match="duel.m2")
    assert (status, problem["other"]) == (409, red)


async def test_a_ticket_that_waits_says_how_long_it_may_take(
    http: aiohttp.ClientSession, duel: QueueStore
):
    await duel.store.call("HSET", f"{duel.base}:estimates", "2", json.dumps([1.0, 0.5, 0.2, 0.05]))
    red, blue = await enqueued(http, "ann", "al"), await enqueued(http, "bo")
    _, told = await ask(http, "GET", f"/v1/tickets/{red}", BACKEND)
    wait_s = told["estimated_wait_s"]
    assert 0 < wait_s["p50"] < wait_s["p90"] <= 0.4, "of what is still left"
    assert (await ask(http, "GET", f"/v1/tickets/{blue}", BACKEND))[1]["estimated_wait_s"] is None
    _, why = await ask(http, "GET", f"/v1/tickets/{red}/why", BACKEND)
    assert why["estimated_wait_s"]["p50"] <= 0.3

    await match_of(duel, red, blue)
    assert "estimated_wait_s" not in (await ask(http, "GET", f"/v1/tickets/{red}", BACKEND))[1]


async def next_of(ws: aiohttp.ClientWebSocketResponse, status: str) -> dict:
    while True:
        told = await ws.receive_json()
        if told["type"] == "ticket" and told["ticket"]["status"] == status:
            return told["ticket"]


async def test_players_are_asked_and_answer_on_their_sockets(
    http: aiohttp.ClientSession, duel: QueueStore
):
    red, blue = await enqueued(http, "ann", "al"), await enqueued(http, "bo", "bea")
    headers = bearer("dev-player:ann")
    async with http.ws_connect("/v1/connect", headers=headers) as ann:
        assert (await ann.receive_json())["type"] == "hello"
        await match_of(duel, red, blue)
        asked = (await next_of(ann, "REQUIRES_ACCEPTANCE"))["acceptance"]
        assert asked == {"match": MATCH, "by_ms": asked["by_ms"], "accepted": []}
        frame = {"type": "acceptance", "ticket": red, "match": MATCH, "accept": True}
        await ann.send_json(frame)
        assert (await next_of(ann, "REQUIRES_ACCEPTANCE"))["acceptance"]["accepted"] == ["ann"]

        async with http.ws_connect("/v1/connect", headers=bearer("dev-player:bo")) as bo:
            hello = await bo.receive_json()
            assert hello["ticket"]["acceptance"]["match"] == MATCH, "who comes back is asked too"
            await bo.send_json(frame | {"ticket": blue, "accept": False})
            assert (await next_of(bo, "CANCELLED"))["reason"] == "declined"

        assert (await next_of(ann, "QUEUED"))["reason"] == "unaccepted"
        await ann.send_json(frame)
        assert (await next_of(ann, "QUEUED"))["reason"] == "unaccepted", "too late is no problem"


async def test_an_event_stream_tells_that_nobody_answered(
    http: aiohttp.ClientSession, duel: QueueStore
):
    red, blue = await enqueued(http, "ann", "al"), await enqueued(http, "bo", "bea")
    async with http.get(f"/v1/tickets/{red}/events", headers=bearer("dev-player:al")) as stream:
        await stream.content.readuntil(b"\n\n")
        await match_of(duel, red, blue)
        await stream.content.readuntil(b"\n\n")
        later_ms = CLOCK.wall_ms() + 60_000
        await close_unanswered(duel, epoch=await lead(duel), now_ms=later_ms)
        rest = (await stream.content.read()).decode()

    last = json.loads(rest.rpartition("data: ")[2])
    assert (last["status"], last["reason"]) == ("CANCELLED", "unanswered")
    assert await duel.ticket_of(PlayerId("ann")) is None
