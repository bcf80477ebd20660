"""Every route, every role, every way to come: made of the table of routes."""

import re

import pytest
from aiohttp import web

from core.redis import Store
from readyup.operators.roles import Role
from readyup.operators.routes import ROUTES, Route
from tests.readyup.operators.house import EVERYBODY, T1, UID, House, M, served

CHANGES = [route for route in ROUTES if route.is_change()]
VALUES = {
    "uid": UID, "ticket": T1, "match": M, "queue": "duel", "fleet": "arena",
    "operator": "the-viewer", "plan": "cup",
}  # fmt: skip
BODIES = {"planFleet": {"servers": 4}}


def path(route: Route) -> str:
    return re.sub(r"{(\w+)}", lambda found: VALUES[found[1]], route.path)


def named(value: object) -> str | None:
    return value.name if isinstance(value, Route) else None


@pytest.mark.parametrize("route", [one for one in ROUTES if one.role], ids=named)
async def test_a_route_opens_to_its_role_and_those_above_and_to_nobody_else(
    route: Route, store: Store
):
    answers = {}
    async with served(store) as running:
        strangers = {
            "nobody": {},
            "wrong": {"Authorization": "Bearer ruo_wrong"},
            "other": {"Authorization": "Basic cnVvOg=="},
            "cookie": {"Cookie": "readyup_operator=made-up"},
        }
        body = BODIES.get(route.name, {}) if route.body else None
        for name, headers in strangers.items():
            status, problem = await running.client().ask(
                route.method,
                path(route),
                body,
                **{k.replace("-", "_"): v for k, v in headers.items()},
            )
            answers[name] = (status, problem["status"])
        for role in Role:
            answers[role], _ = await running.client(role).ask(route.method, path(route), body)

    assert {answers[name] for name in strangers} == {(401, 401)}
    assert route.role is not None
    for role in Role:
        assert (answers[role] == 403) == (not role.covers(route.role)), role
        assert answers[role] not in (401, 500), role


@pytest.mark.parametrize("route", CHANGES, ids=named)
async def test_a_change_that_was_refused_for_the_role_changes_nothing_and_is_audited(
    route: Route, store: Store
):
    if route.role is Role.VIEWER:
        pytest.skip("everybody may")
    async with served(store) as running:
        await running.house.play()
        before = await running.house.queue.store.call("KEYS", "*")
        await running.client(Role.VIEWER).ask(route.method, path(route), {})
        after = await running.house.queue.store.call("KEYS", "*")
        (record,) = await running.house.audited()

    assert set(after) - set(before) == {"{operators}:audit"}
    assert (record.who, record.what, record.outcome) == ("the-viewer", route.name, "refused")


@pytest.mark.parametrize("route", CHANGES, ids=named)
async def test_every_change_is_in_the_audit_before_it_is_made_and_after(route: Route, store: Store):
    async with served(store) as running:
        await running.house.play()
        status, told = await running.client(Role.ADMIN).ask(
            route.method, path(route), {"reason": "patch day", **BODIES.get(route.name, {})}
        )
        entries = await store.read_stream("{operators}:audit", "0", block_ms=1)
        (record,) = await running.house.audited()

    assert [entry.fields["k"] for entry in entries] == ["intent", "outcome"]
    assert record.outcome == ("done" if status == 200 else "refused")
    assert (record.who, record.role, record.what) == ("the-admin", "admin", route.name)
    assert (record.reason, record.ip, record.how) == ("patch day", "127.0.0.1", "token")
    if status == 200:
        assert told["id"] == record.id
        assert record.target == told["target"]


async def test_every_route_under_the_operators_path_is_in_the_table(store: Store):
    app = web.Application()
    app.add_routes(House(store, EVERYBODY).api.routes())
    there = {
        (route.method, route.resource.canonical)
        for route in app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    }

    assert there - {("GET", "/v1/operator/openapi.json")} == {(r.method, r.path) for r in ROUTES}


@pytest.mark.parametrize(
    "path",
    ["/console/snapshot", "/console/stream", "/console/server/x", "/console/match/x",
     "/console/ticket/x", "/console/promises"],
)  # fmt: skip
async def test_what_the_page_reads_is_for_operators_too(path: str, store: Store):
    async with served(store) as running:
        status, problem = await running.client().ask("GET", path)

    assert (status, problem["status"]) == (401, 401)
