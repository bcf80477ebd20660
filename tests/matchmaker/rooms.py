"""A few rooms in memory, for tests of the matchmaker: what its port ``Allocations`` promises."""

import asyncio
from collections.abc import AsyncIterator

from core.ids import FleetName, MatchId, RoomId, ServerUid, server_of
from core.placement import ClaimOrder, Placement
from matchmaker.ports import RoomFound


class FewRooms:
    """Rooms ``u0/0``, ``u1/0``, ... and a line of matches that wait for one."""

    def __init__(self, many: int) -> None:
        self.free = [RoomId(f"u{n}/0") for n in range(many)]
        self.held: dict[MatchId, RoomId] = {}
        self.line: list[MatchId] = []
        self.withdrawn: list[MatchId] = []
        self._found: asyncio.Queue[RoomFound] = asyncio.Queue()

    async def claim(self, order: ClaimOrder, fleet: FleetName, *, now_ms: int) -> Placement | None:
        match = order.match
        if match not in self.held:
            if not self.free:
                if match not in self.line:
                    self.line.append(match)
                return None
            self.held[match] = self.free.pop(0)
        room = self.held[match]
        server = server_of(room)
        return Placement(match, FleetName("arena"), server, room, "127.0.0.1", 7000, 1)

    async def withdraw(self, match: MatchId, *, reason: str, now_ms: int) -> bool:
        self.withdrawn.append(match)
        if match in self.line:
            self.line.remove(match)
            return True
        room = self.held.pop(match, None)
        if room is not None:
            self.give(room)
        return room is not None

    def give(self, room: RoomId, *, at_ms: int = 1) -> None:
        """A room comes free; the head of the line gets it."""
        if self.line:
            match = self.line.pop(0)
            self.held[match] = room
            self._found.put_nowait(RoomFound(match, at_ms))
        else:
            self.free.append(room)

    def new_room(self, name: str) -> None:
        self.give(RoomId(f"{ServerUid(name)}/0"))

    async def rooms_found(self, fleet: FleetName) -> AsyncIterator[RoomFound]:
        while True:
            yield await self._found.get()
