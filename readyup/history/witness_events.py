"""What game servers, the API, bots and the run itself say, each in a file of its own."""

from typing import Literal

import msgspec

from readyup.history.event import Event


class ServerEvent(Event):
    """From a game server's own file. ``server`` is its uid."""

    roles = ("server",)
    server: str


class BotEvent(Event):
    """From a player's own file."""

    roles = ("bot",)
    player: str


class RunEvent(Event):
    """From whoever started everything."""

    roles = ("run",)


class ServerHold(ServerEvent):
    """Its word on which match holds a room of it, and at which session epoch."""

    match: str
    room: str
    session_epoch: int


class ServerAssigned(ServerHold, tag="server.assigned"):
    """It was told its match."""


class ServerAcked(ServerHold, tag="server.acked"):
    """Its acknowledgement was accepted."""


class ServerReseated(ServerHold, tag="server.reseated"):
    """It was told who has a seat from now on."""


class PlayerJoined(ServerHold, tag="player.joined"):
    """It admitted a player, by a token."""

    player: str
    jti: str


class MatchFinished(ServerHold, tag="match.finished"):
    """The match was played to its end."""


class ApiPushed(Event, tag="api.pushed"):
    """An assignment was written to the sockets of a ticket."""

    roles = ("api",)
    ticket: str
    match: str


class BotEnqueue(BotEvent, tag="bot.enqueue"):
    """It asked for a match (``invoke``) and how that went; ``info`` is unknown."""

    ph: Literal["invoke", "ok", "fail", "info"]
    queue: str
    ticket: str | None = None
    key: str | None = None


class BotCancel(BotEvent, tag="bot.cancel"):
    """It asked to be taken out, and how that went."""

    ph: Literal["invoke", "ok", "fail", "info"]
    ticket: str | None = None


class BotTold(BotEvent, tag="bot.told"):
    """It heard of its ticket."""

    ticket: str
    status: str
    ver: int


class BotAnswered(BotEvent, tag="bot.answered"):
    """It accepted or declined a match that asked it; written before it was sent."""

    ticket: str
    match: str
    accept: bool


class BotAssigned(BotEvent, tag="bot.assigned"):
    """It heard where to go."""

    ticket: str
    match: str
    server: str
    session_epoch: int
    ver: int
    room: str | None = None


class BotJoined(BotEvent, tag="bot.joined"):
    """A game server let it in."""

    match: str
    server: str


class BotResult(BotEvent, tag="bot.result"):
    """It heard how the match went."""

    match: str


class BotEnded(BotEvent, tag="bot.ended"):
    """It heard that the match is over."""

    match: str


class BotCrashed(BotEvent, tag="bot.crashed"):
    """It vanished without a word."""


class BotStalled(BotEvent, tag="bot.stalled"):
    """It read nothing of what was sent to it, for a while."""

    until_ms: int


class BotLeft(BotEvent, tag="bot.left"):
    """It went away for good."""


class Final(msgspec.Struct, gc=False):
    """What the store and the machine held when everything had stopped."""

    waiting: int
    live_tickets: int
    held_rooms: int
    sessions: int
    processes: int


class RunStarted(RunEvent, tag="run.started"):
    """The first line. The run's own players are ``<crowd>-...``; where it is empty, all are."""

    crowd: str = ""


class RunDrained(RunEvent, tag="run.drained"):
    """Bots have stopped and queues emptied: liveness may be judged."""


class RunEnded(RunEvent, tag="run.ended"):
    """The last line. ``missed`` counts store events trimmed before they were read."""

    final: Final
    missed: int = 0


_UNJUDGED: dict[str, type[Event]] = {
    "server.ready": ServerEvent,
    "server.released": ServerHold,
    "player.left": ServerEvent,
    "join.refused": ServerEvent,
    "bot.dropped": BotEvent,
}

UNJUDGED = [
    msgspec.defstruct(tag.title().replace(".", ""), [], bases=(base,), tag=tag)
    for tag, base in _UNJUDGED.items()
]
"""Kinds that tell a reader something, and no invariant anything."""
