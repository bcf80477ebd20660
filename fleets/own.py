"""Game servers that nobody of ours started: they register themselves with their fleet's key.

For developers: a server started by hand, on this machine or on a laptop, takes matches of
the queues whose fleet it belongs to. Registering is repeated every ten seconds and lapses
after thirty, so a laptop that is closed leaves the fleet by itself. Such servers are taken
for the reserve at once; no backend starts, stops or scales them.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from core.clock import Clock
from core.errors import NotFound, Unauthorized
from core.game_server import ServerView, State
from core.ids import FleetName, ServerUid
from core.redis import Store
from core.web import body_of, json_response, problems

PATH = "/v1/servers"
LAPSES_MS = 30_000
"""A server that did not register again for this long has left."""

CLAIM_LABEL = "readyup/claim"

_view = msgspec.json.Decoder(ServerView).decode


@dataclass(frozen=True, slots=True)
class OwnFleet:
    """A fleet of servers that register themselves."""

    name: FleetName
    key_sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    """SHA-256 of the key that its servers show, 64 hex digits; `readyup keys` makes both."""


class Registration(Struct, forbid_unknown_fields=True):
    """What a server says about itself."""

    fleet: Annotated[str, Meta(max_length=40)]
    name: Annotated[str, Meta(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    uid: Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$")]
    address: Annotated[str, Meta(min_length=1, max_length=255)]
    port: Annotated[int, Meta(ge=1, le=65535)]
    public_key: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
    rooms: Annotated[int, Meta(ge=1, le=1024)] = 1
    version: Annotated[str, Meta(max_length=64)] = ""


class OwnServers:
    """One fleet's servers, as the allocator's port ``Servers`` wants them."""

    def __init__(self, store: Store, fleet: OwnFleet, clock: Clock) -> None:
        self._store = store
        self._fleet = fleet
        self._clock = clock
        self._mirror = f"{{f:{fleet.name}}}:backend"
        self._seen = f"{{f:{fleet.name}}}:own"

    def check(self, key: str) -> None:
        """Refuse a key that is not this fleet's.

        Raises:
            Unauthorized: it is another one, or none.
        """
        digest = hashlib.sha256(key.encode()).hexdigest()
        if not hmac.compare_digest(digest, self._fleet.key_sha256):
            raise Unauthorized(f"this is not the key of fleet {self._fleet.name!r}")

    async def register(self, asked: Registration) -> ServerView:
        """Let a server in, or hear that it is still there.

        A new uid under a known name takes the place of the old one, as a restarted server does.
        """
        now_ms = self._clock.wall_ms()
        view = ServerView(
            name=asked.name,
            uid=ServerUid(asked.uid),
            fleet=self._fleet.name,
            state=State.ALLOCATED,
            address=asked.address,
            port=asked.port,
            labels={CLAIM_LABEL: f"own-{asked.uid}"},
            rooms=asked.rooms,
            version=asked.version,
            pinned="started by hand",
            created_ms=now_ms,
            public_key=asked.public_key,
        )
        # First, so that whoever is shown was heard.
        await self._store.call("ZADD", self._seen, now_ms, asked.name)
        known = await self.find(asked.name, view.uid)
        if known is None:
            body = msgspec.json.encode(view).decode()
            await self._store.call("HSET", self._mirror, asked.name, body)
        return known or view

    async def leave(self, uid: ServerUid) -> None:
        """A server goes; one that is not there is fine."""
        for view in await self.running():
            if view.uid == uid:
                await self._forget(view.name)

    async def running(self) -> Sequence[ServerView]:
        """Those that registered lately; the others are forgotten here.

        So is one of whom the store does not know any more when that was.
        """
        shown = [_view(view) for view in await self._store.call("HVALS", self._mirror)]
        reply = await self._store.call("ZRANGE", self._seen, 0, -1, "WITHSCORES")
        heard_ms = {name: float(at_ms) for name, at_ms in zip(reply[::2], reply[1::2], strict=True)}
        since_ms = self._clock.wall_ms() - LAPSES_MS
        lately = {name for name, at_ms in heard_ms.items() if at_ms > since_ms}
        for name in (heard_ms.keys() | {view.name for view in shown}) - lately:
            await self._forget(name)
        return [view for view in shown if view.name in lately]

    async def find(self, name: str, uid: ServerUid) -> ServerView | None:
        """One server; None when the name is unknown or another uid lives under it."""
        view = await self._store.call("HGET", self._mirror, name)
        if view is None:
            return None
        server = _view(view)
        return server if server.uid == uid else None

    async def take(self, server: ServerUid, claim: str) -> None:
        """They are taken from the first: nothing to do."""

    async def tell(self, server: ServerUid, letter: str) -> None:
        """They speak the sessions API: nobody writes to them."""

    async def give_up(self, server: ServerUid) -> None:
        """Nobody of ours can end it; it is let go."""
        await self.leave(server)

    async def _forget(self, name: str) -> None:
        await self._store.call("HDEL", self._mirror, name)
        await self._store.call("ZREM", self._seen, name)


def own_routes(fleets: Mapping[FleetName, OwnServers]) -> web.Application:
    """``POST /v1/servers`` and ``DELETE /v1/servers/{fleet}/{uid}``, with the fleet's key."""

    def of(request: web.Request, fleet: str) -> OwnServers:
        servers = fleets.get(FleetName(fleet))
        if servers is None:
            raise NotFound(f"no fleet {fleet!r} whose servers register themselves")
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthorized("send 'Authorization: Bearer <the fleet's key>'")
        servers.check(key.strip())
        return servers

    async def register(request: web.Request) -> web.Response:
        asked = await body_of(request, Registration)
        return json_response(await of(request, asked.fleet).register(asked))

    async def leave(request: web.Request) -> web.Response:
        servers = of(request, request.match_info["fleet"])
        await servers.leave(ServerUid(request.match_info["uid"]))
        return web.Response(status=204)

    app = web.Application(middlewares=[problems])
    app.add_routes([web.post("", register), web.delete("/{fleet}/{uid}", leave)])
    return app
