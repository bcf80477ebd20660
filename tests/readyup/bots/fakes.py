"""A service in memory, for the bots' side of the protocol: it matches, and judges nothing."""

import asyncio
import itertools
import math
from typing import Any

import msgspec

from core.errors import Unreachable
from readyup.bots.messages import (
    Assigned,
    Assignment,
    Beat,
    Ended,
    Hello,
    Problem,
    Push,
    Refused,
    Ticket,
    TicketNews,
)
from readyup.bots.ports import LinkClosed, LinkQuality

TEAM = {"duel": 1, "squad": 5}
MATCH_S = {"duel": 3.0, "squad": 8.0}
TURNOVER_S = 0.3


class FakeLine:
    def __init__(self, service: "FakeService", player: str) -> None:
        self.pushes: asyncio.Queue[Push | None] = asyncio.Queue()
        self.said_goodbye = False
        self._service = service
        self._player = player
        self.open = True

    async def send(self, frame: bytes) -> None:
        if not self.open:
            raise Unreachable("closed")
        self._service.hear(self._player, msgspec.json.decode(frame))

    async def receive(self) -> Push:
        push = await self.pushes.get() if self.open or not self.pushes.empty() else None
        if push is None:
            raise Unreachable("closed")
        return push

    async def close(self) -> None:
        self.said_goodbye = self.said_goodbye or self.open
        self.cut()

    async def vanish(self) -> None:
        self.cut()

    def cut(self) -> None:
        if self.open:
            self.open = False
            self.pushes.put_nowait(None)


class FakeMatch:
    def __init__(self, name: str, queue: str, players: list[str], tickets: list[str]) -> None:
        self.name, self.queue, self.players, self.tickets = name, queue, players, tickets
        self.epoch = 1
        self.links: dict[str, FakeLink] = {}
        self.running = True


class FakeLink:
    def __init__(self, match: FakeMatch) -> None:
        self.match = match
        self.over: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self.left = ""

    async def result(self) -> dict[str, Any]:
        return await self.over

    def quality(self) -> LinkQuality:
        return LinkQuality(rtt_ms=20.0, jitter_ms=math.nan, loss_share=0.0)

    def drop(self) -> None:
        self.left = self.left or "dropped"

    async def close(self) -> None:
        self.left = self.left or "goodbye"

    def die(self, reason: str) -> None:
        if not self.over.done():
            self.over.set_exception(LinkClosed(reason))


class FakeService:
    """Both ports in one. ``rooms`` bounds the matches that run at a time."""

    def __init__(self, *, rooms: int = 24, match_s: dict[str, float] | None = None) -> None:
        self.match_s = match_s or MATCH_S
        self.rooms = rooms
        self.up = True
        self.mute = False
        self.cancel_status = 200
        self.replies_to_lose = 0
        """Enqueues that are done and answered with 503."""

        self.refusals_to_come = 0
        """Enqueues that are answered with 503 and not done."""

        self.refused: list[tuple[str, float]] = []
        """Whom, and when in the loop's time."""

        self.lines: dict[str, FakeLine] = {}
        self.dialled: list[FakeLine] = []
        self.tickets: dict[str, dict[str, Any]] = {}
        self.keys: dict[str, str] = {}
        self.matches: dict[str, FakeMatch] = {}
        self.frames: list[tuple[str, dict[str, Any]]] = []
        self.joins: list[tuple[str, Assignment]] = []
        self.refuse_join = ""
        self._numbers = itertools.count(1)
        self._waiting: dict[str, list[str]] = {"duel": [], "squad": []}
        self._latest: dict[str, str] = {}
        self._playing: dict[str, FakeMatch] = {}
        self._line: list[FakeMatch] = []

    # The API port.

    async def dial(self, player: str) -> FakeLine:
        await asyncio.sleep(0.001)
        if not self.up:
            raise Unreachable("down")
        line = self.lines[player] = FakeLine(self, player)
        self.dialled.append(line)
        ticket = self._waiting_ticket_of(player)
        match = self.match_of(player)
        line.pushes.put_nowait(
            Hello(player, _told(ticket) if ticket else None, match.name if match else None)
        )
        return line

    async def session(self, player: str) -> Assignment | None:
        await asyncio.sleep(0.001)
        if not self.up:
            raise Unreachable("down")
        match = self.match_of(player)
        return self.assignment(match, player) if match else None

    # The game port.

    async def join(self, assignment: Assignment) -> FakeLink:
        await asyncio.sleep(0.01)
        match = self.matches.get(assignment.match)
        if self.refuse_join or match is None or not match.running:
            raise LinkClosed(self.refuse_join or "ended")
        if assignment.epoch != match.epoch:
            raise LinkClosed("moved")
        player = assignment.token
        self.joins.append((player, assignment))
        link = match.links[player] = FakeLink(match)
        return link

    # What tests do to it.

    def go_down(self) -> None:
        self.up = False
        for line in self.lines.values():
            line.cut()

    def move(self, match: FakeMatch) -> None:
        """The server died: links break, and players are told a new address."""
        match.epoch += 1
        for link in match.links.values():
            link.die("lost")
        self._announce(match)

    def match_of(self, player: str) -> FakeMatch | None:
        match = self._playing.get(player)
        return match if match and match.running else None

    def assignment(self, match: FakeMatch, player: str) -> Assignment:
        port = 7000 + match.epoch
        return Assignment(match.name, "127.0.0.1", port, player, "s", "red", 0, match.epoch)

    def push(self, player: str, push: Push) -> None:
        if (line := self.lines.get(player)) and line.open:
            line.pushes.put_nowait(push)

    def end(self, match: FakeMatch, reason: str = "finished") -> None:
        match.running = False
        for player in match.players:
            self.push(player, Ended(match.name, reason))
        self.rooms += 1
        self._place()

    # Behind the API.

    def hear(self, player: str, frame: dict[str, Any]) -> None:
        self.frames.append((player, frame))
        if self.mute:
            return
        match frame["type"]:
            case "heartbeat":
                self.push(player, Beat())
            case "cancel":
                self._cancel(player)
            case "enqueue":
                self._enqueue(player, frame)

    def _enqueue(self, player: str, frame: dict[str, Any]) -> None:
        if self.refusals_to_come:
            self.refusals_to_come -= 1
            self.refused.append((player, asyncio.get_running_loop().time()))
            self.push(player, Refused(Problem("Exhausted", 503, "ask again later")))
            return
        name = self.keys.get(frame["idempotency_key"])
        if name is None and self._waiting_ticket_of(player):
            self.push(player, Refused(Problem("Conflict", 409, "has a ticket already")))
            return
        if name is None:
            name = f"{frame['queue']}.{next(self._numbers)}"
            self.keys[frame["idempotency_key"]] = name
            players = [player, *(member["id"] for member in frame.get("party", []))]
            queue = frame["queue"]
            self.tickets[name] = {
                "id": name, "queue": queue, "status": "QUEUED", "ver": 1, "players": players
            }  # fmt: skip
            self._waiting[queue].append(name)
            self._latest.update(dict.fromkeys(players, name))
        if self.replies_to_lose:
            self.replies_to_lose -= 1
            self.push(player, Refused(Problem("Unreachable", 503, "the reply was lost")))
            return
        # The others of a party are told when something changes, not that they were enqueued.
        self.push(player, TicketNews(_told(self.tickets[name])))
        self._match(frame["queue"])

    def _cancel(self, player: str) -> None:
        ticket = self._waiting_ticket_of(player)
        if ticket is None or self.cancel_status != 200:
            status = 409 if ticket is None else self.cancel_status
            self.push(player, Refused(Problem("no", status, "too late")))
            return
        self._take_out(ticket["queue"], ticket["id"])
        ticket.update(status="CANCELLED", ver=ticket["ver"] + 1)
        self._tell(ticket["id"])

    def _take_out(self, queue: str, name: str) -> None:
        """Out of the queue, or out of a match in line, which closes it."""
        closed = next((m for m in self._line if name in m.tickets), None)
        if closed is not None:
            self._line.remove(closed)
            self._waiting[queue] = [*closed.tickets, *self._waiting[queue]]
        self._waiting[queue].remove(name)

    def _match(self, queue: str) -> None:
        while True:
            teams: list[list[str]] = [[], []]
            sizes = [0, 0]
            for name in self._waiting[queue]:
                size = len(self.tickets[name]["players"])
                side = next((n for n in (0, 1) if sizes[n] + size <= TEAM[queue]), None)
                if side is not None:
                    teams[side].append(name)
                    sizes[side] += size
            if sizes != [TEAM[queue]] * 2:
                return
            tickets = teams[0] + teams[1]
            self._waiting[queue] = [n for n in self._waiting[queue] if n not in tickets]
            players = [p for name in tickets for p in self.tickets[name]["players"]]
            match = FakeMatch(f"{queue}.m{next(self._numbers)}", queue, players, tickets)
            self._line.append(match)
            self._place()

    def _place(self) -> None:
        while self._line and self.rooms > 0:
            self.rooms -= 1
            match = self._line.pop(0)
            self.matches[match.name] = match
            self._playing.update(dict.fromkeys(match.players, match))
            self._announce(match)
            loop = asyncio.get_running_loop()
            loop.call_later(self.match_s[match.queue], self._finish, match)

    def _announce(self, match: FakeMatch) -> None:
        for name in match.tickets:
            ticket = self.tickets[name]
            ticket.update(status="COMPLETED", ver=ticket["ver"] + 1)
            for player in ticket["players"]:
                self.push(player, Assigned(_told(ticket), self.assignment(match, player)))

    def _finish(self, match: FakeMatch) -> None:
        if not match.running:
            return
        for link in match.links.values():
            if not link.left and not link.over.done():
                link.over.set_result({"winner": "red"})
        asyncio.get_running_loop().call_later(TURNOVER_S, self.end, match)

    def _tell(self, name: str) -> None:
        for player in self.tickets[name]["players"]:
            self.push(player, TicketNews(_told(self.tickets[name])))

    def _waiting_ticket_of(self, player: str) -> dict[str, Any] | None:
        ticket = self.tickets.get(self._latest.get(player, ""))
        return ticket if ticket and ticket["status"] == "QUEUED" else None


def _told(ticket: dict[str, Any]) -> Ticket:
    return msgspec.convert(ticket, Ticket)
