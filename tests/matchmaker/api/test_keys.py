"""Whose key is whose: back ends, development keys where they may be, and a key that ends."""

import json
from collections.abc import AsyncIterator

import aiohttp
import pytest

from core.errors import Invalid, Unauthorized
from core.ids import FleetName, QueueName
from core.redis import Store
from matchmaker.api.jwt_keys import LEEWAY_S, JwtKeys
from matchmaker.api.keys import BackendKeys, DevKeys, KeyRing, Principal, key_sha256
from matchmaker.api.settings import Backend
from matchmaker.rules.model import Rules
from matchmaker.settings import QueueSettings
from matchmaker.store import QueueStore
from tests.matchmaker.api.issuer import NOW_MS, Hands, Provider, provider
from tests.matchmaker.api.serving import served, service_of

SHOP = "rub_a-key-of-the-shop"
BACKENDS = BackendKeys((Backend("shop", key_sha256(SHOP)),))


async def test_a_back_end_is_known_by_the_hash_of_its_key():
    assert await BACKENDS.principal(SHOP) == Principal("backend", "shop")
    for wrong in ("rub_", "rub_a-key-of-the-shoq", key_sha256(SHOP), "rub_\udcff"):
        with pytest.raises(Unauthorized):
            await BACKENDS.principal(wrong)


async def test_a_key_is_judged_by_its_own_kind_alone():
    ring = KeyRing({"dev-": DevKeys("127.0.0.1"), "rub_": BACKENDS})

    assert (await ring.principal("dev-player:ann")).name == "ann"
    assert (await ring.principal(SHOP)).is_backend()
    for wrong in ("dev-backend ", "dev-player:a b", "rub_dev-backend", "", "dev"):
        with pytest.raises(Unauthorized):
            await ring.principal(wrong)


async def test_development_keys_are_none_where_they_are_not_asked_for():
    ring = KeyRing({"rub_": BACKENDS})

    for wrong in ("dev-backend", "dev-player:ann"):
        with pytest.raises(Unauthorized):
            await ring.principal(wrong)


def test_development_keys_are_refused_in_a_pod():
    with pytest.raises(Invalid, match="do not work in Kubernetes"):
        DevKeys("127.0.0.1", environ={"KUBERNETES_SERVICE_HOST": "10.0.0.1"})
    DevKeys("127.0.0.1", environ={"HOME": "/"})


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
async def issuer() -> AsyncIterator[Provider]:
    async with provider() as made:
        yield made


@pytest.fixture
async def api(store: Store, issuer: Provider, clock: Hands) -> AsyncIterator[aiohttp.ClientSession]:
    """The player API with tokens and back ends, and no development keys."""
    queue = QueueSettings(QueueName("duel"), Rules(("red", "blue"), 2), FleetName("arena"))
    keys = KeyRing({"rub_": BACKENDS, "": JwtKeys([issuer.issuer()], clock)})
    service = service_of(store, {"duel": QueueStore(store, queue)}, clock=clock, keys=keys)
    async with served(service) as http:
        yield http


async def ask(api: aiohttp.ClientSession, key: str, *players: dict) -> tuple[int, dict]:
    async with api.post(
        "/v1/tickets",
        json={"queue": "duel", "players": list(players)},
        headers={"Authorization": f"Bearer {key}"},
    ) as answer:
        return answer.status, json.loads(await answer.read())


async def test_a_party_is_enlisted_with_every_members_token(
    api: aiohttp.ClientSession, issuer: Provider
):
    ann, bo = issuer.token(), issuer.token(sub="bo")
    without = await ask(api, ann, {"id": "ann"}, {"id": "bo"})
    stolen = await ask(api, ann, {"id": "ann"}, {"id": "bo", "key": ann})
    expired = await ask(api, ann, {"id": "ann"}, {"id": "bo", "key": issuer.token(sub="bo", exp=1)})
    a_shop = await ask(api, ann, {"id": "ann"}, {"id": "bo", "key": SHOP})
    asked = await ask(api, ann, {"id": "ann"}, {"id": "bo", "key": bo})

    statuses = [answer[0] for answer in (without, stolen, expired, a_shop, asked)]
    assert statuses == [403, 403, 401, 403, 201]


async def test_a_back_end_enlists_anybody_and_owns_what_it_asked_for(
    api: aiohttp.ClientSession, issuer: Provider
):
    status, made = await ask(api, SHOP, {"id": "cy"}, {"id": "di"})
    path = f"/v1/tickets/{made['id']}"
    seen = {}
    for name, key in (("shop", SHOP), ("cy", issuer.token(sub="cy")), ("ann", issuer.token())):
        async with api.get(path, headers={"Authorization": f"Bearer {key}"}) as answer:
            seen[name] = answer.status

    assert (status, seen) == (201, {"shop": 200, "cy": 200, "ann": 404})


async def test_an_issuer_that_is_away_is_told_as_a_machines_fault(
    api: aiohttp.ClientSession, issuer: Provider
):
    issuer.status = 500
    status, problem = await ask(api, issuer.token(), {"id": "ann"})

    assert (status, problem["type"]) == (503, "urn:readyup:problem:unreachable")


async def test_a_socket_ends_with_its_token(
    api: aiohttp.ClientSession, issuer: Provider, clock: Hands
):
    clock.s = 600 + LEEWAY_S - 0.05  # the token's last moments
    headers = {"Authorization": f"Bearer {issuer.token(exp=NOW_MS // 1000 + 600)}"}
    async with api.ws_connect("/v1/connect", headers=headers) as ws:
        hello = await ws.receive_json()
        clock.s += 0.05
        end = await ws.receive()

    assert hello["player"] == "ann"
    assert (end.type, end.data) == (aiohttp.WSMsgType.CLOSE, 4401)
    assert "expired" in end.extra
