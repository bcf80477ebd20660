"""What can be seen of one fleet, in the store and at the API server, and ways to wait for it."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from core.game_server import ServerView
from core.ids import FleetName
from core.redis import Store
from tests.cluster.gameservers import servers
from tests.cluster.plane.api import FLEETS, Api


class Seen:
    """A fleet of the namespace ``default``."""

    def __init__(self, api: Api, store: Store, fleet: FleetName) -> None:
        self.api = api
        self.store = store
        self.fleet = fleet

    def key(self, name: str) -> str:
        return f"{{f:{self.fleet}}}:{name}"

    async def mirror(self) -> dict[str, ServerView]:
        """By name, as everybody but the role sees them."""
        shown = await self.store.call("HVALS", self.key("backend"))
        views = [msgspec.json.decode(text, type=ServerView) for text in shown]
        return {view.name: view for view in views}

    async def there(self) -> list[dict[str, Any]]:
        """As the API server has them."""
        return [one for one in await servers(self.api, self.fleet) if "status" in one]

    async def states(self) -> Counter[str]:
        return Counter(one["status"]["state"] for one in await self.there())

    async def agrees(self) -> bool:
        """Whether the mirror shows what the API server has."""
        there = {(one["metadata"]["name"], one["status"]["state"]) for one in await self.there()}
        shown = await self.mirror()
        return there == {(view.name, str(view.state)) for view in shown.values()}

    async def replicas(self) -> int:
        """What the Fleet was asked to have."""
        fleet = await self.api.get(f"{FLEETS.format('default')}/{self.fleet}")
        return int(fleet["spec"].get("replicas", 0))

    async def free(self) -> int:
        """Rooms that could be handed out now."""
        return int(await self.store.call("ZCARD", self.key("free")))

    async def log(self, kind: str) -> list[dict[str, Any]]:
        """Everything of a kind that happened to the fleet so far."""
        entries = await self.store.call("XRANGE", self.key("log"), "-", "+")
        return [msgspec.json.decode(f["d"]) for _, f in entries if f["k"] == kind]

    async def deleted(self) -> Counter[str]:
        """Servers that are gone, by reason."""
        return Counter(event["reason"] for event in await self.log("server.deleted"))

    async def finished(self) -> int:
        """Matches that were played to their end."""
        ended = await self.log("session.ended")
        return sum(event["reason"] == "finished" for event in ended)


async def until(seen: Callable[[], Awaitable[object]], *, timeout_s: float = 90.0) -> None:
    """Look again and again until it holds."""
    async with asyncio.timeout(timeout_s):
        while not await seen():
            await asyncio.sleep(0.05)
