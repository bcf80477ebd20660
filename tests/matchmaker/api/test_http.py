"""The player API over HTTP, with a director and a handful of rooms behind it."""

import json

import pytest

from core.errors import Invalid
from core.join_token import Verifier
from matchmaker.api.keys import DevKeys
from tests.matchmaker.api.playing import Api, completed, one
from tests.matchmaker.api.serving import CLOCK, MINTER


async def test_two_players_over_http_are_told_where_to_play(api: Api):
    status, ann = await api.ask("POST", "/v1/tickets", key="dev-player:ann", json=one("ann"))
    await api.ask("POST", "/v1/tickets", key="dev-player:bo", json=one("bo"))

    answer = await completed(api, ann["id"], "dev-player:ann")
    assert (status, ann["status"], ann["ver"]) == (201, "QUEUED", 1)
    way = answer["assignment"]
    token = Verifier([MINTER.public_hex()]).verify(
        way["token"], server=way["server"], now_ms=CLOCK.wall_ms()
    )
    assert (token.seat.player, token.seat.match) == ("ann", way["match"])


async def test_events_stream_a_ticket_from_now_to_its_end(api: Api):
    _, ann = await api.ask("POST", "/v1/tickets", key="dev-player:ann", json=one("ann"))
    headers = {"Authorization": "Bearer dev-player:ann"}
    async with api.http.get(f"/v1/tickets/{ann['id']}/events", headers=headers) as stream:
        first = await stream.content.readuntil(b"\n\n")
        await api.ask("POST", "/v1/tickets", key="dev-player:bo", json=one("bo"))
        rest = await stream.content.read()

    assert b'"status":"QUEUED"' in first
    assert b"event: ticket\nid: " in rest
    assert b'"status":"COMPLETED"' in rest
    assert b'"token"' in rest


async def test_a_batch_answers_each_ticket_for_itself(api: Api):
    batch = {"tickets": [one("ann"), one("bo", rating="high"), one("cy")]}
    status, answer = await api.ask("POST", "/v1/tickets/batch", json=batch)

    assert status == 200
    good, wrong, other = answer["results"]
    assert (good["players"], other["players"]) == (["ann"], ["cy"])
    assert wrong["field"] == "$.players[0].rating"
    status, answer = await api.ask("POST", "/v1/tickets/batch", json=batch, key="dev-player:ann")
    assert status == 403


async def test_the_same_idempotency_key_gives_the_same_ticket(api: Api):
    headers = {"Idempotency-Key": "k-1"}
    first = await api.ask("POST", "/v1/tickets", json=one("ann"), headers=headers)
    again = await api.ask("POST", "/v1/tickets", json=one("ann"), headers=headers)
    other = await api.ask("POST", "/v1/tickets", json=one("bo"), headers=headers)

    assert (first[0], again[0], other[0]) == (201, 200, 400)
    assert first[1]["id"] == again[1]["id"]
    assert other[1]["field"] == "Idempotency-Key"


async def test_a_cancel_is_final_and_may_be_repeated(api: Api):
    _, ann = await api.ask("POST", "/v1/tickets", json=one("ann"))
    answers = [await api.ask("DELETE", f"/v1/tickets/{ann['id']}") for _ in range(2)]

    assert [(status, answer["status"]) for status, answer in answers] == [(200, "CANCELLED")] * 2


async def test_a_cancel_after_the_match_is_a_conflict(api: Api):
    _, ann = await api.ask("POST", "/v1/tickets", json=one("ann"))
    await api.ask("POST", "/v1/tickets", json=one("bo"))
    await completed(api, ann["id"], "dev-backend")

    status, problem = await api.ask("DELETE", f"/v1/tickets/{ann['id']}")
    assert (status, problem["status"]) == (409, 409)
    assert "COMPLETED" in problem["detail"]


BAD = {
    "NaN": ('{"queue":"duel","players":[{"id":"a","rating":NaN}]}', 400, "$"),
    "infinity": (
        '{"queue":"duel","players":[{"id":"a","rating":1e999}]}',
        400,
        "$.players[0].rating",
    ),
    "rating out of bounds": (one("a", rating=1e7), 400, "$.players[0].rating"),
    "rating of a wrong type": (one("a", rating="1500"), 400, "$.players[0].rating"),
    "unknown field": ({**one("a"), "team": "red"}, 400, "$"),
    "unknown field of a player": (one("a", mu=25), 400, "$.players[0]"),
    "unknown queue": ({"queue": "chess", "players": [{"id": "a"}]}, 400, "$.queue"),
    "no players": ({"queue": "duel", "players": []}, 400, "$.players"),
    "party above the team size": (
        {"queue": "duel", "players": [{"id": "a"}, {"id": "b"}]},
        400,
        "$.players",
    ),
    "player twice": (
        {"queue": "squad", "players": [{"id": "a"}, {"id": "a"}]},
        400,
        "$.players[1].id",
    ),
    "player id with a colon": (one("a:b"), 400, "$.players[0].id"),
    "player id too long": (one("a" * 65), 400, "$.players[0].id"),
    "not JSON": ("{", 400, "$"),
    "trailing bytes": (json.dumps(one("a")) + "x", 400, "$"),
    "negative wait": ({**one("a"), "wait_s": -1}, 400, "$.wait_s"),
    "oversize body": ('{"queue":"' + "x" * 40_000 + '"}', 413, None),
}


@pytest.mark.parametrize("case", BAD)
async def test_bad_input_names_the_field_and_enqueues_nothing(api: Api, case: str):
    body, status, field = BAD[case]
    data = body if isinstance(body, str) else json.dumps(body)
    answered, problem = await api.ask("POST", "/v1/tickets", data=data)

    assert answered == status
    assert problem["status"] == status
    assert problem["detail"]
    assert problem.get("field") == field
    assert await api.duel.live() == []


async def test_a_second_ticket_of_a_player_is_a_conflict_that_names_the_first(api: Api):
    _, first = await api.ask("POST", "/v1/tickets", json=one("ann"))
    status, problem = await api.ask(
        "POST", "/v1/tickets", json={"queue": "squad", "players": [{"id": "ann"}]}
    )

    assert status == 409
    assert problem["other"] == first["id"]


async def test_keys_are_asked_for_and_others_tickets_do_not_exist(api: Api):
    _, ann = await api.ask("POST", "/v1/tickets", key="dev-player:ann", json=one("ann"))
    path = f"/v1/tickets/{ann['id']}"

    assert (await api.ask("GET", path, key=""))[0] == 401
    assert (await api.ask("GET", path, key="nonsense"))[0] == 401
    for method in ("GET", "DELETE"):
        assert (await api.ask(method, path, key="dev-player:bo"))[0] == 404
    assert (await api.ask("GET", path + "/events", key="dev-player:bo"))[0] == 404
    assert (await api.ask("GET", "/v1/tickets/duel.nothing"))[0] == 404
    assert (await api.ask("GET", "/v1/tickets/nothing"))[0] == 404


async def test_a_player_enlists_others_only_with_their_keys(api: Api):
    party = {"queue": "squad", "players": [{"id": "ann"}, {"id": "bo"}]}
    without = await api.ask("POST", "/v1/tickets", key="dev-player:ann", json=party)
    party["players"][1]["key"] = "dev-player:cy"
    stolen = await api.ask("POST", "/v1/tickets", key="dev-player:ann", json=party)
    party["players"][1]["key"] = "dev-player:bo"
    asked = await api.ask("POST", "/v1/tickets", key="dev-player:ann", json=party)

    assert [without[0], stolen[0], asked[0]] == [403, 403, 201]


async def test_a_players_own_word_on_rating_counts_only_where_the_queue_trusts_it(api: Api):
    for queue, expected in (("duel", 2000.0), ("squad", 1500.0)):
        player = f"p-{queue}"
        body = {"queue": queue, "players": [{"id": player, "rating": 2000}]}
        _, made = await api.ask("POST", "/v1/tickets", key=f"dev-player:{player}", json=body)
        stored = await api.duel.store.call("HGET", f"{{q:all}}:{queue}:ticket:{made['id']}", "body")
        assert json.loads(stored)["mmr"] == expected


async def test_unknown_paths_and_methods_are_problems_too(api: Api):
    status, problem = await api.ask("GET", "/v2/tickets")
    assert (status, problem["status"]) == (404, 404)
    status, problem = await api.ask("PUT", "/v1/tickets")
    assert (status, problem["status"]) == (405, 405)


async def test_machines_find_what_they_look_for(api: Api):
    for path in ("/livez", "/readyz"):
        assert (await api.ask("GET", path))[1]["status"] == "ok"
    _, described = await api.ask("GET", "/openapi.json")
    assert described["openapi"] == "3.1.0"
    assert "/v1/tickets/{ticket}" in described["paths"]
    async with api.http.get("/metrics") as response:
        assert "readyup_matchmaker_tickets_enqueued_total" in await response.text()


def test_development_keys_are_refused_beyond_loopback():
    for host in ("0.0.0.0", "192.168.1.7", "example.org", "::"):  # noqa: S104
        with pytest.raises(Invalid, match="loopback only"):
            DevKeys(host)
    for host in ("127.0.0.1", "localhost", "::1"):
        DevKeys(host)
