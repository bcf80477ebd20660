"""Nobody is told to wait by an announcement of what a failover may still forget."""

import asyncio

import aiohttp
import pytest

from core.errors import StoreUnreachable
from core.ids import TicketId
from core.line import Call
from core.redis import Store
from matchmaker.api.in_doubt import InDoubt
from tests.matchmaker.api.callers import BACKEND, ask, bearer

TICKET = TicketId("duel.1")


def test_what_is_held_is_told_once_the_ticket_lasts():
    told, doubt = [], InDoubt()
    with doubt.until_known(TICKET):
        assert doubt.hold(TICKET, lambda: told.append("waits"))
        assert not told

    assert told == ["waits"]
    assert not doubt.hold(TICKET, lambda: None)


def test_what_is_held_is_never_told_of_a_ticket_that_may_be_forgotten():
    told, doubt = [], InDoubt()
    with pytest.raises(StoreUnreachable), doubt.until_known(TICKET):
        doubt.hold(TICKET, lambda: told.append("waits"))
        raise StoreUnreachable("too few replicas")

    assert not told
    assert not doubt.hold(TICKET, lambda: None)


def test_what_is_newer_is_not_followed_by_what_was_held():
    told, doubt = [], InDoubt()
    with doubt.until_known(TICKET):
        doubt.hold(TICKET, lambda: told.append("waits"))
        doubt.known(TICKET)

    assert not told


async def test_a_party_hears_nothing_of_a_ticket_that_may_be_forgotten(
    http: aiohttp.ClientSession, store: Store
):
    submit = store.submit_durably

    async def forgotten(call: Call):
        await submit(call)
        await asyncio.sleep(0.2)  # the announcement arrives
        raise StoreUnreachable("too few replicas have it")

    async with http.ws_connect("/v1/connect", headers=bearer("dev-player:bo")) as ws:
        told = [await ws.receive_json()]
        store.submit_durably = forgotten
        party = {"queue": "duel", "players": [{"id": "bo"}, {"id": "al"}]}
        status, _ = await ask(http, "POST", "/v1/tickets", BACKEND, json=party)
        await ws.send_json({"type": "heartbeat"})
        told.append(await ws.receive_json())

    assert status == 503
    assert [one["type"] for one in told] == ["hello", "heartbeat"]
