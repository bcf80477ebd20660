"""Which free room is handed out before which: what is proven and punctual first, then what packs.

A rank is a whole number, the lower the sooner; among equals goes the room that has been free
longest. Ranks are looked at with the reserve, four times a second, and claims just take the first.
"""

from collections.abc import Collection, Mapping, Sequence

from allocator.rooms import Census
from core.game_server import Pinned, ServerView, pinned_states
from core.ids import RoomId, ServerUid, server_of

PROVEN, UNPROVEN, LATE = 0, 1, 2
"""Of a server: its cores are proven to be its own; nobody knows; its ticks come late."""

SERVER_PLAYED_ON, NODE_PLAYED_ON, EMPTY = 0, 1, 2
"""What packs: whole servers and whole nodes come free, and can be given back."""

PACKINGS = 3


def ranks(
    running: Sequence[ServerView], played_on: Collection[ServerUid], late: Collection[ServerUid]
) -> dict[ServerUid, int]:
    """The rank of each server's free rooms.

    Args:
        running: The fleet's servers.
        played_on: Those with a match.
        late: Those whose ticks come late.
    """
    known = pinned_states(running)
    # Servers are on the host's network, so an address is a node.
    busy = {one.address for one in running if one.uid in played_on}
    if len({one.address for one in running}) == 1:
        busy = {one.address for one in running}  # one node is as full as any other
    return {
        one.uid: PACKINGS * _quality(one.uid, known, late) + _packing(one, played_on, busy)
        for one in running
    }


def _quality(uid: ServerUid, known: Mapping[ServerUid, Pinned], late: Collection[ServerUid]) -> int:
    if uid in late:
        return LATE
    return PROVEN if known[uid] is Pinned.PROVEN else UNPROVEN


def _packing(server: ServerView, played_on: Collection[ServerUid], busy: Collection[str]) -> int:
    if server.uid in played_on:
        return SERVER_PLAYED_ON
    return NODE_PLAYED_ON if server.address in busy else EMPTY


def played_on(census: Census) -> frozenset[ServerUid]:
    """Servers with a match."""
    aside = census.free | census.retiring | census.suspect.keys()
    return frozenset(server_of(room) for room in census.rooms - aside)


def misplaced(census: Census, wanted: Mapping[ServerUid, int]) -> dict[RoomId, int]:
    """Free rooms that do not stand where they should, with their right ranks."""
    return {
        room: wanted[server_of(room)]
        for room in sorted(census.free)
        if server_of(room) in wanted and wanted[server_of(room)] != census.ranks.get(room)
    }


def emptiest_first(
    servers: Collection[ServerUid], running: Sequence[ServerView], played_on: Collection[ServerUid]
) -> list[ServerUid]:
    """In which order servers are given back: those of the emptiest nodes first."""
    node = {one.uid: one.address for one in running}
    matches: dict[str, int] = {}
    for uid in played_on:
        matches[node.get(uid, "")] = matches.get(node.get(uid, ""), 0) + 1
    return sorted(servers, key=lambda uid: (matches.get(node.get(uid, ""), 0), uid))
