"""Bad input: refused with its place, whatever it is, and never with a 500."""

import json
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from core.redis import Store
from readyup.operators import shapes
from readyup.operators.openapi import openapi
from readyup.operators.roles import Role
from readyup.operators.routes import ROUTES
from tests.readyup.operators.house import T1, UID, M, served

BODIES = [
    (b"", 400), (b"{", 400), (b"[]", 400), (b"null", 400), (b'{"reason":1}', 400),
    (b'{"reason":"%s"}' % (b"x" * 201), 400), (b'{"why":"x"}', 400), (b'{"reason":"\xff"}', 400),
    (b"[" * 20_000, 400), (b'{"reason":"' + b"x" * 40_000 + b'"}', 413),
]  # fmt: skip
QUERIES = ["limit=0", "limit=501", "limit=x", "limit=%00", "limit=²", "before=x", "before=1-",
           "before=-1", "before=(1-1", "limit=" + "9" * 5000,
           "before=" + "1" * 30 + "-1"]  # fmt: skip


@pytest.mark.parametrize(("body", "status"), BODIES)
async def test_a_wrong_body_is_refused_and_changes_nothing(store: Store, body: bytes, status: int):
    async with served(store) as running:
        client = running.client(Role.ADMIN)
        async with running.http.post(
            "/v1/operator/queues/duel/pause",
            data=body,
            headers=client.headers | {"Content-Type": "application/json"},
        ) as answer:
            problem = await answer.json(content_type=None)
        pause = await running.house.queue.pause.get()

    assert (answer.status, problem["status"]) == (status, status)
    assert answer.content_type == "application/problem+json"
    assert pause is None


@pytest.mark.parametrize("query", QUERIES)
async def test_a_wrong_page_of_the_audit_is_refused(store: Store, query: str):
    async with served(store) as running:
        status, problem = await running.client(Role.VIEWER).get(f"/audit?{query}")

    assert (status, problem["field"]) in [(400, "limit"), (400, "before")]


async def test_names_of_nothing_are_not_found_and_the_audit_takes_them(store: Store):
    paths = [one.path for one in ROUTES if "{" in one.path and one.is_change()]

    async with served(store) as running:
        client = running.client(Role.ADMIN)

        @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.sampled_from(paths), st.text(min_size=1, max_size=300))
        def names(path: str, name: str) -> None:
            head, tail = path[: path.index("{")], path[path.index("}") + 1 :]
            asked.append(head + quote(name, safe="") + tail)

        asked: list[str] = []
        names()
        for path in asked:
            body = {"servers": 4} if path.endswith("/plans/{plan}") else {}
            status, _ = await client.ask("POST", path, body)
            assert status in (404, 405), path
        _, audit = await client.get("/audit?limit=500")

    assert all(len(one["target"]) <= 128 for one in audit["records"])
    assert {one["outcome"] for one in audit["records"]} == {"refused"}


async def test_answers_are_what_the_description_says(store: Store):
    async with served(store) as running:
        await running.house.play()
        await running.house.feed.poll()
        client, found = running.client(Role.ADMIN), {}
        for route in ROUTES:
            if route.method == "GET":
                path = route.path.format(ticket=T1, match=M, fleet="arena", uid=UID)
                status, body = await client.ask("GET", path)
                if status == 200:
                    found[route.name] = msgspec.convert(body, route.answer)
        _, told = await running.client().ask("GET", "/v1/operator/openapi.json")

    assert {"readTicket", "readMatch", "readSession", "listQueues", "listServers"} <= found.keys()
    assert [plan.fixed for plan in found["listPlans"].plans] == [True]
    assert isinstance(found["whoAmI"], shapes.MeOut)
    assert told == json.loads(json.dumps(openapi()))
    operations = [one for path in told["paths"].values() for one in path.values()]
    assert sorted(one["operationId"] for one in operations) == sorted(one.name for one in ROUTES)
