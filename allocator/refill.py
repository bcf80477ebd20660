"""What the reserve lacks or has too much of: a pure function of rooms and servers."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from allocator.ports import CLAIM_LABEL
from allocator.rank import emptiest_first, misplaced, played_on, ranks
from allocator.rollout import is_current, leaving_next
from allocator.rooms import Census, NewRoom, rooms_of
from allocator.settings import AllocatorSettings
from core.game_server import ServerView, State
from core.ids import RoomId, ServerUid, server_of

_CLAIM = "refill-"


@dataclass(frozen=True, slots=True)
class Plan:
    """What one pass does to the reserve."""

    rank: dict[RoomId, int] = field(default_factory=dict)
    """Free rooms whose place among the others is another now."""

    gone: list[ServerUid] = field(default_factory=list)
    """Servers with rooms, or heard once, that the backend no longer has."""

    add: list[NewRoom] = field(default_factory=list)
    take: list[ServerView] = field(default_factory=list)
    """Servers whose claims are to be asked for; some backends may take others instead."""

    give_up: list[ServerUid] = field(default_factory=list)
    """Servers all of whose rooms are retiring."""

    surplus: list[ServerUid] = field(default_factory=list)
    """Servers with only free rooms, without which the reserve would still be full."""

    hopeless: list[ServerUid] = field(default_factory=list)
    """Servers with a room that has been suspect for too long."""

    outdated: list[ServerUid] = field(default_factory=list)
    """Servers of another version, without which the reserve would still be full."""


def plan_reserve(
    census: Census,
    running: Sequence[ServerView],
    asked: Collection[str],
    settings: AllocatorSettings,
    *,
    now_ms: int,
    late: Collection[ServerUid] = (),
    fenced: Collection[ServerUid] = (),
) -> Plan:
    """What the reserve lacks or has too much of.

    ``asked`` are claims asked for that no server carries yet. Rooms wanted are the reserve's
    target, by the fleet's plan or else by the settings, and one for each match in line. Rooms
    of servers whose ticks come ``late`` are handed out last, those of ``fenced`` ones never.
    """
    played = played_on(census)
    wanted = ranks(running, played, late)
    taken = {s.uid: s for s in running if s.state is State.ALLOCATED and CLAIM_LABEL in s.labels}
    by_server = _by_server(census.rooms)
    present = {server.uid for server in running}
    gone = [uid for uid in by_server if uid not in taken and uid not in fenced]
    gone += [uid for uid in census.greeted if uid not in present and uid not in by_server]
    rooms = [r for one in taken.values() for r in rooms_of(one, rank=wanted.get(one.uid, 0))]
    add = [room for room in rooms if room.room not in census.rooms]

    free = {room for room in census.free if server_of(room) in taken}
    open_ = [server for server in open_claims(running) if server.uid not in fenced]
    coming = [server for server in open_ if claim_of(server) in asked]
    on_the_way = sum(server.rooms for server in coming)
    target = settings.reserve_rooms if census.reserve_target is None else census.reserve_target
    short = target + census.waiting - len(free) - len(add) - on_the_way
    fresh = [server for server in open_ if server not in coming]
    kept = {uid: rooms for uid, rooms in by_server.items() if uid in taken}
    old = {uid: rooms for uid, rooms in kept.items() if not is_current(taken[uid], census.version)}
    outdated = leaving_next(
        {uid: rooms for uid, rooms in old.items() if not rooms <= census.retiring},
        free,
        spare=len(free) - target - census.waiting,
    )
    # What goes with them is no longer there to be given back as surplus.
    staying = {uid: rooms for uid, rooms in kept.items() if uid not in outdated}
    spare = -short - sum(server_of(room) in outdated for room in free)
    ready = [one for one in running if one.state is State.READY and one.uid not in fenced]
    new = sum(is_current(server, census.version) for server in ready)
    # Whatever is Ready fills the reserve; what is of the fleet's version also renews it.
    renewing = short + sum(server_of(room) in old for room in free)
    # Each claim on its way will use up a Ready server, whichever that is.
    takes = [
        _enough(fresh[: max(0, there - len(coming))], rooms)
        for there, rooms in ((len(ready), short), (new, renewing))
    ]
    give_up_after_ms = settings.suspect_give_up_ms
    return Plan(
        gone=sorted(gone),
        add=add,
        take=max(takes, key=len),
        give_up=sorted(
            uid
            for uid, rooms in by_server.items()
            if (uid in taken or uid in fenced) and rooms <= census.retiring
        ),
        surplus=_too_many(staying, free, spare, order=emptiest_first(staying, running, played)),
        rank=misplaced(census, wanted),
        outdated=outdated,
        hopeless=sorted(
            {
                server_of(room)
                for room, since_ms in census.suspect.items()
                if give_up_after_ms and now_ms - since_ms > give_up_after_ms
            }
        ),
    )


def _by_server(rooms: Collection[RoomId]) -> dict[ServerUid, set[RoomId]]:
    by_server: dict[ServerUid, set[RoomId]] = {}
    for room in rooms:
        by_server.setdefault(server_of(room), set()).add(room)
    return by_server


def claim_of(server: ServerView) -> str:
    """The claim that is called after this server. Its value is a token and no more."""
    return f"{_CLAIM}{server.uid}"


def open_claims(running: Sequence[ServerView]) -> list[ServerView]:
    """The servers whose claims nobody carries, the oldest first.

    A backend that takes the server it is asked for gives each its own claim, and then these
    are the Ready ones. Where the backend chooses, one may carry another's claim; then its
    own claim is open still, at its old place. So which claims are asked for depends on how
    many were met, not on where: two allocators that see the same ask for the same ones.
    """
    # The label of one that is Ready again, or shuts down, is a memory of an earlier claim.
    carried = {one.labels.get(CLAIM_LABEL) for one in running if one.state is State.ALLOCATED}
    return [
        server
        for server in sorted(running, key=lambda one: (one.created_ms, one.uid))
        if claim_of(server) not in carried
        and (server.state is State.READY or _carries_anothers(server))
    ]


def _carries_anothers(server: ServerView) -> bool:
    taken = server.state is State.ALLOCATED
    return taken and server.labels.get(CLAIM_LABEL, "").startswith(_CLAIM)


def _enough(servers: Sequence[ServerView], short: int) -> list[ServerView]:
    chosen: list[ServerView] = []
    for server in servers:
        if short <= 0:
            break
        chosen.append(server)
        short -= server.rooms
    return chosen


def _too_many(
    kept: Mapping[ServerUid, set[RoomId]],
    free: Collection[RoomId],
    spare: int,
    *,
    order: Sequence[ServerUid],
) -> list[ServerUid]:
    surplus = []
    for uid in order:
        rooms = kept[uid]
        if len(rooms) <= spare and all(room in free for room in rooms):
            surplus.append(uid)
            spare -= len(rooms)
    return surplus
