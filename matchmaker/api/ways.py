"""A player's way into a match: where it runs now, and a join token for it, made when asked for."""

import random
from collections.abc import Mapping

from core.clock import Clock
from core.errors import Exhausted, NotFound
from core.ids import MatchId, PlayerId, queue_of
from core.join_token import Minter, Seat
from core.placement import Placement
from matchmaker.api.keys import Principal
from matchmaker.api.shapes import Assignment, SessionOut
from matchmaker.ports import Sessions
from matchmaker.store import QueueStore
from matchmaker.tickets import MatchRecord


class Ways:
    """Of the players of some queues."""

    def __init__(
        self,
        queues: Mapping[str, QueueStore],
        sessions: Sessions,
        *,
        minter: Minter,
        clock: Clock,
        chance: random.Random,
    ) -> None:
        self._queues = queues
        self._sessions = sessions
        self._minter = minter
        self._clock = clock
        self._chance = chance

    async def session(self, player: PlayerId, caller: Principal) -> SessionOut:
        """Where a player's match runs now, with a fresh join token: the way back after a drop.

        Raises:
            NotFound: no match of theirs runs, or the caller is somebody else.
            Exhausted: it has lost its game server and waits for another; ask again.
        """
        nowhere = NotFound(f"no running match of {player!r}")
        if not (caller.is_backend() or caller.is_player(player)):
            raise nowhere
        found = await self._sessions.session_of(player)
        if found is None:
            raise nowhere
        if found.placement is None:
            raise Exhausted(f"{found.match} is being moved to another game server; ask again")
        queue = self._queues.get(queue_of(found.match))
        match = await queue.match(found.match) if queue else None
        way = self.assignment(match, found.placement, player) if match else None
        if queue is None or way is None:
            raise nowhere
        return SessionOut(player, found.match, queue.settings.name, found.state, way)

    async def match_of(self, player: PlayerId) -> MatchId | None:
        """The match they are in, wherever it runs or while it is being moved."""
        found = await self._sessions.session_of(player)
        return found.match if found else None

    def assignment(
        self, match: MatchRecord, placement: Placement, player: PlayerId
    ) -> Assignment | None:
        """A player's way into a match, with a token made now; None for a stranger."""
        seated = match.seat_of(player)
        if seated is None:
            return None
        ticket, team, seat = seated
        token = self._minter.mint(
            Seat(placement.server, placement.match, placement.epoch, player, ticket, team, seat),
            now_ms=self._clock.wall_ms(),
            jti=f"{self._chance.getrandbits(128):032x}",
        )
        return Assignment(
            match=placement.match,
            ticket=ticket,
            address=placement.address,
            port=placement.port,
            token=token,
            server=placement.server,
            team=team,
            seat=seat,
            epoch=placement.epoch,
        )
