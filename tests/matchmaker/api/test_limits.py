"""How much is too much: the meters as arithmetic, and the limits as clients meet them."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, strategies as st

from core.dice import unguessable
from core.errors import Limited
from core.ids import FleetName, PlayerId, QueueName
from core.join_token import Minter
from core.redis import Store
from matchmaker.api.keys import DevKeys, Principal
from matchmaker.api.limits import CALLERS_MAX, Gate, Meter, Rate
from matchmaker.api.service import PlayerService
from matchmaker.api.settings import Limits
from matchmaker.rules.model import Rules
from matchmaker.settings import QueueSettings
from matchmaker.store import QueueStore
from tests.matchmaker.api.issuer import Hands

ANN, BO, SHOP = Principal("player", "ann"), Principal("player", "bo"), Principal("backend", "shop")


@given(
    per_s=st.floats(0.1, 100),
    burst=st.integers(1, 50),
    pauses=st.lists(st.floats(0, 3), max_size=200),
)
def test_in_any_time_no_more_pass_than_the_rate_and_the_burst(
    per_s: float, burst: int, pauses: list[float]
):
    meter, now_s, passed = Meter(Rate(per_s, burst)), 0.0, []
    for pause_s in pauses:
        now_s += pause_s
        if not meter.wait_s("ann", now_s):
            passed.append(now_s)

    for n, first_s in enumerate(passed):
        for m, last_s in enumerate(passed[n:], 1):
            assert m <= burst + per_s * (last_s - first_s) + 1e-6


@given(per_s=st.floats(0.1, 100), burst=st.integers(1, 20), asked=st.integers(1, 60))
def test_who_waits_as_long_as_they_were_told_passes(per_s: float, burst: int, asked: int):
    meter, now_s, passed = Meter(Rate(per_s, burst)), 1000.0, 0
    for _ in range(asked):
        if wait_s := meter.wait_s("ann", now_s):
            now_s += wait_s
            assert not meter.wait_s("ann", now_s)
        passed += 1

    assert passed == asked


def test_one_who_asks_too_often_is_nobody_elses_trouble():
    meter = Meter(Rate(1, 2))

    assert [meter.wait_s("ann", 0.0) for _ in range(3)] == [0.0, 0.0, 1.0]
    assert meter.wait_s("bo", 0.0) == 0.0


def test_callers_who_rest_are_forgotten_and_a_crowd_has_an_end():
    meter = Meter(Rate(1, 1))
    for n in range(5_000):
        meter.wait_s(f"early-{n}", n / 10)
    rested = len(meter)
    meter = Meter(Rate(0.001, 1))
    for n in range(2 * CALLERS_MAX + 2_000):
        meter.wait_s(f"crowd-{n}", 0.0)

    assert rested <= 1024
    assert len(meter) <= 2 * CALLERS_MAX


def asked(remote: str, *forwarded: str) -> web.Request:
    headers = [("X-Forwarded-For", said) for said in forwarded]
    transport = SimpleNamespace(get_extra_info=lambda name, _=None: (remote, 1))
    return make_mocked_request(
        "GET", "/", headers=cast("Any", headers), transport=cast("Any", transport)
    )


@pytest.mark.parametrize(
    ("proxies", "remote", "forwarded", "address"),
    [
        (0, "203.0.113.7", (), "203.0.113.7"),
        (0, "203.0.113.7", ("127.0.0.1",), "203.0.113.7"),
        (0, "127.0.0.1", (), ""),
        (0, "::1", (), ""),
        (0, "2001:db8:1:2:3:4:5:6", (), "2001:db8:1:2::"),
        (0, "::ffff:203.0.113.7", (), "203.0.113.7"),
        (1, "10.0.0.1", ("203.0.113.7",), "203.0.113.7"),
        (1, "10.0.0.1", ("127.0.0.1, 203.0.113.7",), "203.0.113.7"),
        (1, "10.0.0.1", ("127.0.0.1", "203.0.113.7"), "203.0.113.7"),
        (2, "10.0.0.1", ("1.2.3.4, 203.0.113.7, 10.0.0.2",), "203.0.113.7"),
        (1, "10.0.0.1", (), "10.0.0.1"),
        (1, "10.0.0.1", ("nonsense",), "nonsense"),
    ],
)
def test_an_address_is_what_our_own_proxies_saw(
    proxies: int, remote: str, forwarded: tuple[str, ...], address: str
):
    gate = Gate(Limits(), Hands(), proxies=proxies)

    assert gate.address_of(asked(remote, *forwarded)) == address


def passes(gate: Gate, who: Principal, address: str) -> bool:
    try:
        gate.create(who, address)
    except Limited:
        return False
    return True


def test_players_of_one_address_share_its_limit_and_loopback_has_none():
    clock = Hands()
    gate = Gate(Limits(), clock)
    crowd = [Principal("player", f"p{n}") for n in range(40)]

    assert sum(passes(gate, one, "203.0.113.7") for one in crowd) == 20
    assert all(passes(gate, one, "") for one in crowd[20:])
    with pytest.raises(Limited, match="20 tickets a second from one address") as caught:
        gate.create(crowd[0], "203.0.113.7")
    clock.s += caught.value.retry_after_s
    assert passes(gate, crowd[0], "203.0.113.7")


def test_back_ends_are_not_metered():
    gate = Gate(Limits(), Hands())
    for _ in range(100):
        gate.create(SHOP, "203.0.113.7")
        gate.poll(SHOP)
        gate.cancel(SHOP)


def test_sockets_are_counted_while_they_are_open():
    gate = Gate(Limits(), Hands())
    with contextlib.ExitStack() as first:
        for _ in range(3):
            first.enter_context(gate.connection(ANN, "203.0.113.7"))
        with pytest.raises(Limited, match="3 sockets"), gate.connection(ANN, "203.0.113.7"):
            pass
        with gate.connection(BO, "203.0.113.7"):
            pass
    with contextlib.ExitStack() as crowd:
        for n in range(50):
            crowd.enter_context(gate.connection(Principal("player", f"p{n}"), "203.0.113.7"))
        with pytest.raises(Limited, match="from one address"), gate.connection(ANN, "203.0.113.7"):
            pass
        with gate.connection(ANN, ""):
            pass

    assert not gate._open


class NoSessions:
    async def session_of(self, player: PlayerId) -> None:
        return None


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
async def api(store: Store, clock: Hands) -> AsyncIterator[aiohttp.ClientSession]:
    """The player API with the limits that ship; its clock stands still."""
    queue = QueueSettings(QueueName("duel"), Rules(("red", "blue"), 1), FleetName("arena"))
    service = PlayerService(
        {"duel": QueueStore(store, queue)},
        NoSessions(),
        store,
        keys=DevKeys("127.0.0.1"),
        minter=Minter(Ed25519PrivateKey.generate()),
        clock=clock,
        chance=unguessable(),
        gate=Gate(replace(Limits(), body_s=0.05), clock),
    )
    async with (
        asyncio.timeout(10),
        service.serving(host="127.0.0.1", port=0) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http,
    ):
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
