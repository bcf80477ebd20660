"""Servers that register themselves: the key opens, registering again keeps, silence lets go."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest
from aiohttp import web

from core.clock import SystemClock
from core.game_server import State
from core.ids import FleetName, ServerUid
from core.redis import Store
from core.web import serve_app
from fleets.own import CLAIM_LABEL, LAPSES_MS, PATH, OwnFleet, OwnServers, own_routes

KEY = "rus_workshop"
WORKSHOP = OwnFleet(FleetName("workshop"), hashlib.sha256(KEY.encode()).hexdigest())
UID = "a" * 32


class SetClock(SystemClock):
    now_ms = 1_700_000_000_000

    def wall_ms(self) -> int:
        return self.now_ms


@dataclass
class Shop:
    servers: OwnServers
    clock: SetClock
    http: aiohttp.ClientSession

    async def register(self, *, key: str = KEY, **changes) -> tuple[int, dict]:
        body = {
            "fleet": "workshop",
            "name": "anns-laptop",
            "uid": UID,
            "address": "127.0.0.1",
            "port": 7300,
            "public_key": "b" * 64,
        } | changes
        headers = {"Authorization": f"Bearer {key}"}
        async with self.http.post(PATH, json=body, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)


@pytest.fixture
async def shop(store: Store) -> AsyncIterator[Shop]:
    clock = SetClock()
    servers = OwnServers(store, WORKSHOP, clock)
    app = web.Application()
    app.add_subapp(PATH, own_routes({WORKSHOP.name: servers}))
    async with (
        serve_app(app) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http,
    ):
        yield Shop(servers, clock, http)


async def test_a_server_that_registers_is_taken_at_once(shop: Shop):
    status, _ = await shop.register(rooms=2)

    (view,) = await shop.servers.running()
    assert status == 200
    assert (view.state, view.rooms, view.port) == (State.ALLOCATED, 2, 7300)
    assert CLAIM_LABEL in view.labels
    assert await shop.servers.find("anns-laptop", ServerUid(UID)) == view
    assert await shop.servers.find("anns-laptop", ServerUid("c" * 32)) is None


async def test_registering_again_keeps_it_and_silence_lets_it_go(shop: Shop):
    await shop.register()
    shop.clock.now_ms += LAPSES_MS - 1
    await shop.register()
    shop.clock.now_ms += LAPSES_MS - 1
    assert len(await shop.servers.running()) == 1

    shop.clock.now_ms += 1
    assert await shop.servers.running() == []


async def test_a_server_is_let_go_though_the_store_forgot_when_it_was_heard_last(
    shop: Shop, store: Store
):
    await shop.register()
    await store.call("ZREM", "{f:workshop}:own", "anns-laptop")

    assert await shop.servers.running() == []
    assert await shop.servers.find("anns-laptop", ServerUid(UID)) is None


async def test_a_restarted_server_takes_the_place_of_its_former_life(shop: Shop):
    await shop.register()
    await shop.register(uid="c" * 32)

    (view,) = await shop.servers.running()
    assert view.uid == "c" * 32


async def test_a_server_may_leave(shop: Shop):
    await shop.register()
    headers = {"Authorization": f"Bearer {KEY}"}
    for _ in range(2):
        async with shop.http.delete(f"{PATH}/workshop/{UID}", headers=headers) as answer:
            assert answer.status == 204

    assert await shop.servers.running() == []


async def test_another_key_another_fleet_and_no_key_open_nothing(shop: Shop):
    assert (await shop.register(key="guess"))[0] == 401
    assert (await shop.register(fleet="arena"))[0] == 404
    async with shop.http.post(PATH, json={}) as answer:
        assert answer.status == 400

    assert await shop.servers.running() == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"port": 0}, "$.port"),
        ({"uid": "short"}, "$.uid"),
        ({"name": "../up"}, "$.name"),
        ({"rooms": 5000}, "$.rooms"),
        ({"colour": "red"}, "$"),
    ],
)
async def test_what_is_wrong_is_named(shop: Shop, change: dict, field: str):
    status, problem = await shop.register(**change)

    assert (status, problem["field"]) == (400, field)
