"""Players who leave a match that runs, and those who come in their place: what is done about it."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final

from core.clock import Clock
from core.ids import PlayerId
from gameserver.rooms import Room, State
from gameserver.sessions_link import Backfill, Roster
from gameserver.telling import Telling

SAY_AGAIN_S: Final = 2.0
"""A request that got no answer for so long is sent again."""


class Refilling:
    """For all rooms of a server."""

    def __init__(self, telling: Telling, clock: Clock) -> None:
        self.rejoin_s = 0.0
        """As the allocator said: how long somebody who left is awaited."""

        self._tell = telling
        self._clock = clock

    def ask(self, room: Room, open_: Mapping[str, int], gone: Collection[PlayerId]) -> None:
        """The game asks for players; ``look`` says it."""
        room.vacancies.ask(open_, gone)

    def look(self, room: Room) -> None:
        """Say what the match lacks, where that is news or went unanswered."""
        if room.state is not State.PLAYING or room.match is None:
            return
        request = room.vacancies.to_say(
            room.match.players,
            self._clock.elapsed_s(),
            rejoin_s=self.rejoin_s,
            again_s=SAY_AGAIN_S,
        )
        if request is not None:
            self._tell.backfill(room, request)

    def left(self, room: Room, player: PlayerId) -> None:
        """A player is not connected any more."""
        room.vacancies.left(player, self._clock.elapsed_s())

    def answered(self, room: Room | None, message: Backfill) -> None:
        """The allocator answers a request."""
        if _is_of(room, message) and room is not None:
            room.vacancies.answered(message.n, message.state)

    def reseat(self, room: Room | None, message: Roster) -> None:
        """The match has other players from now on; what is older than known is passed over."""
        if room is None or room.match is None or not _is_of(room, message):
            return
        if message.n <= room.match.roster:
            return
        room.match = replace(room.match, players=tuple(message.players), roster=message.n)
        room.vacancies.seated(message.players)
        seated = {one.player for one in message.players}
        room.here = {player: here for player, here in room.here.items() if player in seated}
        self._tell.note("server.reseated", room, roster=message.n, players=sorted(seated))

    def end(self, room: Room) -> None:
        """The match is over: whoever left and did not come back is noted."""
        now_s = self._clock.elapsed_s()
        room.left = tuple(room.vacancies.leavers(now_s, rejoin_s=self.rejoin_s))


def _is_of(room: Room | None, message: Roster | Backfill) -> bool:
    held = room.match if room else None
    return held is not None and (held.match, held.epoch) == (message.match, message.epoch)
