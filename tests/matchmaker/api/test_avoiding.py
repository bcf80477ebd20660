"""Whom a ticket avoids, as the player API takes it."""

import json

import aiohttp

from core.ids import PlayerId
from matchmaker.store import QueueStore
from matchmaker.tickets import WaitingTicket
from tests.matchmaker.api.callers import BACKEND, ask


async def waiting(
    http: aiohttp.ClientSession, duel: QueueStore, key: str, player: str, **more: object
) -> WaitingTicket:
    asked = {"queue": "duel", "players": [{"id": player}], **more}
    status, told = await ask(http, "POST", "/v1/tickets", key, json=asked)
    assert status == 201, told
    (ticket,) = await duel.waiting([told["id"]])
    return ticket


async def test_a_back_end_says_whom_a_ticket_avoids(http: aiohttp.ClientSession, duel: QueueStore):
    ticket = await waiting(http, duel, BACKEND, "ann", avoid=["bo", "ann"])

    assert dict(ticket.apart) == {PlayerId("bo"): 0}
    assert ticket.avoids(now_ms=1) == {"bo"}


async def test_a_player_s_own_word_does_not_count(http: aiohttp.ClientSession, duel: QueueStore):
    ticket = await waiting(http, duel, "dev-player:ann", "ann", avoid=["bo"])

    assert dict(ticket.apart) == {}


async def test_a_list_has_an_end(http: aiohttp.ClientSession):
    asked = {"queue": "duel", "players": [{"id": "ann"}], "avoid": ["bo"] * 101}

    status, told = await ask(http, "POST", "/v1/tickets", BACKEND, json=asked)

    assert status == 400, json.dumps(told)
    assert told["field"] == "$.avoid"
