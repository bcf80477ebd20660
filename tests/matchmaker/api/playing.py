"""The player API with directors and a handful of rooms behind it."""

import asyncio
import json
from dataclasses import dataclass

import aiohttp

from core.ids import PlayerId
from matchmaker.ports import PlayerSession
from matchmaker.store import QueueStore
from tests.matchmaker.rooms import FewRooms


class KnownSessions:
    """Sessions that a test put there."""

    def __init__(self) -> None:
        self.of: dict[str, PlayerSession] = {}

    async def session_of(self, player: PlayerId) -> PlayerSession | None:
        return self.of.get(player)


@dataclass
class Api:
    http: aiohttp.ClientSession
    rooms: FewRooms
    sessions: KnownSessions
    duel: QueueStore

    async def ask(self, method: str, path: str, *, key: str = "dev-backend", **more):
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        headers.update(more.pop("headers", {}))
        async with self.http.request(method, path, headers=headers, **more) as response:
            return response.status, json.loads(await response.read())

    def connect(self, player: str):
        headers = {"Authorization": f"Bearer dev-player:{player}"}
        return self.http.ws_connect("/v1/connect", headers=headers)


def one(player: str, **more) -> dict:
    return {"queue": "duel", "players": [{"id": player, **more}]}


async def frame(ws, kind: str) -> dict:
    async with asyncio.timeout(5):
        while True:
            message = await ws.receive_json()
            if message["type"] == kind:
                return message


async def completed(api: Api, ticket: str, key: str) -> dict:
    async with asyncio.timeout(5):
        while True:
            _, answer = await api.ask("GET", f"/v1/tickets/{ticket}", key=key)
            if answer["status"] == "COMPLETED":
                return answer
            await asyncio.sleep(0.005)
