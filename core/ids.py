"""Names of things, one type each: a match id cannot stand where a ticket id is asked for.

Ticket and match ids are ``<queue>.<32 hex digits>``, so an id names its queue and
with it the Redis slot that holds it.
"""

import random
import re
from typing import NewType

QueueName = NewType("QueueName", str)
TicketId = NewType("TicketId", str)
"""One request for a match, from one player or one party."""

MatchId = NewType("MatchId", str)
PlayerId = NewType("PlayerId", str)
FleetName = NewType("FleetName", str)
ServerUid = NewType("ServerUid", str)
"""One life of one game server; a restarted server has a new uid under its old name."""

RoomId = NewType("RoomId", str)
"""``<server uid>/<n>``: where one match at a time is played. The unit of the warm pool."""

NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
"""Queues and fleets: lower case, digits and dashes, at most 40 characters."""

PLAYER = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def new_ticket_id(queue: QueueName, chance: random.Random) -> TicketId:
    """A ticket id that cannot be guessed while ``chance`` cannot (128 bits)."""
    return TicketId(f"{queue}.{chance.getrandbits(128):032x}")


def new_match_id(queue: QueueName, chance: random.Random) -> MatchId:
    """A match id that cannot be guessed while ``chance`` cannot (128 bits)."""
    return MatchId(f"{queue}.{chance.getrandbits(128):032x}")


def queue_of(name: TicketId | MatchId) -> QueueName:
    """The queue that a ticket or a match belongs to; unknown shapes give an empty name."""
    queue, dot, _ = name.rpartition(".")
    return QueueName(queue if dot else "")


def room_id(server: ServerUid, n: int) -> RoomId:
    """The ``n``-th room of a server, counted from 0."""
    return RoomId(f"{server}/{n}")


def server_of(room: RoomId) -> ServerUid:
    """The server that a room belongs to."""
    return ServerUid(room.rpartition("/")[0])
