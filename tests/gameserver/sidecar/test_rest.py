"""REST as Agones' gateway speaks it, asked over real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from yarl import URL

from core.game_server import ServerView, State
from core.ids import FleetName, ServerUid
from gameserver.sidecar.counts import Counter, Names
from gameserver.sidecar.endpoint import SdkPorts
from gameserver.sidecar.servers import SdkServers
from gameserver.sidecar.state import Detail

UID = ServerUid("u1")
DETAIL = Detail({"rooms": Counter(1, 10)}, {"players": Names(("a", "b"), 3)})
ROOMS, PLAYERS = "/v1beta1/counters/rooms", "/v1beta1/lists/players"


class Rest:
    """A bare client of one server, as any language has it."""

    def __init__(self, http: aiohttp.ClientSession, servers: SdkServers, ports: SdkPorts) -> None:
        self.http, self.servers = http, servers
        self.base = f"http://127.0.0.1:{ports.http}"

    async def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        url = URL(self.base + path, encoded=True)
        async with self.http.request(method, url, data=None if body is None else data) as answer:
            if answer.content_type != "application/json":
                return answer.status, await answer.text()
            assert answer.headers["Content-Type"] == "application/json"
            return answer.status, await answer.json()


@pytest.fixture
async def rest(request: pytest.FixtureRequest) -> AsyncIterator[Rest]:
    view = ServerView(
        "arena-1",
        UID,
        FleetName("arena"),
        State.SCHEDULED,
        address="127.0.0.1",
        port=7000,
        created_ms=1_700_000_000_123,
    )
    async with (
        asyncio.timeout(20),
        SdkServers(strict=getattr(request, "param", False)) as servers,
        aiohttp.ClientSession() as http,
    ):
        yield Rest(http, servers, await servers.create(view, detail=DETAIL))


strictly = pytest.mark.parametrize("rest", [True], indirect=True)


async def test_the_whole_game_server_is_told_with_every_field(rest):
    assert await rest.ask("GET", "/gameserver") == (
        200,
        {
            "object_meta": {
                "name": "arena-1",
                "namespace": "default",
                "uid": "u1",
                "resource_version": "1",
                "generation": "1",
                "creation_timestamp": "1700000000",
                "deletion_timestamp": "0",
                "annotations": {},
                "labels": {"agones.dev/fleet": "arena"},
            },
            "spec": {
                "health": {
                    "disabled": False,
                    "period_seconds": 5,
                    "failure_threshold": 3,
                    "initial_delay_seconds": 5,
                }
            },
            "status": {
                "state": "Scheduled",
                "address": "127.0.0.1",
                "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
                "ports": [{"name": "default", "port": 7000}],
                "players": None,
                "counters": {"rooms": {"count": "1", "capacity": "10"}},
                "lists": {"players": {"capacity": "3", "values": ["a", "b"]}},
            },
        },
    )


@pytest.mark.parametrize(
    ("path", "body", "state"),
    [
        ("/ready", {}, State.READY),
        ("/ready", None, State.READY),
        ("/allocate", {"nobody": "knows this"}, State.ALLOCATED),
        ("/reserve", {"seconds": "5"}, State.RESERVED),
        ("/reserve", {"seconds": 5}, State.RESERVED),
        ("/reserve", b"{} and what stands behind it", State.RESERVED),
        ("/shutdown", {}, State.SHUTDOWN),
    ],
)
async def test_a_step_in_life(rest, path, body, state):
    assert await rest.ask("POST", path, body) == (200, {})
    assert rest.servers.get(UID).state is state


async def test_labels_and_annotations_get_agones_prefix(rest):
    for kind in ("label", "annotation"):
        assert await rest.ask("PUT", f"/metadata/{kind}", {"key": "a", "value": "b"}) == (200, {})

    assert rest.servers.get(UID).labels == {"agones.dev/sdk-a": "b"}
    assert rest.servers.get(UID).annotations == {"agones.dev/sdk-a": "b"}


async def test_health_takes_one_ping_or_many_and_refuses_an_empty_body(rest):
    assert await rest.ask("POST", "/health", {}) == (200, {})
    assert await rest.ask("POST", "/health", b"{}\n{}") == (200, {})
    assert await rest.ask("POST", "/health") == (400, "")


@pytest.mark.parametrize(
    ("method", "path", "status", "code", "message"),
    [
        ("GET", "/nowhere", 404, 5, "Not Found"),
        ("GET", "/gameserver/", 404, 5, "Not Found"),
        ("GET", "/ready", 501, 12, "Method Not Allowed"),
        ("DELETE", ROOMS, 501, 12, "Method Not Allowed"),
    ],
)
async def test_an_unknown_path_and_method(rest, method, path, status, code, message):
    told = await rest.ask(method, path)

    assert told == (status, {"code": code, "message": message, "details": []})


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/reserve", {"seconds": "soon"}),
        ("POST", "/reserve", {"seconds": 2**63}),
        ("POST", "/reserve", b"[1]"),
        ("POST", "/reserve", b"{"),
        ("POST", "/reserve", b"\xff"),
        ("PUT", "/metadata/label", {"key": 1}),
        ("PUT", "/metadata/label", {"key": "map", "value": "no label!"}),
        ("PATCH", ROOMS, {"count": "many"}),
        ("PATCH", PLAYERS, {"color": "red"}),
        ("POST", "/health", b"x"),
    ],
)
async def test_what_cannot_be_read_is_the_callers_fault(rest, method, path, body):
    status, told = await rest.ask(method, path, body)

    assert (status, told["code"], told["details"]) == (400, 3, [])
    assert rest.servers.get(UID).state is State.SCHEDULED


async def test_counters_as_agones_own_test_client_expects_them(rest):
    assert await rest.ask("GET", "/v1beta1/counters/ro%6Fms") == (
        200,
        {"name": "rooms", "count": "1", "capacity": "10"},
    )
    for body, count in (
        ({"countDiff": "-1", "capacity": "42"}, "0"),
        ({"count": "40", "capacity": "42"}, "40"),
        ({"count": None, "countDiff": 1, "name": "another"}, "41"),
    ):
        told = await rest.ask("PATCH", ROOMS, body)
        assert told == (200, {"name": "rooms", "count": count, "capacity": "42"})


async def test_lists_as_agones_own_test_client_expects_them(rest):
    for method, path, body, values in (
        ("PATCH", PLAYERS, {"values": ["x", "y"], "capacity": "10"}, ["x", "y"]),
        ("POST", PLAYERS + ":addValue", {"value": "z"}, ["x", "y", "z"]),
        ("POST", PLAYERS + ":removeValue", {"value": "y"}, ["x", "z"]),
        ("PATCH", PLAYERS, {"capacity": 10}, ["x", "z"]),
        ("GET", PLAYERS, None, ["x", "z"]),
    ):
        told = await rest.ask(method, path, body)
        assert told == (200, {"name": "players", "capacity": "10", "values": values})


MISTAKES = [
    ("GET", "/v1beta1/counters/none", None, 404, 5),
    ("PATCH", ROOMS, {"countDiff": "10"}, 400, 11),
    ("PATCH", ROOMS, {}, 400, 3),
    ("GET", "/v1beta1/lists/none", None, 404, 5),
    ("PATCH", PLAYERS, {"capacity": "1001"}, 400, 11),
    ("PATCH", PLAYERS, {}, 400, 3),
    ("POST", PLAYERS + ":addValue", {"value": "a"}, 409, 6),
    ("POST", PLAYERS + ":removeValue", {"value": "z"}, 404, 5),
    ("POST", "/alpha/player/connect", {"playerID": "1"}, 501, 12),
    ("GET", "/alpha/player/connected/1", None, 501, 12),
    ("PUT", "/alpha/player/capacity", {"count": "1"}, 501, 12),
]


@pytest.mark.parametrize(("method", "path", "body", "_", "__"), MISTAKES)
async def test_a_mistake_is_unknown_as_agones_has_it(rest, method, path, body, _, __):
    status, told = await rest.ask(method, path, body)

    assert (status, told["code"], told["details"]) == (500, 2, [])


@strictly
@pytest.mark.parametrize(("method", "path", "body", "status", "code"), MISTAKES)
async def test_a_mistake_has_its_documented_code_where_it_is_strict(
    rest, method, path, body, status, code
):
    got, told = await rest.ask(method, path, body)

    assert (got, told["code"]) == (status, code)


@strictly
async def test_a_step_that_life_does_not_have_is_refused_where_it_is_strict(rest):
    await rest.ask("POST", "/shutdown", {})

    status, told = await rest.ask("POST", "/ready", {})

    assert (status, told["code"]) == (400, 9)


async def test_a_watch_is_a_line_for_each_change(rest):
    async with rest.http.get(rest.base + "/watch/gameserver") as watch:
        lines = [json.loads(await watch.content.readline())]
        for method, path, body in (
            ("POST", "/ready", {}),
            ("PATCH", ROOMS, {"countDiff": 1}),
            ("POST", PLAYERS + ":addValue", {"value": "c"}),
        ):
            await rest.ask(method, path, body)
            lines.append(json.loads(await watch.content.readline()))
        await rest.servers.delete(UID)
        rest_of_it = await watch.content.read()

    assert [list(line) for line in lines] == [["result"]] * 4
    states = [line["result"]["status"] for line in lines]
    assert [status["state"] for status in states] == ["Scheduled", "Ready", "Ready", "Ready"]
    assert states[2]["counters"]["rooms"]["count"] == "2"
    assert states[3]["lists"]["players"]["values"] == ["a", "b", "c"]
    assert rest_of_it == b""


async def test_the_same_address_is_a_websocket_for_who_asks(rest):
    async with rest.http.ws_connect(rest.base + "/watch/gameserver") as socket:
        first = await socket.receive_json()
        await rest.ask("POST", "/allocate", {})
        second = await socket.receive_json()
        await rest.servers.delete(UID)
        end = await socket.receive()

    assert first["result"]["status"]["state"] == "Scheduled"
    assert second["result"]["status"]["state"] == "Allocated"
    assert end.type is aiohttp.WSMsgType.CLOSE


@pytest.mark.parametrize("as_socket", [True, False])
async def test_a_watcher_that_leaves_is_forgotten(rest, as_socket, monkeypatch):
    monkeypatch.setattr("gameserver.sidecar.rest_api.GONE_EVERY_S", 0.01)
    watches = rest.servers._hosted[UID].live._watches
    url = rest.base + "/watch/gameserver"
    if as_socket:
        async with rest.http.ws_connect(url) as socket:
            await socket.receive()
            assert len(watches) == 1
    else:
        async with rest.http.get(url) as watch:
            await watch.content.readline()
            assert len(watches) == 1

    while watches:
        await asyncio.sleep(0.005)
