"""Who plays where: the record of each match on its server, and the server's own steps in it."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import msgspec

from allocator.pool import Pool
from core.ids import FleetName, MatchId, PlayerId, QueueName, RoomId, ServerUid
from core.lua import LuaScript, as_json
from core.placement import Placement, SeatedPlayer

ACK = LuaScript.load("allocator.lua", "ack")
JOINED = LuaScript.load("allocator.lua", "joined")
RELEASE = LuaScript.load("allocator.lua", "release")
RESULT = LuaScript.load("allocator.lua", "result")
SNAPSHOT = LuaScript.load("allocator.lua", "snapshot")

FIELDS = (
    "queue", "room", "server", "address", "port", "epoch", "state", "players", "committed",
    "claimed_ms", "acked_ms", "joined_ms", "ended_ms", "result", "reason", "handovers",
    "roster",
)  # fmt: skip

AckedBy = Literal["server", "label", "patch"]
"""Whose word an acknowledgement is: the server's own, a label that it set with Agones' SDK, or
the cluster's, which took what was written for the server."""

SNAPSHOT_TTL_MS = 7_200_000
"""How long a snapshot is kept unless its session ends sooner: as long as a session lasts."""

ReleaseReason = Literal["finished", "no-join", "failed"]

_players = msgspec.json.Decoder(tuple[SeatedPlayer, ...])


class SessionState(StrEnum):
    """Where a session is in its life.

    ::

        pending ──▶ acked ──▶ active ──▶ ended
                      ▲          │ its server is gone
                      └─ handing-over ──▶ abandoned: nobody warm came in time
    """

    PENDING = "pending"
    ACKED = "acked"
    ACTIVE = "active"
    HANDING_OVER = "handing-over"
    ENDED = "ended"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True)
class Session:
    """One match and its room. Without a room it waits in line for another one."""

    match: MatchId
    fleet: FleetName
    queue: QueueName
    room: RoomId
    """Empty while a moved match waits; so are server and address."""

    server: ServerUid
    address: str
    port: int
    epoch: int
    state: SessionState
    players: tuple[SeatedPlayer, ...]
    committed: bool
    """Known to be committed. False says nothing: ask the matchmaker."""

    claimed_ms: int
    acked_ms: int = 0
    joined_ms: int = 0
    ended_ms: int = 0
    result: str = ""
    """JSON as the game server said it; empty before that."""

    reason: str = ""
    """Why it ended: finished, no-join, failed, lost, abandoned, stopped (by an operator) or
    closed."""

    handovers: int = 0
    """How many servers in a row took it and were left before they kept a snapshot of it."""

    roster: int = 0
    """How often its players have changed since it began."""

    def live(self) -> bool:
        """Whether the match may still be played."""
        return self.state not in (SessionState.ENDED, SessionState.ABANDONED)

    def placement(self) -> Placement:
        """Where the match is."""
        return Placement(
            self.match, self.fleet, self.server, self.room, self.address, self.port, self.epoch
        )


@dataclass(frozen=True, slots=True)
class Acked:
    """The answer to an acknowledgement."""

    ok: bool
    why_not: str
    """unknown, moved or ended; empty when ok."""

    wait_ms: int | None
    """Since the match's first claim; None except the first time."""


class Sessions:
    """The sessions of one fleet."""

    def __init__(self, pool: Pool, *, retire_after: int = 0) -> None:
        """``retire_after``: matches after which a server is retired; 0 = never."""
        self.pool = pool
        self._retire_after = retire_after
        self._store = pool.store
        self._keys = {"fleet": pool.slot}

    async def get(self, match: MatchId) -> Session | None:
        """A match's session; None if it never had a room here, or ended over an hour ago."""
        reply: list[str | None] = await self._store.call(
            "HMGET", self.pool.key(f"session:{match}"), *FIELDS
        )
        return self._session(match, [value or "" for value in reply])

    async def get_durably(self, match: MatchId) -> Session | None:
        """As ``get``, once a failover cannot take back what is read."""
        reply: list[str | None] = await self._store.durably.call(
            "HMGET", self.pool.key(f"session:{match}"), *FIELDS
        )
        return self._session(match, [value or "" for value in reply])

    async def live(self, limit: int = 1_000) -> list[MatchId]:
        """Matches with a live session, the oldest first."""
        reply = await self._store.call("ZRANGE", self.pool.key("sessions"), 0, limit - 1)
        return [MatchId(match) for match in reply]

    async def ack(
        self,
        match: MatchId,
        room: RoomId,
        server: ServerUid,
        epoch: int,
        *,
        now_ms: int,
        by: AckedBy = "server",
    ) -> Acked:
        """The server takes the match, by its own word or another's; again: the same answer."""
        args: dict[str, str | int] = {
            "match": match,
            "room": room,
            "server": server,
            "epoch": epoch,
            "now_ms": now_ms,
            "by": by,
        }
        why_not, claimed_ms = await ACK(self._store.durably, keys=self._keys, args=args)
        return Acked(not why_not, why_not, now_ms - int(claimed_ms) if int(claimed_ms) else None)

    async def joined(self, match: MatchId, server: ServerUid, epoch: int, *, now_ms: int) -> bool:
        """A player is in; the first makes the session active. False if it is not the server's."""
        args: dict[str, str | int] = {
            "match": match,
            "server": server,
            "epoch": epoch,
            "now_ms": now_ms,
        }
        return bool(await JOINED(self._store.durably, keys=self._keys, args=args))

    async def result(
        self, match: MatchId, server: ServerUid, epoch: int, *, result_json: str, now_ms: int
    ) -> bool:
        """What came of the match; the first result stands."""
        args: dict[str, str | int] = {
            "match": match,
            "server": server,
            "epoch": epoch,
            "result": result_json,
            "now_ms": now_ms,
        }
        return bool(await RESULT(self._store.durably, keys=self._keys, args=args))

    async def keep(
        self, match: MatchId, server: ServerUid, epoch: int, *, n: int, state: bytes, now_ms: int
    ) -> bool:
        """Keep a snapshot; ``n`` rises, and the newest stands. False if it is not the server's."""
        args: dict[str, str | int] = {
            "match": match,
            "server": server,
            "epoch": epoch,
            "n": n,
            "state": base64.b64encode(state).decode(),
            "ttl_ms": SNAPSHOT_TTL_MS,
            "now_ms": now_ms,
        }
        return bool(await SNAPSHOT(self._store, keys=self._keys, args=args))

    async def kept(self, match: MatchId) -> bytes | None:
        """The newest snapshot of a match that is not over."""
        state = await self._store.call("GET", self.pool.key(f"snapshot:{match}"))
        return None if state is None else base64.b64decode(state)

    async def release(
        self,
        match: MatchId,
        room: RoomId,
        server: ServerUid,
        epoch: int,
        *,
        reason: ReleaseReason,
        now_ms: int,
        left: Sequence[PlayerId] = (),
    ) -> bool:
        """The server is done: the session ends, the room serves the next match.

        ``left`` are players who had gone by then, and did not come back. True also the second
        time; False if the match is not this server's at this epoch.
        """
        args: dict[str, str | int] = {
            "match": match,
            "room": room,
            "server": server,
            "epoch": epoch,
            "reason": reason,
            "now_ms": now_ms,
            "ack_ms": self.pool.ack_ms,
            "retire_after": self._retire_after,
            "left": as_json(left) if left else "",
        }
        return bool(await RELEASE(self._store.durably, keys=self._keys, args=args))

    def _session(self, match: MatchId, values: list[str]) -> Session | None:
        said = dict(zip(FIELDS, values, strict=True))
        if not said["state"]:
            return None
        return Session(
            match=match,
            fleet=self.pool.fleet,
            queue=QueueName(said["queue"]),
            room=RoomId(said["room"]),
            server=ServerUid(said["server"]),
            address=said["address"],
            port=int(said["port"]),
            epoch=int(said["epoch"]),
            state=SessionState(said["state"]),
            players=_players.decode(said["players"]),
            committed=said["committed"] == "1",
            claimed_ms=int(said["claimed_ms"]),
            acked_ms=int(said["acked_ms"] or 0),
            joined_ms=int(said["joined_ms"] or 0),
            ended_ms=int(said["ended_ms"] or 0),
            result=said["result"],
            reason=said["reason"],
            handovers=int(said["handovers"] or 0),
            roster=int(said["roster"] or 0),
        )
