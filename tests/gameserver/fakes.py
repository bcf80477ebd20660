"""Stand-ins around a game server: an allocator that speaks the sessions API, an SDK, a witness."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from aiohttp import WSMsgType, web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from core import dice
from core.clock import SystemClock
from core.errors import Invalid
from core.ids import FleetName, MatchId, PlayerId, ServerUid, TicketId, room_id
from core.join_token import Minter, Seat
from core.placement import SeatedPlayer
from gameserver.environment import Environment
from gameserver.ports import Host
from gameserver.rooms import Assignment

UID = ServerUid("uid-1")
MATCH = MatchId("duel." + "a" * 32)
OTHER_MATCH = MatchId("duel." + "b" * 32)
MINTER = Minter(Ed25519PrivateKey.from_private_bytes(bytes(32)))
PLAYERS = (
    SeatedPlayer(PlayerId("ann"), TicketId("duel.1"), "red", 0),
    SeatedPlayer(PlayerId("bob"), TicketId("duel.2"), "blue", 0),
)

_ids = dice.stream(1, "fakes")


def environment(
    url: str, *, rooms: int = 1, uid: ServerUid = UID, drain_s: float = 0.0
) -> Environment:
    return Environment(
        name="arena-1",
        uid=uid,
        fleet=FleetName("arena"),
        address="127.0.0.1",
        port=0,
        sessions_url=url,
        key=Ed25519PrivateKey.generate(),
        rooms=rooms,
        version="v1",
        drain_s=drain_s,
    )


def token(
    player: str = "ann",
    *,
    match: str = MATCH,
    server: str = UID,
    epoch: int = 1,
    team: str = "",
    now_ms: int = 0,
) -> str:
    kept = next((p for p in PLAYERS if p.player == player), PLAYERS[0])
    wanted = Seat(
        server=ServerUid(server),
        match=MatchId(match),
        epoch=epoch,
        player=PlayerId(player),
        ticket=kept.ticket,
        team=team or kept.team,
        seat=kept.seat,
    )
    now_ms = now_ms or SystemClock().wall_ms()
    return MINTER.mint(wanted, now_ms=now_ms, jti=f"{_ids.getrandbits(128):032x}")


def assign(
    match: str = MATCH, *, room: int = 0, epoch: int = 1, deadline_s: float = 20.0
) -> dict[str, Any]:
    return {
        "type": "assign",
        "match": match,
        "room": room_id(UID, room),
        "epoch": epoch,
        "queue": "duel",
        "players": [
            {"player": p.player, "ticket": p.ticket, "team": p.team, "seat": p.seat}
            for p in PLAYERS
        ],
        "join_deadline_s": deadline_s,
    }


class FakeSdk:
    """Notes what it was told."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.counted: list[int] = []
        """Of the counter ``rooms``."""

    async def ready(self) -> None:
        self.calls.append("ready")

    async def shutdown(self) -> None:
        self.calls.append("shutdown")

    async def set_annotation(self, key: str, value: str) -> None:
        self.calls.append(f"{key}={value}")

    async def set_label(self, key: str, value: str) -> None:
        self.calls.append(f"{key}:{value}")

    async def set_counter_count(self, key: str, count: int) -> None:
        assert key == "rooms"
        self.counted.append(count)

    async def health(self, period_s: float, stop: asyncio.Event) -> None:
        await stop.wait()


class FakeWitness:
    """Events in memory."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []

    def write(self, kind: str, **fields: Any) -> None:  # noqa: ANN401 - JSON
        self.events.append((kind, fields))

    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.events]


class FakeAllocator:
    """Welcomes whoever proves to hold a key, notes what it hears, answers if it is told to."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.answers = True
        self.heartbeat_s = 0.05
        self.snapshot_s = 0.0
        self.finish_s = 0.0
        self.key = ""
        self.hellos: list[dict[str, Any]] = []
        self.proofs: list[bool] = []
        self._line: web.WebSocketResponse | None = None
        self._news = asyncio.Event()
        self.url = ""

    @contextlib.asynccontextmanager
    async def serve(self) -> AsyncIterator["FakeAllocator"]:
        app = web.Application()
        app.router.add_get("/v1/servers/connect", self._connect)
        runner = web.AppRunner(app, shutdown_timeout=0.2)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        self.url = f"ws://127.0.0.1:{port}/v1/servers/connect"
        try:
            yield self
        finally:
            await self.hang_up()
            await runner.cleanup()

    async def say(self, **message: Any) -> None:  # noqa: ANN401 - JSON
        assert self._line is not None
        await self._line.send_json(message)

    async def hang_up(self) -> None:
        if self._line is not None:
            await self._line.close()

    async def hears(self, kind: str, count: int = 1) -> dict[str, Any]:
        """Wait for the ``count``-th message of a kind."""
        await self.until(lambda: len(self.all(kind)) >= count)
        return self.all(kind)[count - 1]

    def all(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.heard if message["type"] == kind]

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(8):
            while not true():
                self._news.clear()
                await self._news.wait()

    async def _connect(self, request: web.Request) -> web.WebSocketResponse:
        line = web.WebSocketResponse()
        await line.prepare(request)
        await line.send_json({"type": "challenge", "nonce": "0f" * 16})
        hello = json.loads((await line.receive()).data)
        self.hellos.append(hello)
        said = f"readyup-hello|{hello['uid']}|{'0f' * 16}".encode()
        if self.key:
            known = Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.key))
            known.verify(bytes.fromhex(hello["sig"]), said)  # raises when wrong
            self.proofs.append(True)
        await line.send_json(
            {
                "type": "welcome",
                "join_keys": [MINTER.public_hex()],
                "heartbeat_s": self.heartbeat_s,
                "snapshot_s": self.snapshot_s,
                "finish_s": self.finish_s,
            }
        )
        self._line = line
        self._news.set()
        async for frame in line:
            if frame.type is not WSMsgType.TEXT:
                break
            message = json.loads(frame.data)
            self.heard.append(message)
            await self._answer(message, line)
            self._news.set()
        return line

    async def _answer(self, message: dict[str, Any], line: web.WebSocketResponse) -> None:
        if message["type"] == "handover" and self.answers:
            where = {name: message[name] for name in ("match", "room", "epoch")}
            await line.send_json({"type": "withdrawn", **where, "reason": "moved"})
        answer = {"ack": "acked", "release": "released"}.get(message["type"])
        if answer and self.answers:
            known = {"match": message["match"], "epoch": message["epoch"]}
            await line.send_json({"type": answer, **known, "ok": True, "reason": ""})


class HandClock:
    """Moves when it is told to."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def wall_us(self) -> int:
        return round(1_800_000_000_000_000 + self.now_s * 1e6)

    def wall_ms(self) -> int:
        return self.wall_us() // 1000

    def elapsed_s(self) -> float:
        return self.now_s


class FakeGame:
    """Notes what it was asked; a match whose queue is "odd" it cannot play."""

    tick_hz = 60.0

    def __init__(self) -> None:
        self.calls: list[tuple[str, ...]] = []
        self.ticks = 0
        self.started = asyncio.Event()

    async def open(self, host: Host) -> None:
        self.calls.append(("open",))

    def start(self, match: Assignment) -> None:
        if match.queue == "odd":
            raise Invalid("odd queues are not played here")
        self.calls.append(("start", match.match))
        self.started.set()

    def stop(self, match: MatchId, reason: str) -> None:
        self.calls.append(("stop", match, reason))

    def tick(self, n: int) -> None:
        self.ticks += 1

    def close(self) -> None:
        self.calls.append(("close",))
