"""The player API over real sockets, with a director and a handful of rooms behind it."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from prometheus_client import CollectorRegistry

from core.clock import SystemClock
from core.dice import unguessable
from core.errors import Invalid
from core.ids import FleetName, PlayerId, QueueName
from core.join_token import Minter, Verifier
from core.placement import Placement
from core.redis import Store
from matchmaker.api.keys import DevKeys
from matchmaker.api.service import PlayerService
from matchmaker.director import Director
from matchmaker.metrics import MatchmakerMetrics
from matchmaker.ports import PlayerSession
from matchmaker.rules.model import RatingWindow, Rules
from matchmaker.settings import QueueSettings
from matchmaker.store import QueueStore
from tests.matchmaker.api.wide import wide_gate
from tests.matchmaker.rooms import FewRooms

CLOCK = SystemClock()
MINTER = Minter(Ed25519PrivateKey.generate())


class KnownSessions:
    """Sessions that a test put there."""

    def __init__(self) -> None:
        self.of: dict[str, PlayerSession] = {}

    async def session_of(self, player: PlayerId) -> PlayerSession | None:
        return self.of.get(player)


@dataclass
class Api:
    http: aiohttp.ClientSession
    rooms: FewRooms
    sessions: KnownSessions
    duel: QueueStore

    async def ask(self, method: str, path: str, *, key: str = "dev-backend", **more):
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        headers.update(more.pop("headers", {}))
        async with self.http.request(method, path, headers=headers, **more) as response:
            return response.status, json.loads(await response.read())

    def connect(self, player: str):
        headers = {"Authorization": f"Bearer dev-player:{player}"}
        return self.http.ws_connect("/v1/connect", headers=headers)


@pytest.fixture
async def api(store: Store) -> AsyncIterator[Api]:
    wide = RatingWindow(start=3000, end=3000)
    queues = {
        name: QueueStore(
            store,
            QueueSettings(
                QueueName(name),
                Rules(("red", "blue"), size, wide),
                FleetName("arena"),
                group="all",
                trust_player_attributes=name == "duel",
            ),
        )
        for name, size in (("duel", 1), ("squad", 5))
    }
    rooms, sessions = FewRooms(3), KnownSessions()
    service = PlayerService(
        queues,
        sessions,
        store,
        keys=DevKeys("127.0.0.1"),
        minter=MINTER,
        clock=CLOCK,
        chance=unguessable(),
        gate=wide_gate(CLOCK),
    )
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for name, queue in queues.items():
            director = Director(
                queue,
                rooms,
                holder=f"d-{name}",
                clock=CLOCK,
                chance=unguessable(),
                metrics=MatchmakerMetrics(CollectorRegistry()),
            )
            group.create_task(director.run(stop))
        async with (
            service.serving(host="127.0.0.1", port=0) as port,
            aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http,
        ):
            yield Api(http, rooms, sessions, queues["duel"])
        stop.set()


def one(player: str, **more) -> dict:
    return {"queue": "duel", "players": [{"id": player, **more}]}


async def frame(ws, kind: str) -> dict:
    async with asyncio.timeout(5):
        while True:
            message = await ws.receive_json()
            if message["type"] == kind:
                return message


async def completed(api: Api, ticket: str, key: str) -> dict:
    async with asyncio.timeout(5):
        while True:
            _, answer = await api.ask("GET", f"/v1/tickets/{ticket}", key=key)
            if answer["status"] == "COMPLETED":
                return answer
            await asyncio.sleep(0.005)


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


async def test_two_players_over_sockets_are_told_at_once(api: Api):
    async with api.connect("ann") as ann, api.connect("bo") as bo:
        hello = await frame(ann, "hello")
        for ws in (ann, bo):
            await ws.send_json({"type": "enqueue", "queue": "duel", "rating": 1500})
        queued = await frame(ann, "ticket")
        hers, his = await frame(ann, "assignment"), await frame(bo, "assignment")

    assert (hello["player"], hello["ticket"], hello["session"]) == ("ann", None, None)
    assert hers["ticket"]["id"] == queued["ticket"]["id"]
    assert hers["ticket"]["ver"] > queued["ticket"]["ver"]
    assert hers["assignment"]["match"] == his["assignment"]["match"]
    assert hers["assignment"]["token"] != his["assignment"]["token"]


async def test_every_connected_member_of_a_party_is_told(api: Api):
    async with api.connect("ann") as ann, api.connect("bo") as bo:
        members = [{"id": n, "key": f"dev-player:{n}"} for n in ("bo", "cy", "di", "ed")]
        await ann.send_json({"type": "enqueue", "queue": "squad", "party": members})
        queued = await frame(bo, "ticket")
        players = [{"id": f"x{n}"} for n in range(5)]
        await api.ask("POST", "/v1/tickets", json={"queue": "squad", "players": players})
        hers, his = await frame(ann, "assignment"), await frame(bo, "assignment")

    assert queued["ticket"]["status"] == "QUEUED"
    assert hers["assignment"]["team"] == his["assignment"]["team"]
    assert hers["assignment"]["seat"] != his["assignment"]["seat"]


async def test_a_socket_can_cancel_and_queue_again(api: Api):
    async with api.connect("ann") as ws:
        await ws.send_json({"type": "enqueue", "queue": "duel"})
        first = await frame(ws, "ticket")
        await ws.send_json({"type": "cancel"})
        cancelled = await frame(ws, "ticket")
        await ws.send_json({"type": "enqueue", "queue": "duel"})
        while (again := await frame(ws, "ticket"))["ticket"]["status"] != "QUEUED":
            pass

    assert cancelled["ticket"]["status"] == "CANCELLED"
    assert again["ticket"]["id"] != first["ticket"]["id"]


async def test_a_match_in_line_is_told_and_so_is_going_back_when_another_cancels(api: Api):
    api.rooms.free.clear()
    async with api.connect("ann") as ann, api.connect("bo") as bo:
        for ws in (ann, bo):
            await ws.send_json({"type": "enqueue", "queue": "duel"})
        told = [(await frame(ann, "ticket"))["ticket"] for _ in range(2)]
        await bo.send_json({"type": "cancel"})
        told.append((await frame(ann, "ticket"))["ticket"])

    assert [ticket["status"] for ticket in told] == ["QUEUED", "PLACING", "QUEUED"]
    assert [ticket["ver"] for ticket in told] == [1, 2, 3]


async def test_who_connects_again_learns_of_the_ticket_they_wait_with(api: Api):
    async with api.connect("ann") as ws:
        await ws.send_json({"type": "enqueue", "queue": "duel"})
        queued = await frame(ws, "ticket")
    async with api.connect("ann") as ws:
        hello = await frame(ws, "hello")

    assert hello["ticket"]["id"] == queued["ticket"]["id"]


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


async def test_a_player_who_dropped_is_led_back_with_a_fresh_token(api: Api):
    async with api.connect("ann") as ann, api.connect("bo") as bo:
        for ws in (ann, bo):
            await ws.send_json({"type": "enqueue", "queue": "duel"})
        way = (await frame(ann, "assignment"))["assignment"]
    match, room = next(iter(api.rooms.held.items()))
    placement = Placement(
        match, FleetName("arena"), way["server"], room, way["address"], way["port"], 1
    )
    api.sessions.of["ann"] = PlayerSession(match, "active", placement)

    status, back = await api.ask("GET", "/v1/players/ann/session", key="dev-player:ann")
    assert status == 200
    assert back["assignment"]["match"] == way["match"]
    assert back["assignment"]["ticket"] == way["ticket"]
    assert back["assignment"]["token"] != way["token"]
    assert (await api.ask("GET", "/v1/players/ann/session", key="dev-player:bo"))[0] == 404
    assert (await api.ask("GET", "/v1/players/bo/session"))[0] == 404


async def test_a_player_whose_match_is_being_moved_is_asked_to_wait_and_not_sent_home(api: Api):
    async with api.connect("ann") as ann, api.connect("bo") as bo:
        for ws in (ann, bo):
            await ws.send_json({"type": "enqueue", "queue": "duel"})
        await frame(ann, "assignment")
    match = next(iter(api.rooms.held))
    api.sessions.of["ann"] = PlayerSession(match, "pending", None)

    status, answer = await api.ask("GET", "/v1/players/ann/session", key="dev-player:ann")
    async with api.connect("ann") as ann:
        hello = await frame(ann, "hello")

    assert (status, "being moved" in answer["detail"]) == (503, True)
    assert hello["session"] == match


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


async def test_bad_frames_are_answered_and_the_socket_goes_on(api: Api):
    async with api.connect("ann") as ws:
        for bad in ("{", '{"type":"dance"}', '{"type":"enqueue","queue":"chess"}'):
            await ws.send_str(bad)
            problem = (await frame(ws, "problem"))["problem"]
            assert problem["status"] == 400
        await ws.send_json({"type": "heartbeat"})
        await frame(ws, "heartbeat")


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
