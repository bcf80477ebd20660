"""A lively world that never was: tickets, matches and servers from one seed, at any speed."""

import asyncio
import json
import random
from collections import deque
from dataclasses import dataclass, field

import msgspec

from core.errors import NotFound
from core.game_server import ServerView, State
from core.ids import FleetName, ServerUid
from matchmaker.waits import Estimate
from readyup.console.charts import Charts
from readyup.console.detail import MatchDetail, PromisesDetail, ServerDetail, TicketDetail
from readyup.console.feed import Frame
from readyup.console.reading import Beat, FleetReading, QueueReading, Reading, Tick
from readyup.console.sizes import FleetDetail
from readyup.console.snapshot import Promises, Snapshot
from readyup.console.story import Story
from readyup.console.views import snapshot

STEP_MS = 100
FLEET = FleetName("arena")


@dataclass
class Waiting:
    """A ticket that never was."""

    id: str
    mmr: float
    size: int
    since_ms: int


@dataclass
class Server:
    """A server that never was."""

    n: int
    state: State
    core: int
    rooms: list[str] = field(default_factory=lambda: ["-"] * 4)
    players: int = 0


class World:
    """Two queues, one fleet. ``step`` moves it on by a tenth of a second."""

    def __init__(self, now_ms: int, *, seed: int = 7, servers: int = 12) -> None:
        self.now_ms = now_ms
        self.story = Story.of(["duel", "trio"])
        self.charts = Charts()
        self.events = 0
        self._dice = random.Random(seed)
        self._ids = 0
        self._waiting: dict[str, list[Waiting]] = {"duel": [], "trio": []}
        self._servers = [
            Server(n, State.ALLOCATED, n % 2, ["f"] * 4) for n in range(1, servers - 2)
        ]
        late = (State.READY, State.READY, State.SCHEDULED)[: max(0, servers)]
        self._servers += [Server(servers - 2 + n, state, n % 2) for n, state in enumerate(late)]
        self._playing: deque[tuple[int, str, str, Server, int, int]] = deque()

    def step(self) -> None:
        """A tenth of a second: players come, matches form, matches end."""
        self.now_ms += STEP_MS
        swing = 1 + 0.5 * ((self.now_ms // 1000 % 120) / 120)
        for queue, rate, sizes in (("duel", 4.5, (1,)), ("trio", 3.2, (1, 1, 1, 2, 3))):
            if self._dice.random() < rate * swing * STEP_MS / 1000:
                self._enqueue(queue, self._dice.choice(sizes))
        if self.now_ms % 500 < STEP_MS:
            self._pair("duel", players=2, reach=60)
            self._pair("trio", players=6, reach=150)
        while self._playing and self._playing[0][0] <= self.now_ms:
            _, queue, match, server, room, players = self._playing.popleft()
            server.rooms[room] = "f"
            server.players -= players
            self._fleet("session.ended", match=f"{queue}.{match}", reason="finished")

    def reading(self) -> Reading:
        """What a poll would read now."""
        leader = {"holder": "director-1", "epoch": "3", "until_ms": str(self.now_ms + 3000)}
        return Reading(
            queues={
                name: QueueReading(
                    {
                        "t": str(self.now_ms),
                        "waiting": str(len(tickets)),
                        "players_waiting": str(sum(ticket.size for ticket in tickets)),
                        "pass_ms_p50": "0.8",
                        "pass_ms_p99": "2.4",
                        "oldest_wait_ms": str(self.now_ms - min(t.since_ms for t in tickets))
                        if tickets
                        else "0",
                    },
                    leader,
                    estimate=Estimate(2.5, 9.0),
                )
                for name, tickets in self._waiting.items()
            },
            fleets={FLEET: self._fleet_reading()},
        )

    def page(self) -> Snapshot:
        """The page now."""
        self.charts.turn(self.now_ms // 1000, self.story.queues)
        promises = Promises(breaches=0, lost=0, leaked=0, events=self.events)
        return snapshot(
            self.story, self.reading(), self.charts, now_ms=self.now_ms, promises=promises
        )

    def _fleet_reading(self) -> FleetReading:
        beats, rooms = {}, {}
        for server in self._servers:
            uid = ServerUid(f"uid-{server.n}")
            if server.state is State.ALLOCATED:
                late = self._dice.uniform(0.02, 0.05) * (1 + server.players / 4)
                tick = Tick(late, late * 9, late * self._dice.uniform(25, 60), late / 50, 30.0)
                beats[uid] = Beat(uid, self.now_ms - 300, server.players, tick)
                rooms[uid] = dict(enumerate(server.rooms))
        return FleetReading(
            servers=tuple(self._view(server) for server in self._servers),
            beats=beats,
            rooms=rooms,
            plan={"replicas": str(len(self._servers)), "why": '"15 rooms in use"'},
        )

    def _view(self, server: Server) -> ServerView:
        return ServerView(
            name=f"arena-{server.n}",
            uid=ServerUid(f"uid-{server.n}"),
            fleet=FLEET,
            state=server.state,
            address="127.0.0.1",
            port=7000 + server.n,
            rooms=4,
            version="1",
            cores=(server.core,),
            pinned=f"core {server.core}, shared with 5 others",
        )

    def _enqueue(self, queue: str, size: int) -> None:
        ticket, mmr = f"{queue}.{self._id()}", self._dice.gauss(1500, 260)
        self._waiting[queue].append(Waiting(ticket, mmr, size, self.now_ms))
        players = [f"p{self._ids}-{n}" for n in range(size)]
        self._queue(queue, "ticket.enqueued", ticket=ticket, players=players, mmr=mmr, size=size)

    def _pair(self, queue: str, *, players: int, reach: float) -> None:
        tickets = sorted(self._waiting[queue], key=lambda ticket: ticket.mmr)
        while tickets:
            chosen = [tickets.pop(0)]
            for other in list(tickets):
                room = players - sum(ticket.size for ticket in chosen)
                waited_s = (self.now_ms - max(other.since_ms, chosen[0].since_ms)) / 1000
                if other.size <= room and other.mmr - chosen[0].mmr <= reach * (1 + waited_s / 2):
                    chosen.append(other)
                    tickets.remove(other)
            if sum(ticket.size for ticket in chosen) == players:
                self._match(queue, chosen, players)

    def _match(self, queue: str, chosen: list[Waiting], players: int) -> None:
        warm = [s for s in self._servers if "f" in s.rooms]
        if not warm:
            return
        server = self._dice.choice(warm)
        room, match, ids = server.rooms.index("f"), self._id(), [t.id for t in chosen]
        self._waiting[queue] = [t for t in self._waiting[queue] if t.id not in ids]
        server.rooms[room] = "h"
        server.players += players
        name, began_ms = f"{queue}.{match}", self.now_ms
        uid = f"uid-{server.n}"
        quality = round(0.3 + 0.6 * self._dice.random(), 2)
        receipt = {"rules": "1", "quality": quality, "in_force": ["near.maxLatency is 120"]}
        said = {"match": name, "tickets": ids, "receipt": json.dumps(receipt)}
        self._queue(queue, "match.proposed", **said)
        self._fleet("room.claimed", 1, match=name, room=f"{uid}/{room}", server=uid)
        teams = {"red": [[ids[0], "p"]], "blue": [[i, "p"] for i in ids[1:]]}
        self._queue(queue, "match.committed", 2, match=name, tickets=ids, teams=teams)
        took = self._dice.choice((2, 3, 3, 4, 7))
        formed_us = str((began_ms - 1) * 1000)
        placed = {"match": name, "tickets": ids, "server": uid, "formed_us": formed_us}
        self._queue(queue, "match.announced", took, **placed)
        self._fleet("room.acked", took + self._dice.randrange(2, 30), match=name, server=uid)
        plays_ms = self._dice.randrange(5_000, 9_000)
        self._playing.append((began_ms + plays_ms, queue, match, server, room, players))
        self._playing = deque(sorted(self._playing, key=lambda one: one[0]))

    def _queue(self, queue: str, kind: str, after_ms: int = 0, **fields: object) -> None:
        self.events += 1
        self.story.queues[queue].apply({"k": kind, "t": self.now_ms + after_ms, **fields})

    def _fleet(self, kind: str, after_ms: int = 0, **fields: object) -> None:
        self.events += 1
        self.story.apply_fleet({"k": kind, "t": self.now_ms + after_ms, **fields})

    def _id(self) -> str:
        self._ids += 1
        return f"{self._dice.getrandbits(96):024x}{self._ids:08x}"


class Nobody:
    """Answers nothing: what is asked for is not there."""

    async def fleet(self, name: str) -> FleetDetail:
        raise NotFound(f"no fleet {name}")

    async def server(self, uid: str) -> ServerDetail:
        raise NotFound(f"no server {uid}")

    async def match(self, name: str) -> MatchDetail:
        raise NotFound(f"no match {name}")

    async def ticket(self, name: str) -> TicketDetail:
        raise NotFound(f"no ticket {name}")

    def promises(self) -> PromisesDetail:
        return PromisesDetail(None, whole=False, broken=(), judged={})


class Show:
    """Frames of a world, for the server; ``play`` keeps it going in step with real time."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.watchers = 0
        self._frame = Frame(1, msgspec.json.encode(world.page()))
        self._fresh = asyncio.Event()

    def latest(self) -> Frame:
        return self._frame

    def history(self) -> bytes:
        return msgspec.json.encode(self.world.charts.history())

    async def after(self, seq: int) -> Frame:
        while self._frame.seq <= seq:
            await self._fresh.wait()
        return self._frame

    def publish(self) -> None:
        self._frame = Frame(self._frame.seq + 1, msgspec.json.encode(self.world.page()))
        self._fresh.set()
        self._fresh = asyncio.Event()

    async def play(self) -> None:
        while True:
            await asyncio.sleep(2 * STEP_MS / 1000)
            self.world.step()
            self.world.step()
            self.publish()
