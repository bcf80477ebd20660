"""Tickets, matches and sessions as Redis keeps them, for those that the streams told too long ago.

A stored record has the times of its steps, and nothing of what it was before the last one.
"""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from core.placement import Placement, SeatedPlayer
from core.redis import Store
from matchmaker.engine.receipt import receipt_of
from readyup.console import reading as read
from readyup.console.timeline import JOINED, MatchLine, Step, TicketLine

Record = Mapping[str, str]

MATCH_STEPS = (
    ("proposed_ms", "match.proposed", "match found"),
    ("committed_ms", "match.committed", "committed: the tickets have left their queue"),
    ("announced", "match.announced", "announced to the players"),
    ("ended", "match.ended", "ended"),
)
SESSION_STEPS = (
    ("claimed_ms", "room.claimed", "a room is held"),
    ("acked_ms", "room.acked", "the server acknowledged"),
    ("joined_ms", "player.joined", "the first player joined"),
    ("ended_ms", "session.ended", "the session is over"),
)

_names = msgspec.json.Decoder(list[str])
_teams = msgspec.json.Decoder(dict[str, list[tuple[str, str]]])
_placement = msgspec.json.Decoder(Placement)
_seated = msgspec.json.Decoder(list[SeatedPlayer])


class _Body(msgspec.Struct):
    mmr: float | None = None


class _Request(msgspec.Struct):
    open: dict[str, int]


_body = msgspec.json.Decoder(_Body)
_request = msgspec.json.Decoder(_Request)


@dataclass(frozen=True, slots=True)
class StoredTicket:
    """A ticket's record."""

    line: TicketLine
    status: str
    expires_ms: int
    reason: str


class Stored:
    """Reads records by id. ``queues`` maps a queue to the prefix of its keys."""

    def __init__(self, store: Store, queues: Mapping[str, str]) -> None:
        self._store = store
        self._queues = dict(queues)

    async def ticket(self, queue: str, name: str) -> StoredTicket | None:
        """A ticket, for an hour after its end; None when there is none."""
        held = await self._hash(f"{self._queues[queue]}:ticket:{name}")
        return ticket_of(name, f"queue/{queue}", held) if held else None

    async def match(self, queue: str, name: str) -> MatchLine | None:
        """A match with its session's steps; None when there is none."""
        held = await self._hash(f"{self._queues[queue]}:match:{name}")
        if not held:
            return None
        line = match_of(name, f"queue/{queue}", held)
        if line.fleet:
            session = await self.session(line.fleet, name)
            line.steps.extend(session_steps(line.fleet, session))
            line.reason = line.reason or session.get("reason", "")
        return line

    async def open_seats(self, queue: str, match: str) -> dict[str, int]:
        """Team to the seats that a running match asks players for."""
        held = await self._hash(f"{self._queues[queue]}:backfill:{match}")
        with contextlib.suppress(msgspec.DecodeError):
            return _request.decode(held.get("request") or "").open
        return {}

    async def session(self, fleet: str, match: str) -> Record:
        """A match's session in a fleet; empty when there is none."""
        return await self._hash(f"{{f:{fleet}}}:session:{match}")

    async def room(self, fleet: str, room: str) -> Record:
        """A room; empty when there is none."""
        return await self._hash(f"{{f:{fleet}}}:room:{room}")

    async def _hash(self, key: str) -> Record:
        return read.pairs(await self._store.call("HGETALL", key))


def ticket_of(name: str, src: str, held: Record) -> StoredTicket:
    """A ticket's record as a timeline."""
    line = TicketLine(name, enqueued_ms=_whole(held.get("enqueued_ms")))
    with contextlib.suppress(msgspec.DecodeError):
        line.players = tuple(_names.decode(held.get("players") or "[]"))
    with contextlib.suppress(msgspec.DecodeError):
        line.mmr = _body.decode(held.get("body") or "{}").mmr
    line.steps.append(Step(line.enqueued_ms, src, "ticket.enqueued", "enqueued"))
    status, reason = held.get("status", ""), held.get("reason", "")
    kind = {"CANCELLED": "ticket.cancelled", "TIMED_OUT": "ticket.expired"}.get(status)
    if kind and (ended_ms := _whole(held.get("ended_ms"))):
        words = kind.partition(".")[2]
        line.steps.append(Step(ended_ms, src, kind, f"{words}: {reason}" if reason else words))
    if held.get("match"):
        line.matches.append(held["match"])
    return StoredTicket(line, status, _whole(held.get("expires_ms")), reason)


def match_of(name: str, src: str, held: Record) -> MatchLine:
    """A match's record as a timeline."""
    line = MatchLine(name, fleet=held.get("fleet", ""), reason=held.get("reason", ""))
    line.of = held.get("of", "")
    line.receipt = receipt_of(held.get("receipt"))
    with contextlib.suppress(msgspec.DecodeError):
        line.tickets = tuple(_names.decode(held.get("tickets") or "[]"))
    with contextlib.suppress(msgspec.DecodeError):
        line.teams = dict(sorted(_teams.decode(held.get("teams") or "{}").items()))
    with contextlib.suppress(msgspec.DecodeError):
        place = _placement.decode(held.get("placement") or "")
        line.fleet, line.room, line.server = place.fleet, place.room, place.server
        line.epochs.append(place.epoch)
    line.steps.extend(_steps(src, held, MATCH_STEPS, line.server))
    if held.get("state") == "closed":
        line.state = "closed"
    elif line.of and _whole(held.get("announced")):
        line.state, line.reason = "ended", JOINED
    elif _whole(held.get("ended")):
        line.state = "ended"
    elif _whole(held.get("announced")):
        line.state = "playing"
    return line


def teams_of(session: Record) -> dict[str, list[tuple[str, str]]]:
    """Who has a seat now, newcomers among them: team to (ticket, player)."""
    teams: dict[str, list[tuple[str, str]]] = {}
    with contextlib.suppress(msgspec.DecodeError):
        players = _seated.decode(session.get("players") or "[]")
        for one in sorted(players, key=lambda one: one.seat):
            teams.setdefault(one.team, []).append((one.ticket, one.player))
    return teams


def session_steps(fleet: str, held: Record) -> list[Step]:
    """A session's record as steps."""
    return _steps(f"fleet/{fleet}", held, SESSION_STEPS, held.get("server", ""))


def _steps(src: str, held: Record, of: tuple[tuple[str, str, str], ...], server: str) -> list[Step]:
    return [
        Step(t_ms, src, kind, words, server)
        for name, kind, words in of
        if (t_ms := _whole(held.get(name)))
    ]


def _whole(text: str | None) -> int:
    """Milliseconds; 0 for what was never written."""
    try:
        return int(float(text or 0))
    except ValueError:
        return 0
