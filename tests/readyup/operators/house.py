"""A console with operators over a real store, and clients of each of them."""

import contextlib
import dataclasses
import datetime as dt
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp

from allocator.pool import Pool
from allocator.rooms import NewRoom
from core.clock import SystemClock
from core.ids import FleetName, MatchId, PlayerId, QueueName, ServerUid, TicketId, room_id
from core.placement import ClaimOrder, SeatedPlayer
from core.redis import Store
from core.web import serve_app
from fleets.capacity.events import Event
from fleets.capacity.settings import CapacitySettings
from fleets.spec import FleetSpec, PortRange
from matchmaker.rules.model import Rules
from matchmaker.settings import QueueSettings
from matchmaker.store import QueueStore
from matchmaker.tickets import NewTicket, TicketPlayer
from readyup.console.feed import Feed
from readyup.console.lookup import Lookup
from readyup.console.server import console_app
from readyup.operators.api import OperatorApi
from readyup.operators.audit import Audit, Record
from readyup.operators.deeds import Deeds
from readyup.operators.door import Door
from readyup.operators.plans import Plans
from readyup.operators.reads import Reads
from readyup.operators.roles import Role
from readyup.operators.settings import ConsoleSettings, Operator
from readyup.operators.tokens import new_token, sha256

ARENA, DUEL = FleetName("arena"), QueueName("duel")
UID = ServerUid("0b6f1a1e-server")
T1, T2, M = (f"duel.{n:032x}" for n in (1, 2, 3))
CUP = Event(dt.datetime(2026, 1, 1, 20, tzinfo=dt.UTC), servers=30, every="week", note="cup")
SPEC = FleetSpec(
    *(ARENA, ("game",), PortRange(7000, 7099)), capacity=CapacitySettings(), events=(CUP,)
)
TOKENS = {role: new_token() for role in Role}
OPERATORS = tuple(Operator(f"the-{role}", role, sha256(token)) for role, token in TOKENS.items())
NOBODY = ConsoleSettings()
EVERYBODY = ConsoleSettings(operators=OPERATORS)


class House:
    """The stores behind it, and what one needs to look at them."""

    def __init__(self, store: Store, settings: ConsoleSettings) -> None:
        self.store = store
        self.clock = SystemClock()
        self.queue = QueueStore(store, QueueSettings(DUEL, Rules(("red", "blue"), 1), ARENA))
        self.pool = Pool(store, ARENA)
        self.feed = Feed(store, queues={"duel": "duel"}, fleets=["arena"], clock=self.clock)
        self.audit = Audit(store, self.clock)
        self.door = Door(settings, store, self.clock)
        self.deeds = Deeds({"duel": self.queue}, {ARENA: self.pool}, self.clock)
        self.lookup = Lookup(self.feed, store)
        self.plans = Plans(store, [SPEC], self.clock)
        reads = Reads(self.feed, self.lookup)
        self.api = OperatorApi(self.door, self.audit, self.deeds, self.plans, reads, self.clock)

    def now_ms(self) -> int:
        return self.clock.wall_ms()

    async def enqueue(self, *names: str) -> None:
        for name in names:
            player = TicketPlayer(PlayerId(f"p{name[-1]}"), 1500.0)
            ticket = NewTicket(
                TicketId(name), DUEL, (player,), "backend:t", self.now_ms() + 60_000, 0
            )
            await self.queue.enqueue(ticket, now_ms=self.now_ms())

    async def propose(self) -> None:
        """Both tickets in a match that nobody has committed."""
        await self.enqueue(T1, T2)
        await self.store.call("HSET", self.queue.leader, "epoch", 1)
        outcome, _ = await self.queue.propose(
            MatchId(M), _teams(), epoch=1, deadline_ms=self.now_ms() + 5000, now_ms=self.now_ms()
        )
        assert outcome == "proposed"

    async def add_server(self) -> None:
        room = NewRoom(room_id(UID, 0), UID, "127.0.0.1", 7000, "1")
        await self.pool.add_room(room, now_ms=self.now_ms())

    async def play(self) -> None:
        """Both tickets in a committed match on the server."""
        await self.add_server()
        await self.propose()
        players = tuple(
            SeatedPlayer(player, ticket, team, 0) for team, [(ticket, player)] in _teams().items()
        )
        order = ClaimOrder(MatchId(M), DUEL, players, self.now_ms() + 5000)
        placement = await self.pool.claim(order, now_ms=self.now_ms())
        assert placement is not None
        outcome = await self.queue.commit(MatchId(M), placement, epoch=1, now_ms=self.now_ms())
        assert outcome == "committed"
        await self.pool.confirm(MatchId(M))
        now_ms = self.now_ms()
        await self.queue.announce(MatchId(M), formed_us=now_ms * 1000, claim_us=1, now_ms=now_ms)

    async def audited(self) -> list[Record]:
        records, _ = await self.audit.read()
        return records


def _teams() -> dict[str, list[tuple[TicketId, PlayerId]]]:
    return {
        "red": [(TicketId(T1), PlayerId("p1"))],
        "blue": [(TicketId(T2), PlayerId("p2"))],
    }


class Client:
    """One caller."""

    def __init__(self, http: aiohttp.ClientSession, headers: Mapping[str, str]) -> None:
        self.http = http
        self.headers = dict(headers)

    async def ask(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> tuple[int, Any]:
        """Status and JSON of one request."""
        sent = {} if body is None else {"json": body}
        said = self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.http.request(
            method, path, headers=said, allow_redirects=False, **sent
        ) as answer:
            text = await answer.read()
            is_json = answer.content_type.endswith("json")
            return answer.status, await answer.json(content_type=None) if is_json else text

    async def get(self, path: str, **headers: str) -> tuple[int, Any]:
        return await self.ask("GET", f"/v1/operator{path}", **headers)

    async def post(self, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
        return await self.ask("POST", f"/v1/operator{path}", body or {}, **headers)


class Running:
    """A house that is served."""

    def __init__(self, house: House, http: aiohttp.ClientSession, port: int) -> None:
        self.house = house
        self.http = http
        self.port = port
        self.origin = f"http://127.0.0.1:{port}"

    def client(self, role: Role | None = None) -> Client:
        return Client(
            self.http, {"Authorization": f"Bearer {TOKENS[role]}"} if role is not None else {}
        )


@contextlib.asynccontextmanager
async def served(
    store: Store, settings: ConsoleSettings = EVERYBODY, **changes: object
) -> AsyncIterator[Running]:
    """The console of a house, while the block lasts."""
    house = House(store, dataclasses.replace(settings, **changes))
    app = console_app(house.feed, house.lookup, house.api)
    async with (
        serve_app(app, drain_s=0.1) as port,
        aiohttp.ClientSession(
            f"http://127.0.0.1:{port}", cookie_jar=aiohttp.CookieJar(unsafe=True)
        ) as http,
    ):
        yield Running(house, http, port)
