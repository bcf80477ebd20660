"""What a player and the player API say to each other, as types (contract: docs, /v1/connect).

Unknown fields are passed over, so a newer API may say more than this bot reads.
"""

from typing import Any

import msgspec

LIVE = frozenset({"QUEUED", "SEARCHING", "REQUIRES_ACCEPTANCE", "PLACING"})
"""Statuses of a ticket that is still waiting for its match."""


class Acceptance(msgspec.Struct, frozen=True):
    """A match that asks a ticket's players whether they come."""

    match: str
    by_ms: int = 0
    accepted: list[str] = []


class Ticket(msgspec.Struct, frozen=True):
    """A ticket as its player is told of it."""

    id: str
    status: str
    ver: int
    queue: str = ""
    players: list[str] = []
    reason: str = ""
    acceptance: Acceptance | None = None


class Assignment(msgspec.Struct, frozen=True):
    """Where to play, and the token that opens the door."""

    match: str
    address: str
    port: int
    token: str
    server: str = ""
    team: str = ""
    seat: int = 0
    epoch: int = 0
    ticket: str = ""


class Problem(msgspec.Struct, frozen=True):
    """RFC 9457: why not."""

    title: str = ""
    status: int = 0
    detail: str = ""
    type: str = ""


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """The first frame of each connection: how things stand."""

    player: str
    ticket: Ticket | None = None
    session: str | None = None


class TicketNews(msgspec.Struct, frozen=True, tag="ticket"):
    """The ticket changed. None answers a cancel when no ticket waits."""

    ticket: Ticket | None


class Assigned(msgspec.Struct, frozen=True, tag="assignment"):
    """A match was found; with a higher epoch, it was moved."""

    ticket: Ticket
    assignment: Assignment


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """The match is over: ``finished`` or ``lost``."""

    match: str
    reason: str = "finished"


class Refused(msgspec.Struct, frozen=True, tag="problem"):
    """The last thing asked for was not granted."""

    problem: Problem


class Beat(msgspec.Struct, frozen=True, tag="heartbeat"):
    """The answer to a heartbeat."""


Push = Hello | TicketNews | Assigned | Ended | Refused | Beat

decode_push = msgspec.json.Decoder(Push).decode
"""Raises msgspec.DecodeError (of which ValidationError is one) for anything else."""


class Session(msgspec.Struct, frozen=True):
    """The answer of ``GET /v1/players/{id}/session``."""

    match: str
    assignment: Assignment
    state: str = ""


decode_session = msgspec.json.Decoder(Session).decode

HEARTBEAT = b'{"type":"heartbeat"}'
CANCEL = b'{"type":"cancel"}'


def answer(ticket: str, match: str, *, accept: bool) -> bytes:
    """The frame that accepts or declines a match."""
    frame = {"type": "acceptance", "ticket": ticket, "match": match, "accept": accept}
    return msgspec.json.encode(frame)


def enqueue(
    queue: str, told: dict[str, Any], *, key: str, others: list[dict[str, Any]] | None = None
) -> bytes:
    """The frame that asks for a match.

    ``told`` is the player's rating, attributes and latencies; ``others`` are the same with
    ``id`` and ``key`` each.
    """
    frame: dict[str, Any] = {
        "type": "enqueue",
        "queue": queue,
        "idempotency_key": key,
        **told,
    }
    if others:
        frame["party"] = others
    return msgspec.json.encode(frame)
