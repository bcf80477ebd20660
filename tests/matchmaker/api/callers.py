"""Those who call the player API in tests, and what they say first."""

import json

import aiohttp

from core.ids import MatchId, TicketId
from matchmaker.store import QueueStore
from tests.matchmaker.api.serving import CLOCK
from tests.matchmaker.test_store import lead

MATCH = MatchId("duel.m1")
BACKEND = "dev-backend"


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def ask(http: aiohttp.ClientSession, method: str, path: str, key: str, **more):
    async with http.request(method, path, headers=bearer(key), **more) as answered:
        return answered.status, json.loads(await answered.read())


async def enqueued(http: aiohttp.ClientSession, *players: str) -> TicketId:
    asked = {"queue": "duel", "players": [{"id": player} for player in players]}
    return TicketId((await ask(http, "POST", "/v1/tickets", BACKEND, json=asked))[1]["id"])


async def match_of(duel: QueueStore, red: TicketId, blue: TicketId) -> None:
    """A director puts two tickets together; everybody is asked."""
    teams = {}
    for team, ticket in (("red", red), ("blue", blue)):
        record = await duel.ticket(ticket)
        assert record is not None
        teams[team] = [(ticket, player) for player in record.players]
    epoch, now_ms = await lead(duel), CLOCK.wall_ms()
    await duel.propose(MATCH, teams, epoch=epoch, deadline_ms=now_ms + 60_000, now_ms=now_ms)


def answer(http: aiohttp.ClientSession, ticket: TicketId, key: str, **said):
    path, body = f"/v1/tickets/{ticket}/acceptance", {"match": MATCH, "accept": True, **said}
    return ask(http, "POST", path, key, json=body)
