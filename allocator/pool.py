"""The warm pool: which rooms are free, which match holds which, and who waits in line.

Every transition is one Lua script in the fleet's slot (``allocator/lua``), guarded by what
it expects, so asking twice has one effect. ``now_ms`` comes from the caller. What players
and servers are told of is done durably, so that a failover does not forget it.
"""

from collections.abc import Sequence
from typing import Literal

from allocator.rooms import Census, NewRoom, placement_of, ranks_of, suspects
from allocator.settings import ACK_MS
from core.buckets import took_commands
from core.game_server import ServerView
from core.ids import FleetName, MatchId, RoomId, ServerUid
from core.lua import LuaScript, as_json
from core.pause import PauseKey
from core.placement import ClaimOrder, Placement
from core.redis import Store

SWEEP_MAX = 256
"""Entries of the waiting line looked at in one sweep; the next sweep takes the next."""

RoomTo = Literal["free", "suspect"]

ADD_ROOM = LuaScript.load("allocator.lua", "add_room")
CLAIM = LuaScript.load("allocator.lua", "claim")
CONFIRM = LuaScript.load("allocator.lua", "confirm")
DOUBT = LuaScript.load("allocator.lua", "doubt")
END_SESSION = LuaScript.load("allocator.lua", "end_session")
FENCE = LuaScript.load("allocator.lua", "fence")
FORGET = LuaScript.load("allocator.lua", "forget")
LEAVE = LuaScript.load("allocator.lua", "leave")
MOVE = LuaScript.load("allocator.lua", "move")
RANK = LuaScript.load("allocator.lua", "rank")
REMOVE_SERVER = LuaScript.load("allocator.lua", "remove_server")
RETIRE = LuaScript.load("allocator.lua", "retire")
SUSPECT = LuaScript.load("allocator.lua", "suspect")
SWEEP = LuaScript.load("allocator.lua", "sweep")
TRUST = LuaScript.load("allocator.lua", "trust")
WITHDRAW = LuaScript.load("allocator.lua", "withdraw")


class Pool:
    """One fleet's rooms. Holds nothing itself: any number of processes may have one."""

    def __init__(self, store: Store, fleet: FleetName, *, ack_ms: int = ACK_MS) -> None:
        self.store = store
        self.fleet = fleet
        self.ack_ms = ack_ms
        self.slot = f"{{f:{fleet}}}"
        """With this every key of the fleet begins; the braces keep them in one cluster slot."""

        self._keys = {"fleet": self.slot}
        self.pause = PauseKey(store, self.key("paused"))
        """While it is set no room is handed out; matches wait in line, moved ones in front."""

    def key(self, name: str) -> str:
        """A key of this fleet, e.g. ``{f:arena}:free``."""
        return f"{self.slot}:{name}"

    async def claim(self, order: ClaimOrder, *, now_ms: int) -> Placement | None:
        """A room for a match; the same match gets the same room again.

        None while the match waits in line (ask again, or watch the fleet's log for
        ``room.claimed``); also when it was withdrawn or has ended, or its deadline is past.
        """
        assert order.players, order
        reply = await CLAIM(
            self.store.durably,
            keys=self._keys,
            args={
                "match": order.match,
                "queue": order.queue,
                "players": as_json(order.players),
                "deadline_ms": order.deadline_ms,
                "now_ms": now_ms,
                "ack_ms": self.ack_ms,
            },
        )
        return placement_of(self.fleet, order.match, reply)

    async def withdraw(
        self, match: MatchId, *, reason: str, now_ms: int, room_to: RoomTo = "free"
    ) -> bool:
        """Undo a claim, or leave the line; the match can never claim again.

        True when the match holds nothing because of this (also the second time); False
        when it is known to be committed, ended otherwise, or is unknown.
        """
        reply = await WITHDRAW(
            self.store,
            keys=self._keys,
            args={
                "match": match,
                "room_to": room_to,
                "reason": reason,
                "now_ms": now_ms,
                "ack_ms": self.ack_ms,
            },
        )
        return bool(reply)

    async def leave(self, match: MatchId, *, now_ms: int) -> bool:
        """The match gets its room elsewhere: it can never claim here again.

        False when it has a room here, or had one and waits for another.
        """
        args: dict[str, str | int] = {"match": match, "now_ms": now_ms}
        return bool(await LEAVE(self.store, keys=self._keys, args=args))

    async def confirm(self, match: MatchId) -> bool:
        """The match is committed, so its claim no longer lapses; False if it lives no more."""
        return bool(await CONFIRM(self.store, keys=self._keys, args={"match": match}))

    async def move(
        self, match: MatchId, epoch: int, *, deadline_ms: int, now_ms: int, played: bool = False
    ) -> Placement | None:
        """Leave a room whose server does not answer, for another one at a higher epoch.

        Only a match that is due (its acknowledgement is late, or ``doubt``) is moved, and one
        that somebody has joined only with ``played``: then it is handed over. None while it
        waits at the front of the line, until ``deadline_ms``; also when there is nothing to
        move: acknowledged meanwhile, or ended. Asking again with the old epoch tells where
        the match is now.
        """
        reply = await MOVE(
            self.store.durably,
            keys=self._keys,
            args={
                "match": match,
                "epoch": epoch,
                "deadline_ms": deadline_ms,
                "now_ms": now_ms,
                "ack_ms": self.ack_ms,
                "played": int(played),
            },
        )
        return placement_of(self.fleet, match, reply)

    async def doubt(self, match: MatchId, epoch: int, *, now_ms: int) -> bool:
        """The match's server is silent or refused it: the reaper looks at it next."""
        reply = await DOUBT(
            self.store,
            keys=self._keys,
            args={"match": match, "epoch": epoch, "now_ms": now_ms},
        )
        return bool(reply)

    async def forget(self, match: MatchId) -> None:
        """Drop the deadlines of a match without a live session; else nothing happens."""
        await FORGET(self.store, keys=self._keys, args={"match": match})

    async def due(self, index: str, *, until_ms: int) -> list[MatchId]:
        """Matches whose deadline in ``claims``, ``acks`` or ``sessions`` has come, 256 at most."""
        reply = await self.store.call(
            "ZRANGEBYSCORE", self.key(index), "-inf", until_ms, "LIMIT", 0, 256
        )
        return [MatchId(match) for match in reply]

    async def is_due(self, match: MatchId, *, now_ms: int) -> bool:
        """Whether somebody must look after the match now.

        Asked after its session was read: if it is due, whatever happened in between has
        raised its epoch.
        """
        due_ms = await self.store.call("ZSCORE", self.key("acks"), match)
        return due_ms is not None and float(due_ms) <= now_ms

    async def end_session(self, match: MatchId, epoch: int, *, reason: str, now_ms: int) -> bool:
        """End a session its server did not end; the room stays aside until its server is heard.

        False when the match is unknown or at another epoch by now.
        """
        reply = await END_SESSION(
            self.store,
            keys=self._keys,
            args={"match": match, "epoch": epoch, "reason": reason, "now_ms": now_ms},
        )
        return bool(reply)

    async def add_room(self, room: NewRoom, *, now_ms: int) -> bool:
        """A room for the reserve, or for whoever waits first; False if it was there already."""
        reply = await ADD_ROOM(
            self.store,
            keys=self._keys,
            args={
                "room": room.room,
                "server": room.server,
                "address": room.address,
                "port": room.port,
                "version": room.version,
                "rank": room.rank,
                "now_ms": now_ms,
                "ack_ms": self.ack_ms,
            },
        )
        return bool(reply)

    async def rank(self, room: RoomId, rank: int) -> bool:
        """Where a room stands when it is free, the lower the sooner; False if unknown."""
        args: dict[str, str | int] = {"room": room, "rank": rank}
        return bool(await RANK(self.store, keys=self._keys, args=args))

    async def remove_server(self, server: ServerUid, *, reason: str, now_ms: int) -> list[MatchId]:
        """Forget a server and its rooms; returns the matches that were on it.

        They are due for the reaper at once, so nothing is lost when the caller dies here.
        """
        reply: list[str] = await REMOVE_SERVER(
            self.store,
            keys=self._keys,
            args={"server": server, "reason": reason, "now_ms": now_ms},
        )
        return [MatchId(match) for match in reply]

    async def retire(self, server: ServerUid, *, now_ms: int) -> int:
        """Take a server out of the reserve; returns how many matches it still has to finish."""
        reply = await RETIRE(self.store, keys=self._keys, args={"server": server, "now_ms": now_ms})
        return int(reply)

    async def fence(self, server: ServerView, *, now_ms: int) -> list[list[str]]:
        """Take a server out of the reserve, or keep it from coming in, whichever is first.

        Returns match, epoch and time of claim of each match that it still has to finish.
        """
        reply: list[list[str]] = await FENCE(
            self.store,
            keys=self._keys,
            args={
                "server": server.uid,
                "rooms": server.rooms,
                "address": server.address,
                "port": server.port,
                "version": server.version,
                "now_ms": now_ms,
            },
        )
        return reply

    async def suspect(self, server: ServerUid, *, now_ms: int) -> None:
        """Hand none of a silent server's free rooms to anybody until it is heard again."""
        await SUSPECT(self.store, keys=self._keys, args={"server": server, "now_ms": now_ms})

    async def trust(self, room: RoomId, *, now_ms: int) -> bool:
        """A suspect room back to the reserve; False if it was not suspect."""
        reply = await TRUST(
            self.store,
            keys=self._keys,
            args={"room": room, "now_ms": now_ms, "ack_ms": self.ack_ms},
        )
        return bool(reply)

    async def sweep(self, *, now_ms: int) -> int:
        """Let matches past their deadline leave the line; returns how many did."""
        reply = await SWEEP(
            self.store,
            keys=self._keys,
            args={"now_ms": now_ms, "limit": SWEEP_MAX, "ack_ms": self.ack_ms},
        )
        return int(reply)

    async def note(self, what: str, durations_s: Sequence[float], *, now_ms: int) -> None:
        """Add durations to those of the day; see ``core.buckets``."""
        await self.store.many(took_commands(self.slot, what, durations_s, now_ms=now_ms))

    async def warm(self) -> int:
        """Free rooms that nobody waits for; none while the fleet is paused."""
        free, waiting, paused = await self.store.many(
            [
                ("ZCARD", self.key("free")),
                ("ZCARD", self.key("waiting")),
                ("EXISTS", self.key("paused")),
            ]
        )
        return 0 if paused else max(0, int(free) - int(waiting))

    async def census(self) -> Census:
        """Every room and what it is to the reserve. Read before the backend's servers are:
        a room seen here whose server is not there afterwards is gone, never just new.
        """
        rooms, free, retiring, suspect, greeted, waiting, target = await self.store.many(
            [
                ("SMEMBERS", self.key("rooms")),
                ("ZRANGE", self.key("free"), 0, -1, "WITHSCORES"),
                ("ZRANGE", self.key("retiring"), 0, -1),
                ("ZRANGE", self.key("suspect"), 0, -1, "WITHSCORES"),
                ("HKEYS", self.key("servers")),
                ("ZCARD", self.key("waiting")),
                ("HGET", self.key("plan"), "reserve_target"),
            ]
        )
        return Census(
            rooms=frozenset(map(RoomId, rooms)),
            free=frozenset(map(RoomId, free[::2])),
            retiring=frozenset(map(RoomId, retiring)),
            suspect=suspects(suspect),
            waiting=int(waiting),
            greeted=frozenset(map(ServerUid, greeted)),
            ranks=ranks_of(free),
            # However old: without a plan the fleet's size stays, and so does its reserve.
            reserve_target=int(target) if target and target.isdigit() else None,
            version=await self.store.call("GET", self.key("version")) or "",
        )
