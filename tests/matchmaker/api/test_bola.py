"""Every route with another player's key: what is somebody's own does not exist for others.

The routes come from the application itself, so one that is added later is asked too.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from unittest.mock import Mock

import aiohttp
import pytest
from aiohttp import web

from core.ids import FleetName, MatchId, PlayerId, QueueName, RoomId, ServerUid
from core.placement import Placement
from core.redis import Store
from matchmaker.api.http import PlayerApi
from matchmaker.api.limits import Gate
from matchmaker.ports import PlayerSession
from matchmaker.rules.model import Rules
from matchmaker.settings import QueueSettings
from matchmaker.store import QueueStore
from tests.matchmaker.api.serving import CLOCK, WIDE, served, service_of

MATCH = MatchId("duel." + "0" * 32)
OPEN = {"/openapi.json", "/livez", "/readyz", "/metrics"}
"""For machines, without a key; none of them names a player or a ticket."""

OWN = {"/v1/connect"}
"""Has no id in it: whose socket it is, the key alone says."""


class AnnsSession:
    """Ann plays, and only she."""

    async def session_of(self, player: PlayerId) -> PlayerSession | None:
        if player != "ann":
            return None
        server = ServerUid("s1")
        room = RoomId("s1/0")
        placement = Placement(MATCH, FleetName("arena"), server, room, "127.0.0.1", 7000, 1)
        return PlayerSession(MATCH, "active", placement)


@dataclass
class Asked:
    """One route, with Ann's ids in its path and a body that names her."""

    method: str
    path: str
    body: bytes


def app() -> web.Application:
    """The routes alone; nobody answers."""
    api = object.__new__(PlayerApi)
    api._desk = Mock()
    for part in ("_outbox", "_presence", "_draining", "_admission"):
        setattr(api, part, None)
    api._gate = Gate(WIDE, CLOCK)
    return api.app()


def routes() -> list[tuple[str, str]]:
    """Method and path of each that needs a key; "*" only tells which methods there are."""
    found = {
        (route.method, route.resource.canonical)
        for route in app().router.routes()
        if route.resource is not None and route.method not in ("HEAD", "*")
    }
    return sorted((method, path) for method, path in found if path not in OPEN)


def filled(method: str, path: str, ticket: str) -> Asked:
    body = b""
    one = {"queue": "duel", "players": [{"id": "ann"}]}
    if path == "/v1/tickets":
        body = json.dumps(one).encode()
    elif path == "/v1/tickets/batch":
        body = json.dumps({"tickets": [one]}).encode()
    elif path.endswith("/acceptance"):
        body = json.dumps({"match": "duel.m1", "accept": True}).encode()
    elif path.endswith("/backfill") and method == "POST":
        body = json.dumps({"open": {"red": 1}, "gone": ["ann"]}).encode()
    ids = {"ticket": ticket, "player": "ann", "queue": "duel", "match": MATCH}
    return Asked(method, path.format(**ids), body)


@dataclass
class Api:
    http: aiohttp.ClientSession
    ticket: str
    queue: QueueStore

    async def ask(self, asked: Asked, key: str) -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        async with self.http.request(
            asked.method, asked.path, data=asked.body or None, headers=headers
        ) as answer:
            return answer.status, await answer.text()


@pytest.fixture
async def api(store: Store) -> AsyncIterator[Api]:
    """The player API; Ann waits and has a running match."""
    queue = QueueStore(
        store, QueueSettings(QueueName("duel"), Rules(("red", "blue"), 2), FleetName("arena"))
    )
    async with served(service_of(store, {"duel": queue}, AnnsSession())) as http:
        made = Api(http, "", queue)
        status, said = await made.ask(filled("POST", "/v1/tickets", ""), "dev-player:ann")
        assert status == 201
        made.ticket = json.loads(said)["id"]
        yield made


@pytest.mark.parametrize(("method", "path"), routes(), ids=str)
async def test_a_stranger_gets_nothing_of_anns(api: Api, method: str, path: str):
    if path in OWN:
        return
    status, said = await api.ask(filled(method, path, api.ticket), "dev-player:bo")
    nobody, said_nobody = await api.ask(filled(method, path, "duel." + "f" * 32), "dev-player:bo")

    assert status in (403, 404)
    assert (status, said) == (nobody, said_nobody), (
        "an id that exists is told from one that does not"
    )
    for secret in (api.ticket, "s1", "7000", "token"):
        assert secret not in said
    record = await api.queue.ticket(api.ticket)
    assert record is not None
    assert (record.status, record.ver) == ("QUEUED", 1)


@pytest.mark.parametrize(("method", "path"), routes(), ids=str)
@pytest.mark.parametrize("key", ["", "dev-player:", "ann", "rub_x"])
async def test_nothing_opens_without_a_key(api: Api, method: str, path: str, key: str):
    status, _ = await api.ask(filled(method, path, api.ticket), key)

    assert status == 401


async def test_another_back_end_is_a_stranger_too(api: Api):
    asked = [filled(method, "/v1/tickets/{ticket}", api.ticket) for method in ("GET", "DELETE")]

    assert [(await api.ask(one, "dev-backend"))[0] for one in asked] == [404, 404]


def test_what_needs_no_key_is_known():
    """A new route needs a key, or a word here why not."""
    every = {
        route.resource.canonical for route in app().router.routes() if route.resource is not None
    }

    assert every - {path for _, path in routes()} == OPEN
