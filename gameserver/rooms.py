"""The life of a room: a table, and one step at a time through it. Pure.

    free ──assign──▶ assigned ──acked──▶ held ──joined──▶ playing ──finished──▶ ended ──┐
      ▲                 │                  └──────no-join, failed─────────────▶ ended   │
      └──refused, withdrawn (from anywhere)◀┴───────────────────────────released◀───────┘

The allocator owns the room; the server says what it knows. Nobody is let in before ``held``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from core.errors import IllegalTransition
from core.ids import MatchId, PlayerId, QueueName, RoomId
from core.placement import SeatedPlayer
from gameserver.snapshot import Snapshot
from gameserver.vacancies import Vacancies


class State(StrEnum):
    """Where a room is."""

    FREE = "free"
    ASSIGNED = "assigned"  # the match is known, our ack is not accepted yet
    HELD = "held"  # ours; nobody has come yet
    PLAYING = "playing"  # somebody came
    ENDED = "ended"  # said so; the allocator has not answered yet


class Event(StrEnum):
    """What happens to a room."""

    ASSIGN = "assign"
    ACKED = "acked"
    REFUSED = "refused"  # our ack came too late: the match is somewhere else
    JOINED = "joined"
    FINISHED = "finished"
    NO_JOIN = "no-join"
    FAILED = "failed"
    UNPLAYABLE = "unplayable"  # the game did not start it
    WITHDRAWN = "withdrawn"
    RELEASED = "released"


class Command(StrEnum):
    """What the shell does about it, in order."""

    SEND_ACK = "send-ack"
    START = "start"
    STOP = "stop"
    SEND_RELEASE = "send-release"  # after the result, if there is one
    CLEAR = "clear"


@dataclass(frozen=True, slots=True)
class Step:
    """One transition: the state reached, and the commands to carry out in order."""

    state: State
    commands: tuple[Command, ...] = ()


_END = Step(State.ENDED, (Command.SEND_RELEASE,))
_GIVE_UP = Step(State.ENDED, (Command.STOP, Command.SEND_RELEASE))
_FORGET = Step(State.FREE, (Command.CLEAR,))
_STOP_AND_FORGET = Step(State.FREE, (Command.STOP, Command.CLEAR))

TRANSITIONS: Final[Mapping[tuple[State, Event], Step]] = {
    (State.FREE, Event.ASSIGN): Step(State.ASSIGNED, (Command.SEND_ACK,)),
    (State.ASSIGNED, Event.ACKED): Step(State.HELD, (Command.START,)),
    (State.ASSIGNED, Event.REFUSED): _FORGET,
    (State.ASSIGNED, Event.WITHDRAWN): _FORGET,
    (State.ASSIGNED, Event.FAILED): _END,
    (State.HELD, Event.JOINED): Step(State.PLAYING),
    (State.HELD, Event.FINISHED): _END,
    (State.HELD, Event.NO_JOIN): _GIVE_UP,
    (State.HELD, Event.UNPLAYABLE): _END,
    (State.HELD, Event.FAILED): _GIVE_UP,
    (State.HELD, Event.WITHDRAWN): _STOP_AND_FORGET,
    (State.PLAYING, Event.JOINED): Step(State.PLAYING),
    (State.PLAYING, Event.FINISHED): _END,
    (State.PLAYING, Event.FAILED): _GIVE_UP,
    (State.PLAYING, Event.WITHDRAWN): _STOP_AND_FORGET,
    (State.ENDED, Event.RELEASED): _FORGET,
    (State.ENDED, Event.WITHDRAWN): _FORGET,
}


def step(state: State, event: Event) -> Step:
    """Look up what ``event`` does in ``state``.

    Raises:
        IllegalTransition: the table has no such entry; the state is unchanged.
    """
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise IllegalTransition(f"{event.value!r} in a room that is {state.value}") from None


@dataclass(frozen=True, slots=True)
class Assignment:
    """One match for one room, as the allocator assigned it."""

    match: MatchId
    room: RoomId
    epoch: int
    queue: QueueName
    players: tuple[SeatedPlayer, ...]
    join_deadline_s: float
    """How long the room waits for a first player, from when the ack was accepted."""

    snapshot: bytes | None = None
    """Where to go on: the last that the server before said of it. None where the match is new,
    or where it said nothing; then it begins anew."""

    roster: int = 0
    """How often its players have changed; they are those of this number."""

    def seat_of(self, player: PlayerId) -> SeatedPlayer | None:
        """The place kept for a player."""
        return next((seated for seated in self.players if seated.player == player), None)


@dataclass(slots=True)
class Room:
    """One room and what it holds. The runtime changes it, through ``step``."""

    id: RoomId
    state: State = State.FREE
    match: Assignment | None = None
    here: dict[PlayerId, bool] = field(default_factory=dict)
    """Who joined, and whether they are connected now."""

    result: dict[str, Any] | None = None
    reason: str = ""
    """Why it was released: ``finished``, ``no-join`` or ``failed``."""

    left: tuple[PlayerId, ...] = ()
    """Who had left and not come back when the match ended."""

    snapshot: Snapshot = field(default_factory=Snapshot)
    vacancies: Vacancies = field(default_factory=Vacancies)
    leaving: bool = False
    """Another server was asked for; the match is played here until it is withdrawn."""

    join_by_s: float = 0.0
    said_s: float = 0.0
    """When the ack or the release that waits for an answer was sent last."""

    def clear(self) -> None:
        """Forget the match."""
        self.match, self.result, self.reason = None, None, ""
        self.here, self.snapshot, self.leaving = {}, Snapshot(), False
        self.vacancies, self.left = Vacancies(), ()

    @property
    def players(self) -> int:
        """How many are connected now."""
        return sum(self.here.values())


class Answer(StrEnum):
    """What to answer an assignment."""

    TAKE = "take"  # the room is free
    TURN_OVER = "turn-over"  # we released it; that another match comes says that it was accepted
    REPEAT = "repeat"  # known: the ack is said again
    REPLACE = "replace"  # a higher epoch of the match we hold
    REFUSE = "refuse"  # held by another match, or by this one at a higher epoch


def consider(room: Room, offered: Assignment) -> Answer:
    """What an assignment means to a room, whatever its state."""
    held = room.match
    if held is None:
        return Answer.TAKE
    if held.match != offered.match and room.state is State.ENDED:
        return Answer.TURN_OVER
    if held.match != offered.match or offered.epoch < held.epoch:
        return Answer.REFUSE
    return Answer.REPLACE if offered.epoch > held.epoch else Answer.REPEAT
