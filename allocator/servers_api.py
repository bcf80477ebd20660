"""The sessions API: where game servers get their matches and say what becomes of them.

The store is the truth; a frame only says that there is something new. Whatever a server
missed it gets when it comes back, or at the latest when its heartbeat shows that it holds
something else than it should.
"""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence

import msgspec
import structlog
from aiohttp import WSCloseCode, WSMsgType, web

from allocator import frames
from allocator.desk import Desk
from allocator.link import Link
from core.clock import Clock
from core.errors import Exhausted, Unauthorized, Unreachable
from core.eventlog import Event, last_id, tail
from core.health import Condition
from core.ids import FleetName, MatchId, RoomId, ServerUid, server_of

log = structlog.get_logger("readyup.sessions_api")

PATH = "/v1/servers/connect"
UNAUTHORIZED = 4401

SILENCE_S = 5.0
"""A socket from which nothing comes for this long is cut: a hello, then five heartbeats."""

OVER = (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR)


class SessionsApi:
    """All sockets of this process. Other processes have theirs; each follows the fleets' logs."""

    def __init__(
        self,
        desks: Sequence[Desk],
        *,
        join_keys: Sequence[str],
        clock: Clock,
        chance: random.Random,
        links: dict[ServerUid, Link] | None = None,
    ) -> None:
        """``links`` will hold the servers that are connected here, for others to see."""
        self._desks: Mapping[FleetName, Desk] = {desk.settings.fleet: desk for desk in desks}
        self._join_keys = join_keys
        self._clock = clock
        self._chance = chance
        self._links = {} if links is None else links
        self._unheard = set(self._desks)
        """Fleets whose log is not followed yet."""

        self._listening = asyncio.Event()

    def condition(self) -> Condition:
        """Ready once it hears every fleet's log: before that nobody is greeted."""
        if self._unheard:
            return Condition(ready=False, says=f"waits for {', '.join(sorted(self._unheard))}")
        return Condition(ready=True, says=f"serves {len(self._links)} game servers")

    async def run(self, stop: asyncio.Event) -> None:
        """Push what the fleets' logs say to the servers connected here, until ``stop``."""
        async with asyncio.TaskGroup() as group:
            for fleet, desk in self._desks.items():
                group.create_task(self._follow(desk, stop), name=f"sessions-api-{fleet}")

    async def connect(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one game server's socket until it ends."""
        ws = web.WebSocketResponse(
            max_msg_size=frames.FRAME_MAX_BYTES, timeout=1.0, receive_timeout=SILENCE_S
        )
        await ws.prepare(request)
        await self.converse(ws, request.transport.abort if request.transport else None)
        return ws

    async def converse(self, ws: web.WebSocketResponse, cut: Callable[[], None] | None) -> None:
        """Serve an open socket until it ends; ``cut`` ends it without a farewell."""
        try:
            desk, link, hello = await self._greet(ws)
        except Unauthorized as why:
            log.warning("server.refused", reason=str(why))
            # A close frame carries at most 123 bytes of reason.
            await ws.close(code=UNAUTHORIZED, message=str(why).encode()[:120])
        except (Unreachable, Exhausted):
            await ws.close(code=WSCloseCode.TRY_AGAIN_LATER)
        except ConnectionError:
            pass  # it went away before it was anybody
        else:
            if cut is not None:
                link.on_drop(cut)
            await self._serve(ws, desk, link, hello)

    async def close(self) -> None:
        """Cut every line; the servers come back elsewhere."""
        for link in list(self._links.values()):
            link.drop("stopping")

    def tell(self, desk: Desk, event: Event) -> None:
        """Push one event of a fleet's log to whom it concerns, if connected here."""
        match event["k"]:
            case "room.claimed" | "session.moved" as kind:
                if link := self._links.get(ServerUid(event["server"])):
                    desk.assign(link, MatchId(event["match"]), event["session_epoch"])
                if kind == "session.moved":
                    self._withdraw(event, event["from"], event["session_epoch"] - 1, "moved")
            case "session.filled" | "session.unfilled":
                self._tell_roster(desk, event)
            case "match.waiting" if "from" in event:
                self._withdraw(event, event["from"], event["session_epoch"], "moved")
            case "session.ended" if event["reason"] in ("lost", "abandoned", "stopped", "closed"):
                self._withdraw(event, event["room"], event["session_epoch"], event["reason"])
            case "room.removed" if event["reason"] == "retiring":
                self._retire(event)
            case "server.deleted":
                desk.leaving.look_soon()
            case _:
                pass

    def _tell_roster(self, desk: Desk, event: Event) -> None:
        if link := self._links.get(ServerUid(event["server"])):
            desk.filling.tell(link, MatchId(event["match"]), event["session_epoch"])

    def _retire(self, event: Event) -> None:
        if link := self._links.get(ServerUid(event["server"])):
            link.push({"type": "retire"})

    def _withdraw(self, event: Event, room: str, epoch: int, reason: str) -> None:
        if link := self._links.get(server_of(RoomId(room))):
            link.push(frames.withdrawn(MatchId(event["match"]), RoomId(room), epoch, reason))

    async def _follow(self, desk: Desk, stop: asyncio.Event) -> None:
        store, key = desk.pool.store, desk.pool.key("log")
        newest = await last_id(store, key)
        # Whoever connects from now on is compared with the store, so only news matters here.
        self._unheard.discard(desk.settings.fleet)
        if not self._unheard:
            self._listening.set()
        async for event in tail(store, key, newest, stop):
            self.tell(desk, event)

    async def _greet(self, ws: web.WebSocketResponse) -> tuple[Desk, Link, frames.Hello]:
        await self._listening.wait()
        nonce = f"{self._chance.getrandbits(128):032x}"
        await _send(ws, frames.challenge(nonce))
        try:
            first = await ws.receive()
            hello = frames.decode(first.data if first.type is WSMsgType.TEXT else "")
        except (TimeoutError, msgspec.DecodeError) as wrong:
            raise Unauthorized(f"the first frame must be a hello: {wrong}") from wrong
        if not isinstance(hello, frames.Hello):
            raise Unauthorized("the first frame must be a hello")
        desk = self._desks.get(hello.fleet)
        if desk is None:
            raise Unauthorized(f"no fleet {hello.fleet!r} here")
        server = await desk.identify(hello, nonce=nonce)
        await _send(ws, frames.welcome(self._join_keys, desk.settings))
        link = Link(ws, server, send_s=desk.settings.send_s, now_ms=self._clock.wall_ms())
        return desk, link, hello

    async def _serve(
        self, ws: web.WebSocketResponse, desk: Desk, link: Link, hello: frames.Hello
    ) -> None:
        uid, fleet = link.server.uid, desk.settings.fleet
        if (older := self._links.get(uid)) is not None:
            older.drop("replaced")
        self._links[uid] = link
        connected = desk.metrics.servers_connected.labels(fleet)
        connected.inc()
        try:
            async with asyncio.TaskGroup() as group:
                writer = group.create_task(link.write(), name=f"to-{link.server.name}")
                try:
                    await self._listen(ws, desk, link, hello)
                finally:
                    writer.cancel()
        finally:
            desk.leaving.look_soon()  # a line that ends proves nothing; the backend knows
            connected.dec()
            if self._links.get(uid) is link:
                del self._links[uid]
            if link.dropped:
                desk.metrics.servers_dropped.labels(fleet, link.dropped).inc()
                log.info(
                    "server.dropped",
                    server=uid,
                    server_name=link.server.name,
                    fleet=fleet,
                    reason=link.dropped,
                )

    async def _listen(
        self, ws: web.WebSocketResponse, desk: Desk, link: Link, hello: frames.Hello
    ) -> None:
        try:
            await desk.greeted(link, hello, now_ms=self._clock.wall_ms())
            while not link.dropped:
                said = await ws.receive()
                if said.type in OVER:
                    return
                if said.type is WSMsgType.TEXT:
                    await self._hear(ws, desk, link, said.data)
                else:
                    await ws.close(code=WSCloseCode.UNSUPPORTED_DATA, message=b"text frames only")
        except TimeoutError:
            link.drop("silent")
        except (Unreachable, Exhausted):
            # It comes back and says again what was not answered.
            link.drop("store")

    async def _hear(self, ws: web.WebSocketResponse, desk: Desk, link: Link, text: str) -> None:
        try:
            said = frames.decode(text)
        except msgspec.ValidationError as wrong:
            detail, _, path = str(wrong).partition(" - at ")
            link.push(frames.problem(detail, field=path.strip("`") or "$"))
        except (msgspec.DecodeError, RecursionError):
            await ws.close(code=WSCloseCode.UNSUPPORTED_DATA, message=b"not JSON")
        else:
            await desk.answer(link, said, now_ms=self._clock.wall_ms())


def sessions_app(api: SessionsApi) -> web.Application:
    """The application that game servers connect to."""
    app = web.Application()
    app.router.add_get(PATH, api.connect)

    async def close(_: web.Application) -> None:
        await api.close()

    app.on_shutdown.append(close)
    return app


async def _send(ws: web.WebSocketResponse, frame: frames.Frame) -> None:
    await ws.send_str(msgspec.json.encode(frame).decode())
