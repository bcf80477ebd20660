"""Stand-ins for the allocator's ports, and a game server that speaks the sessions API."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from allocator.ports import CLAIM_LABEL, Wanted
from allocator.rooms import NewRoom
from core.game_server import MATCH_ANNOTATION, ServerView, State
from core.ids import FleetName, MatchId, PlayerId, QueueName, ServerUid, TicketId, room_id
from core.placement import ClaimOrder, Placement, SeatedPlayer

NOW = 1_700_000_000_000
FLEET = FleetName("arena")
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)


def order(name: str, *, deadline_ms: int = NOW + 60_000) -> ClaimOrder:
    players = tuple(
        SeatedPlayer(PlayerId(f"{name}-p{n}"), TicketId(f"duel.{name}{n}"), f"team{n}", 0)
        for n in range(2)
    )
    return ClaimOrder(MatchId(f"duel.{name}"), QueueName("duel"), players, deadline_ms)


def room(server: ServerUid, n: int = 0) -> NewRoom:
    return NewRoom(room_id(server, n), server, "127.0.0.1", 7000, "v1")


def server(name: str, *, state: State = State.READY, rooms: int = 1) -> ServerView:
    return ServerView(
        name=name,
        uid=ServerUid(f"uid-{name}"),
        fleet=FLEET,
        state=state,
        address="127.0.0.1",
        port=7000,
        rooms=rooms,
        version="v1",
        public_key=KEY.public_key().public_bytes_raw().hex(),
    )


@dataclass
class FakeServers:
    """A backend that does at once what it is asked."""

    views: dict[ServerUid, ServerView] = field(default_factory=dict)
    taken: list[tuple[ServerUid, str]] = field(default_factory=list)
    given_up: list[ServerUid] = field(default_factory=list)
    letters: list[tuple[ServerUid, str]] = field(default_factory=list)
    obeys: bool = True

    def have(self, *views: ServerView) -> None:
        self.views |= {view.uid: view for view in views}

    async def running(self) -> Sequence[ServerView]:
        return list(self.views.values())

    async def find(self, name: str, uid: ServerUid) -> ServerView | None:
        view = self.views.get(uid)
        return view if view and view.name == name else None

    async def take(self, uid: ServerUid, claim: str) -> None:
        self.taken.append((uid, claim))
        if self.obeys:
            self.views[uid] = replace(
                self.views[uid], state=State.ALLOCATED, labels={CLAIM_LABEL: claim}
            )

    async def tell(self, uid: ServerUid, letter: str) -> None:
        self.letters.append((uid, letter))
        if self.obeys and uid in self.views:
            view = self.views[uid]
            told = {**view.annotations, MATCH_ANNOTATION: letter}
            self.views[uid] = replace(view, annotations=told)

    async def give_up(self, uid: ServerUid) -> None:
        self.given_up.append(uid)
        self.views.pop(uid, None)


@dataclass
class FakeMatches:
    """A matchmaker whose matches are committed or not, as the test says."""

    committed: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    told: list[tuple[str, str]] = field(default_factory=list)
    left: set[PlayerId] = field(default_factory=set)
    wanted: list[Wanted] = field(default_factory=list)

    async def settle(self, match: MatchId, *, now_ms: int) -> bool:
        assert now_ms
        self.asked.append(match)
        return match in self.committed

    async def moved(self, placement: Placement, *, now_ms: int) -> None:
        assert now_ms
        self.told.append((placement.match, f"moved to {placement.room} at {placement.epoch}"))

    async def ended(
        self, match: MatchId, reason: str, *, now_ms: int, left: Sequence[PlayerId] = ()
    ) -> None:
        assert now_ms
        self.told.append((match, reason))
        self.left.update(left)

    async def backfill(self, wanted: Wanted, *, now_ms: int) -> str:
        assert now_ms
        self.wanted.append(wanted)
        return "open" if wanted.open else "withdrawn"


@dataclass
class FixedClock:
    """Stands still until a test moves it."""

    now_ms: int = NOW

    def wall_us(self) -> int:
        return self.now_ms * 1000

    def wall_ms(self) -> int:
        return self.now_ms

    def elapsed_s(self) -> float:
        return self.now_ms / 1000


class GameServer:
    """The other end of a socket."""

    def __init__(self, view: ServerView, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.view = view
        self.ws = ws

    async def say(self, kind: str, **fields: Any) -> None:  # noqa: ANN401 - JSON
        await self.ws.send_json({"type": kind, **fields})

    async def hear(self) -> dict[str, Any]:
        return dict(await self.ws.receive_json(timeout=5))

    async def told(self, kind: str) -> dict[str, Any]:
        """The next frame of a kind; a match may be assigned more than once meanwhile."""
        while (said := await self.hear())["type"] != kind:
            assert said["type"] == "assign", said
        return said

    async def hello(
        self, *, key: Ed25519PrivateKey = KEY, holding: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        challenge = await self.hear()
        words = f"readyup-hello|{self.view.uid}|{challenge['nonce']}"
        await self.say(
            "hello",
            uid=self.view.uid,
            name=self.view.name,
            fleet=self.view.fleet,
            version="v1",
            rooms=self.view.rooms,
            holding=list(holding),
            sig=key.sign(words.encode()).hex(),
        )

    async def answered(self, kind: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Say something and hear the answer."""
        await self.say(kind, **fields)
        while (said := await self.hear())["type"] == "assign":
            pass
        return said


@contextlib.asynccontextmanager
async def connected(port: int, view: ServerView) -> AsyncIterator[GameServer]:
    url = f"ws://127.0.0.1:{port}/v1/servers/connect"
    async with aiohttp.ClientSession() as http, http.ws_connect(url) as ws:
        yield GameServer(view, ws)
