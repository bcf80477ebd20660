"""The two webhooks over HTTP: the stored plan for Agones, the pods for the API server."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from core.ids import FleetName
from core.redis import Store
from core.web import serve_app
from fleets.agones.autoscaler import FRESH_MS, StoredPlans
from fleets.agones.webhooks import webhooks_app
from tests.fleets.agones.samples import agones_pod, pod_fleet


class Hand:
    """A clock that stands still."""

    now_ms = 1_000_000

    def wall_ms(self) -> int:
        return self.now_ms

    def wall_us(self) -> int:
        return self.now_ms * 1000

    def elapsed_s(self) -> float:
        return self.now_ms / 1000


CLOCK = Hand()


@pytest.fixture
async def http(store: Store) -> AsyncIterator[aiohttp.ClientSession]:
    plans = StoredPlans([pod_fleet(size_min=2)], store, CLOCK, namespace="games")
    async with (
        serve_app(webhooks_app(plans)) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
    ):
        yield session


async def asked(http, fleet="arena", namespace="games"):
    status = {"replicas": 7, "readyReplicas": 1, "reservedReplicas": 0, "allocatedReplicas": 6}
    request = {"uid": "q-1", "name": fleet, "namespace": namespace, "status": status}
    body = {"request": request, "response": None}
    async with http.post("/v1/webhooks/fleets", json=body) as answer:
        return answer.status, await answer.json()


async def planned(store: Store, replicas: int, *, age_ms: int = 0) -> None:
    key = "{f:arena}:plan"
    await store.call("HSET", key, "replicas", replicas, "t", CLOCK.now_ms - age_ms)


async def test_the_stored_plan_is_the_answer_however_often_it_is_asked(http, store):
    await planned(store, 11)

    first, second = await asked(http), await asked(http)

    assert first == second
    assert first[0] == 200
    assert first[1]["response"] == {"uid": "q-1", "scale": True, "replicas": 11}


async def test_every_replica_gives_the_same_answer(store, valkey_url):
    await planned(store, 11)
    elsewhere = await Store.connect(valkey_url)
    replicas = [StoredPlans([pod_fleet(size_min=2)], one, CLOCK) for one in (store, elsewhere)]
    try:
        sizes = [await one.size(FleetName("arena")) for one in replicas]
    finally:
        await elsewhere.aclose()

    assert sizes == [11, 11]


@pytest.mark.parametrize(("plan", "told"), [(0, 2), (5000, 100)])
async def test_a_plan_outside_the_fleets_limits_is_kept_within(http, store, plan, told):
    await planned(store, plan)

    assert (await asked(http))[1]["response"]["replicas"] == told


async def test_what_is_in_use_bounds_the_answer_as_it_bounds_the_plan(http, store):
    await planned(store, 150)
    await store.call("HSET", "{f:arena}:plan", "in_use", 130)

    assert (await asked(http))[1]["response"]["replicas"] == 130


async def test_without_a_fresh_plan_the_chain_goes_on(http, store):
    none = await asked(http)
    await planned(store, 11, age_ms=FRESH_MS + 1)
    old = await asked(http)

    assert none[0] == old[0] == 503
    assert "no plan yet" in none[1]["detail"]
    assert "60 s old" in old[1]["detail"]


async def test_fleets_that_are_not_ours_are_not_scaled(http, store):
    await planned(store, 11)

    assert (await asked(http, fleet="other"))[0] == 404
    assert (await asked(http, namespace="elsewhere"))[0] == 404


async def test_a_pod_is_admitted_over_http(http):
    body = {"kind": "AdmissionReview", "request": {"uid": "r-1", "object": agones_pod()}}

    async with http.post("/v1/webhooks/pods", json=body) as answer:
        told = await answer.json()

    assert answer.status == 200
    assert told["response"]["allowed"] is True
    assert told["response"]["patchType"] == "JSONPatch"


async def test_it_says_that_it_lives(http):
    async with http.get("/livez") as answer:
        assert answer.status == 200
