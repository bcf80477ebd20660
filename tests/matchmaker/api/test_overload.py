"""Too much to do: creates are shed first and cheaply, all else goes on, and it recovers."""

import asyncio
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
from hypothesis import given, strategies as st

from core.errors import Exhausted
from core.ids import FleetName, QueueName
from core.line import Call
from core.redis import Store
from matchmaker.api.admission import CREATE, REFUSAL, REST_S_MAX, Admission, Signs, State, judged
from matchmaker.rules.model import Rules
from matchmaker.settings import QueueSettings
from matchmaker.store import QueueStore
from tests.matchmaker.api.issuer import Hands
from tests.matchmaker.api.serving import served, service_of

SIGNS = Signs(creates_min=2, pending_max=100, lag_s_max=0.2, late_max=3, calm_s=0.1)


def looks(state: State, *lags_s: float, pending: int = 0, start_s: float = 0.0) -> State:
    for n, lag_s in enumerate(lags_s):
        now_s = start_s + n * 0.02
        state = judged(state, SIGNS, lag_s=lag_s, pending=pending, now_s=now_s)
    return state


def test_a_single_stall_is_no_overload_and_lateness_again_and_again_is():
    assert not looks(State(), 6.0, 0.0, 0.3, 0.3, 0.3, 0.0).shedding
    assert looks(State(), 0.3, 0.3, 0.3, 0.3).shedding


def test_creates_are_let_in_again_once_it_has_been_calm_for_a_moment():
    busy = looks(State(), 0.0, pending=101)

    assert busy.shedding
    assert looks(busy, *[0.0] * 5).shedding
    assert not looks(busy, *[0.0] * 7).shedding
    assert looks(busy, *[0.0] * 4, 0.15, *[0.0] * 4).shedding  # not calm in between
    assert looks(busy, *[0.0] * 9, pending=60).shedding


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 300)), max_size=60))
def test_whatever_happened_calm_heals_it(past: list[tuple[float, int]]):
    state = State()
    for n, (lag_s, pending) in enumerate(past):
        state = judged(state, SIGNS, lag_s=lag_s, pending=pending, now_s=n * 0.02)

    assert looks(state, *[0.0] * 8, start_s=len(past) * 0.02) == State()


def test_so_many_creates_are_under_way_and_no_more():
    admission = Admission(lambda: 0, Hands(), SIGNS)
    with admission.create(), admission.create():
        with pytest.raises(Exhausted), admission.create():
            pass
        full = admission.at_door(request(b"{}"))
    with admission.create():
        free = admission.at_door(request(b"{}"))

    assert full is not None
    assert (full.answer, free, admission.shed) == (REFUSAL, None, 2)


def test_as_many_are_under_way_as_are_finished_in_a_moment():
    admission = Admission(lambda: 0, Hands(), SIGNS)
    limits = []
    for finished in (10, 100, 0):  # in each look's twenty milliseconds
        for _ in range(200):
            for _ in range(finished):
                with admission.create():
                    pass
            admission.look(lag_s=0.0)
        limits.append(admission.creates_max())

    assert limits == [pytest.approx(10 / 0.02 * 0.05, abs=1), pytest.approx(250, abs=1), 2]


def request(body: bytes, *, head: bytes = b"", length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return CREATE + b"Host: x\r\n" + head + b"Content-Length: %d\r\n\r\n" % size + body


@pytest.mark.parametrize(
    "data",
    [
        request(b"{}", length=3), request(b"{}" * 2, length=2), request(b"{}")[:-5],
        request(b"{}") * 2, request(b"{}", head=b"Transfer-Encoding: chunked\r\n"),
        request(b"{}", head=b"content-length: 2\r\n"),
        request(b"{}", head=b"Expect: 100-continue\r\n"),
        request(b"{}", head=b"Connection: close\r\n"), CREATE, b"", CREATE + b"Host: x\r\n\r\n",
        b"GET /v1/tickets/duel.1 HTTP/1.1\r\n\r\n", b"POST /v1/tickets/batch HTTP/1.1\r\n\r\n",
        CREATE + b"Content-Length: \xb2\r\n\r\n{}", CREATE + b"Content-Length: -2\r\n\r\n{}",
    ],
)  # fmt: skip
def test_only_a_whole_create_is_refused_at_the_door(data: bytes):
    admission = Admission(lambda: 0, Hands(), SIGNS)
    with admission.create(), admission.create():
        assert admission.at_door(data) is None


def test_those_who_pass_the_door_count_until_they_are_creates_or_lost():
    admission = Admission(lambda: 0, Hands(), SIGNS)
    passed = [admission.at_door(request(b"{}")) for _ in range(3)]
    admission.look(lag_s=0.0)

    assert [one and one.answer for one in passed] == [None, None, REFUSAL]
    assert admission.at_door(request(b"{}")) is None


def test_the_refused_are_read_again_one_after_another_and_soon_enough():
    clock = Hands()
    admission, rests_s = Admission(lambda: 0, clock, SIGNS), []
    with admission.create(), admission.create():
        for refusals in (1, 99, 5_000):
            for _ in range(refusals):
                refused = admission.at_door(request(b"{}"))
            assert refused is not None
            rests_s.append(round(refused.rest_s, 3))
        clock.s += 10.0
        later = admission.at_door(request(b"{}"))

    assert rests_s == [0.001, 0.1, REST_S_MAX]
    assert later is not None
    assert later.rest_s == pytest.approx(0.001)


class Api:
    """The player API before a store that answers creates when a test lets it."""

    def __init__(self, http: aiohttp.ClientSession, store: Store) -> None:
        self.http = http
        self.open = asyncio.Event()
        self.waiting = 0
        submit = store.submit_durably

        async def held(call: Call):
            if call.script is not None and call.script.name == "enqueue":
                self.waiting += 1
                await self.open.wait()
            return await submit(call)

        store.submit_durably = held

    async def ask(self, method: str, path: str, player: str, body: dict | None = None):
        headers = {"Authorization": f"Bearer dev-player:{player}"}
        async with self.http.request(method, path, json=body, headers=headers) as answer:
            return answer.status, json.loads(await answer.read()), answer.headers

    async def create(self, player: str):
        body = {"queue": "duel", "players": [{"id": player}]}
        return await self.ask("POST", "/v1/tickets", player, body)


@pytest.fixture
async def api(store: Store) -> AsyncIterator[Api]:
    queue = QueueSettings(QueueName("duel"), Rules(("red", "blue"), 50), FleetName("arena"))
    service = service_of(store, {"duel": QueueStore(store, queue)}, signs=SIGNS)
    async with served(service) as http:
        yield Api(http, store)


async def test_creates_are_shed_while_everything_else_goes_on_and_then_they_are_not(api: Api):
    api.open.set()
    _, first, _ = await api.create("ann")
    api.open.clear()
    api.waiting = 0
    async with asyncio.TaskGroup() as group:
        under_way = [group.create_task(api.create(f"p{n}")) for n in range(2)]
        while api.waiting < 2:
            await asyncio.sleep(0.001)
        shed = [await api.create(f"late-{n}") for n in range(3)]
        read = await api.ask("GET", f"/v1/tickets/{first['id']}", "ann")
        async with api.http.ws_connect(
            "/v1/connect", headers={"Authorization": "Bearer dev-player:bo"}
        ) as ws:
            told = []
            for frame in ("heartbeat", "enqueue"):
                await ws.send_json(
                    {"type": frame, **({"queue": "duel"} if frame[0] == "e" else {})}
                )
            while len(told) < 3:
                told.append(await ws.receive_json())
        cancelled = await api.ask("DELETE", f"/v1/tickets/{first['id']}", "ann")
        alive = await api.ask("GET", "/livez", "ann")
        api.open.set()
    later = await api.create("later")

    assert [status for status, _, _ in shed] == [503] * 3
    assert {said["type"] for _, said, _ in shed} == {"urn:readyup:problem:exhausted"}
    assert shed[0][2]["Retry-After"] == "1"
    assert (read[0], cancelled[0], alive[0]) == (200, 200, 200)
    assert [one["type"] for one in told] == ["hello", "heartbeat", "problem"]
    assert told[2]["problem"]["status"] == 503
    assert [task.result()[0] for task in under_way] == [201, 201]
    assert later[0] == 201


async def test_a_batch_is_shed_as_one(api: Api):
    headers = {"Authorization": "Bearer dev-backend"}
    batch = {"tickets": [{"queue": "duel", "players": [{"id": f"b{n}"}]} for n in range(5)]}
    async with asyncio.TaskGroup() as group:
        under_way = [group.create_task(api.create(f"p{n}")) for n in range(2)]
        while api.waiting < 2:
            await asyncio.sleep(0.001)
        async with api.http.post("/v1/tickets/batch", json=batch, headers=headers) as answer:
            shed = answer.status
        api.open.set()
    async with api.http.post("/v1/tickets/batch", json=batch, headers=headers) as answer:
        later = answer.status

    assert (shed, later) == (503, 200)
    assert [task.result()[0] for task in under_way] == [201, 201]
