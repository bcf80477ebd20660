"""Newcomers on their way to a match that runs: where they sit there, and that they may.

They are proposed and committed like any match. What is claimed for them is no room but seats,
in the session that has the room: it takes them only at the epoch at which they were asked for.
"""

from collections.abc import Mapping

import msgspec

from core.clock import Clock
from core.ids import MatchId, TicketId
from core.lua import as_json
from core.placement import Placement, SeatedPlayer, SeatOrder
from matchmaker.forming import Forming
from matchmaker.ports import Allocations
from matchmaker.store import QueueStore
from matchmaker.tickets import Fill, OpenMatch, Teams

UNSEAT_MAX = 100

_teams = msgspec.json.Decoder(Teams).decode


def fill_of(wanted: OpenMatch | None, newcomers: Teams) -> Fill | None:
    """Where newcomers sit: on the seats of those who have gone, then on new ones."""
    if wanted is None:
        return None
    after = {team: list(seats) for team, seats in wanted.teams.items()}
    out = []
    for team, coming in newcomers.items():
        seats = after.setdefault(team, [])
        free = [n for n, (_, player) in enumerate(seats) if player in wanted.gone]
        for n, newcomer in zip(free, coming, strict=False):
            out.append(seats[n][1])
            seats[n] = newcomer
        seats.extend(coming[len(free) :])
    return Fill(wanted.match, wanted.id, wanted.fleet, wanted.epoch, tuple(out), as_json(after))


def seated(
    teams: Teams, fill: Fill | None, traced: Mapping[TicketId, str]
) -> tuple[SeatedPlayer, ...]:
    """The players of a match, each with a seat; newcomers with the seat that waits for them."""
    everybody = _teams(fill.after) if fill else teams
    coming = {player for seats in teams.values() for _, player in seats}
    return tuple(
        SeatedPlayer(player, ticket, team, seat, traced.get(ticket, ""))
        for team, seats in everybody.items()
        for seat, (ticket, player) in enumerate(seats)
        if player in coming
    )


def everybody_of(forming: Forming) -> Teams:
    """The teams of the match that its players are to play in, with those who play already."""
    return _teams(forming.fill.after) if forming.fill else forming.teams


class Filling:
    """Takes seats for one queue's newcomers, and gives back those that nobody came to."""

    def __init__(self, queue: QueueStore, rooms: Allocations, clock: Clock) -> None:
        self._queue = queue
        self._rooms = rooms
        self._clock = clock

    async def seat(self, forming: Forming, fill: Fill) -> Placement | None:
        """Have the session take the newcomers; refused, their tickets wait again.

        Raises:
            StoreUnreachable: whether they have seats is not known; ask again.
        """
        order = _order(forming.order.match, fill, forming.order.players)
        placement = await self._rooms.seat(order, now_ms=self._clock.wall_ms())
        if placement is None:
            now_ms = self._clock.wall_ms()
            await self._queue.settle(forming.order.match, reason="no seat", now_ms=now_ms)
        return placement

    async def unseat(self) -> None:
        """Give back the seats of newcomers whose match was closed. Level-triggered."""
        key = f"{self._queue.base}:unseat"
        for name in await self._queue.store.call("ZRANGE", key, 0, UNSEAT_MAX - 1):
            record = await self._queue.match(MatchId(name))
            if record is not None and record.fill is not None:
                order = _order(record.id, record.fill, seated(record.teams, record.fill, {}))
                await self._rooms.unseat(order, now_ms=self._clock.wall_ms())
            await self._queue.store.call("ZREM", key, name)


def _order(match: MatchId, fill: Fill, players: tuple[SeatedPlayer, ...]) -> SeatOrder:
    return SeatOrder(fill.of, match, fill.fleet, fill.epoch, players, fill.out)
