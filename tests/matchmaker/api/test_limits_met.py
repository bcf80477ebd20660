"""How much is too much, as clients meet it."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import aiohttp
import pytest
from aiohttp import web

from core.ids import FleetName, QueueName
from core.redis import Store
from matchmaker.api.limits import Gate
from matchmaker.api.settings import Limits
from matchmaker.rules.model import Rules
from matchmaker.settings import QueueSettings
from matchmaker.store import QueueStore
from tests.matchmaker.api.issuer import Hands
from tests.matchmaker.api.serving import served, service_of


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
async def api(store: Store, clock: Hands) -> AsyncIterator[aiohttp.ClientSession]:
    """The player API with the limits that ship; its clock stands still."""
    queue = QueueSettings(QueueName("duel"), Rules(("red", "blue"), 1), FleetName("arena"))
    gate = Gate(replace(Limits(), body_s=0.05), clock)
    service = service_of(store, {"duel": QueueStore(store, queue)}, clock=clock, gate=gate)
    async with served(service) as http:
        yield http


def headers(player: str) -> dict[str, str]:
    return {"Authorization": f"Bearer dev-player:{player}"}


async def ask(api: aiohttp.ClientSession, method: str, path: str, player: str = "ann", **more):
    async with api.request(method, path, headers=headers(player), **more) as answer:
        return answer.status, json.loads(await answer.read()), answer.headers


TICKET = {"queue": "duel", "players": [{"id": "ann"}]}


async def test_a_player_who_asks_too_often_is_told_when_to_come_back(
    api: aiohttp.ClientSession, clock: Hands
):
    answers = [await ask(api, "POST", "/v1/tickets", json=TICKET) for _ in range(4)]
    clock.s += answers[-1][1]["retry_after_s"]
    later = await ask(api, "POST", "/v1/tickets", json=TICKET)

    assert [status for status, _, _ in answers] == [201, 409, 409, 429]
    _, problem, told = answers[-1]
    assert problem["type"] == "urn:readyup:problem:limited"
    assert "1 tickets a second for one player, 3 at once" in problem["detail"]
    assert (told["Retry-After"], problem["retry_after_s"]) == ("1", 1.0)
    assert later[0] == 409


async def test_reads_are_metered_and_cancels_are_not_held_up_by_them(api: aiohttp.ClientSession):
    _, made, _ = await ask(api, "POST", "/v1/tickets", json=TICKET)
    path = f"/v1/tickets/{made['id']}"
    reads = [await ask(api, "GET", path) for _ in range(6)]
    session = await ask(api, "GET", "/v1/players/ann/session")
    stream = await ask(api, "GET", f"{path}/events")
    other = await ask(api, "GET", path, "bo")
    cancels = [await ask(api, "DELETE", path) for _ in range(21)]

    assert [status for status, _, _ in reads] == [200] * 5 + [429]
    assert (session[0], stream[0], other[0]) == (429, 429, 404)
    assert [status for status, _, _ in cancels] == [200] * 20 + [429]


async def test_a_fourth_socket_of_a_player_is_refused_and_a_closed_one_makes_room(
    api: aiohttp.ClientSession,
):
    async with contextlib.AsyncExitStack() as stack:
        sockets = [
            await stack.enter_async_context(api.ws_connect("/v1/connect", headers=headers("ann")))
            for _ in range(3)
        ]
        refusal = await ask(api, "GET", "/v1/connect")
        await sockets[0].close()
        status = 429
        while status == 429:
            with contextlib.suppress(aiohttp.WSServerHandshakeError):
                async with api.ws_connect("/v1/connect", headers=headers("ann")) as again:
                    status = (await again.receive_json())["type"] == "hello"

    assert refusal[0] == 429
    assert "close one" in refusal[1]["detail"]


async def test_enqueue_frames_count_as_tickets_asked_for(api: aiohttp.ClientSession):
    async with api.ws_connect("/v1/connect", headers=headers("ann")) as ws:
        for _ in range(4):
            await ws.send_json({"type": "enqueue", "queue": "duel"})
        told = []
        while len(told) < 4:
            message = await ws.receive_json()
            if message["type"] == "problem":
                told.append(message["problem"]["status"])
            elif message["type"] == "ticket" and not told:
                told.append(201)

    assert told == [201, 409, 409, 429]


async def test_frames_beyond_the_rate_are_read_later(api: aiohttp.ClientSession, clock: Hands):
    async with api.ws_connect("/v1/connect", headers=headers("ann")) as ws:
        await ws.receive_json()
        for _ in range(25):
            await ws.send_json({"type": "heartbeat"})
        at_once = [(await ws.receive_json())["type"] for _ in range(20)]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await ws.receive_json()
        clock.s += 1.0
        later = [(await ws.receive_json())["type"] for _ in range(5)]

    assert (at_once, later) == (["heartbeat"] * 20, ["heartbeat"] * 5)


async def test_a_frame_above_four_kilobytes_ends_the_socket(api: aiohttp.ClientSession):
    async with api.ws_connect("/v1/connect", headers=headers("ann")) as ws:
        await ws.receive_json()
        await ws.send_str(json.dumps({"type": "heartbeat", "x": "y" * 4096}))
        end = await ws.receive()

    assert (end.type, end.data) == (aiohttp.WSMsgType.CLOSE, 1009)


async def test_a_slow_body_is_a_408(api: aiohttp.ClientSession):
    async def slowly() -> AsyncIterator[bytes]:
        yield b'{"queue":'
        await asyncio.sleep(0.2)
        yield b'"duel"}'

    status, problem, _ = await ask(api, "POST", "/v1/tickets", data=slowly())

    assert (status, problem["status"]) == (408, 408)
    assert "0.05 s" in problem["detail"]


async def test_a_player_who_stops_reading_delays_nobody_elses_push(
    api: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
):
    """Each writes to its own: one whose frames go nowhere holds up only itself."""
    send = web.WebSocketResponse.send_frame
    stalled: list[web.WebSocketResponse] = []

    async def slow(self: web.WebSocketResponse, message: bytes, *rest: object) -> None:
        if b'"status":"QUEUED"' in message and not stalled:
            stalled.append(self)
        if self in stalled:
            await asyncio.Event().wait()
        await send(self, message, *rest)

    monkeypatch.setattr(web.WebSocketResponse, "send_frame", slow)
    async with (
        api.ws_connect("/v1/connect", headers=headers("ann")) as ann,
        api.ws_connect("/v1/connect", headers=headers("bo")) as bo,
    ):
        for ws in (ann, bo):
            await ws.receive_json()
        await ann.send_json({"type": "enqueue", "queue": "duel"})
        while not stalled:
            await asyncio.sleep(0.001)
        await bo.send_json({"type": "enqueue", "queue": "duel"})
        told = await bo.receive_json()

    assert told["ticket"]["players"] == ["bo"]
