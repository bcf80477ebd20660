"""A fleet's new version: the reserve moves over to it, and what is left of the old one goes.

Nobody is moved. New servers are taken first; an old one goes only when the reserve is full
without it, and one that is played on is marked then, and goes when its last match has ended.
"""

from collections.abc import Collection, Mapping

from core.game_server import ServerView
from core.ids import RoomId, ServerUid


def is_current(server: ServerView, version: str) -> bool:
    """Whether a server is of the fleet's version; without one, any is."""
    return not version or server.version == version


def leaving_next(
    rooms: Mapping[ServerUid, Collection[RoomId]], free: Collection[RoomId], *, spare: int
) -> list[ServerUid]:
    """The old servers that may go now, those that nobody plays on in front.

    Args:
        rooms: Of each server of another version.
        free: Rooms that could be handed out at this moment, on any server.
        spare: So many of them could be missing, and the reserve would still be full.
    """
    going: list[ServerUid] = []
    costs = {uid: sum(room in free for room in ours) for uid, ours in rooms.items()}
    for uid in sorted(rooms, key=lambda uid: (-costs[uid], uid)):
        if spare < costs[uid]:
            break  # those behind it are played on, and their free rooms are needed first
        spare -= costs[uid]
        going.append(uid)
    return going
