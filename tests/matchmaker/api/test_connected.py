"""Who is connected: what comes first, what an event stream leaves out, and what keeps a ticket."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest

from core.ids import FleetName, PlayerId, QueueName, TicketId
from core.redis import Store
from matchmaker.api.desk import Desk
from matchmaker.api.outbox import Mailbox
from matchmaker.api.socket import HELD_MAX
from matchmaker.rules.model import Rules
from matchmaker.settings import QueueSettings
from matchmaker.store import QueueStore
from matchmaker.tickets import TicketRecord
from tests.matchmaker.api.serving import CLOCK, served, service_of

ANN = {"Authorization": "Bearer dev-player:ann"}
Queues = dict[str, QueueStore]


@pytest.fixture
def queues(store: Store) -> Queues:
    """Two queues that know nothing of each other; nobody leads them."""
    rules = Rules(("red", "blue"), 1)
    return {
        name: QueueStore(store, QueueSettings(QueueName(name), rules, FleetName("arena")))
        for name in ("duel", "race")
    }


@pytest.fixture
async def ann(store: Store, queues: Queues) -> AsyncIterator[aiohttp.ClientSession]:
    """Ann, at the player API."""
    async with served(service_of(store, queues), ANN) as http:
        yield http


async def enqueued(ann: aiohttp.ClientSession, queue: str) -> TicketId:
    async with ann.post("/v1/tickets", json={"queue": queue, "players": [{"id": "ann"}]}) as made:
        return TicketId((await made.json())["id"])


async def test_a_tickets_events_are_of_that_ticket_alone(ann: aiohttp.ClientSession):
    duel, race = await enqueued(ann, "duel"), await enqueued(ann, "race")
    async with ann.get(f"/v1/tickets/{duel}/events") as stream:
        await stream.content.readuntil(b"\n\n")
        for ticket in (race, duel):
            async with ann.delete(f"/v1/tickets/{ticket}") as gone:
                assert gone.status == 200
        rest = (await stream.content.read()).decode()

    told = [json.loads(line[6:]) for line in rest.splitlines() if line.startswith("data: ")]
    assert [(t["id"], t["status"]) for t in told] == [(duel, "CANCELLED")]


async def test_hello_comes_first_whatever_happens_meanwhile(
    ann: aiohttp.ClientSession, queues: Queues, monkeypatch: pytest.MonkeyPatch
):
    ticket = await enqueued(ann, "duel")
    look, put, news = Desk.waiting_ticket_of, Mailbox.put, asyncio.Event()

    def seen(self: Mailbox, *said) -> None:
        put(self, *said)
        news.set()

    async def cancelled_meanwhile(self: Desk, player: PlayerId) -> TicketRecord | None:
        found = await look(self, player)
        await queues["duel"].cancel(ticket, now_ms=CLOCK.wall_ms())
        await news.wait()
        return found

    monkeypatch.setattr(Mailbox, "put", seen)
    monkeypatch.setattr(Desk, "waiting_ticket_of", cancelled_meanwhile)
    async with ann.ws_connect("/v1/connect") as ws:
        told = [await ws.receive_json() for _ in range(2)]

    assert [(t["type"], t["ticket"]["status"]) for t in told] == [
        ("hello", "QUEUED"),
        ("ticket", "CANCELLED"),
    ]


async def test_who_comes_back_is_present_at_once(ann: aiohttp.ClientSession, queues: Queues):
    ticket = await enqueued(ann, "duel")
    duel = queues["duel"]
    await duel.store.call("ZADD", f"{duel.base}:live", CLOCK.wall_ms() + 100, ticket)
    async with ann.ws_connect("/v1/connect") as ws:
        await ws.receive_json()
        until_ms = int(float(await duel.store.call("ZSCORE", f"{duel.base}:live", ticket)))

    assert until_ms > CLOCK.wall_ms() + 10_000


async def test_who_asks_and_never_listens_is_cut_off(
    ann: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
):
    async def stuck(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Mailbox, "take", stuck)
    async with ann.ws_connect("/v1/connect") as ws:
        with contextlib.suppress(ConnectionError):
            for _ in range(2 * HELD_MAX):
                await ws.send_json({"type": "heartbeat"})
        last = await ws.receive(timeout=2)

    assert last.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)


async def test_an_id_ends_where_it_says(ann: aiohttp.ClientSession):
    body = {"queue": "duel", "players": [{"id": "bo\n"}]}
    backend = {"Authorization": "Bearer dev-backend"}
    async with ann.post("/v1/tickets", json=body, headers=backend) as answer:
        assert (answer.status, (await answer.json())["field"]) == (400, "$.players[0].id")
