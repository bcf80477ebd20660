"""Which of a server's matches are to go on at another one: all of them, or one that is called."""

from collections.abc import Mapping

from core.ids import RoomId
from gameserver.rooms import Room, State
from gameserver.sessions_link import Leave
from gameserver.telling import Telling


class Leaving:
    """Of one server. What was asked for is played here until it is withdrawn."""

    def __init__(self, rooms: Mapping[RoomId, Room], telling: Telling) -> None:
        self._rooms = rooms
        self._tell = telling

    def hand_over(self, *states: State, kept_only: bool = False) -> None:
        """Ask for other servers for the matches in these states.

        ``kept_only``: no match that would begin anew there, for want of a snapshot.
        """
        for room in self._rooms.values():
            told = room.snapshot.state is not None or not kept_only
            if room.state in states and not room.leaving and told:
                self._ask(room)

    def called(self, away: Leave) -> None:
        """The allocator wants the match elsewhere; of one that is not played here, no news."""
        for room in self._rooms.values():
            held = room.match
            if held and (held.match, held.epoch) == (away.match, away.epoch):
                if room.state is not State.ENDED:
                    self._ask(room)
                return

    def _ask(self, room: Room) -> None:
        room.leaving = True
        self._tell.handover(room)
