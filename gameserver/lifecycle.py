"""The life of one game server, as a table and a function that reads it.

States and their names are Agones' own. ``mermaid()`` draws the table.

The first five states pass on the way in; ``RequestReady`` is the moment between a
server's own "ready" and its endpoint being published. A live server may say ready,
allocate or reserve again at any time, as Agones' SDK lets it. Shutdown, Unhealthy
and Error are final: nothing leads out of them but the server's removal.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from core.errors import IllegalTransition
from core.game_server import State


class Event(StrEnum):
    """What can happen to a game server."""

    GIVE_PORTS = "give-ports"  # its ports on the host are chosen
    CREATE = "create"  # its process (or Pod) is being made
    REJECT = "reject"  # it cannot be made as its fleet describes it
    SCHEDULE = "schedule"  # it has a place and runs
    ASK_READY = "ask-ready"  # it says that it can take players
    PUBLISH = "publish"  # its endpoint is known, so players may come
    ALLOCATE = "allocate"  # the allocator took it for a match
    ALLOCATE_SELF = "allocate-self"  # it took itself for a match
    RESERVE = "reserve"  # it keeps itself from being removed for a while
    END_RESERVE = "end-reserve"  # that while is over
    LOSE_HEALTH = "lose-health"  # it missed its health deadline
    SHUT_DOWN = "shut-down"  # it asks to be removed


FINAL: Final = frozenset({State.SHUTDOWN, State.UNHEALTHY, State.ERROR})
"""No event but a repeated shutdown, which changes nothing, is known here."""

RUNNING: Final = frozenset(
    {
        State.STARTING,  # a local process may speak before anybody noted that it runs
        State.SCHEDULED,
        State.REQUEST_READY,
        State.READY,
        State.ALLOCATED,
        State.RESERVED,
    }
)
"""The process may be there: it can speak, and its health counts."""


def _from(states: Iterable[State], event: Event, to: State) -> dict[tuple[State, Event], State]:
    return {(state, event): to for state in states}


TRANSITIONS: Final[Mapping[tuple[State, Event], State]] = {
    (State.PORT_ALLOCATION, Event.GIVE_PORTS): State.CREATING,
    (State.CREATING, Event.CREATE): State.STARTING,
    (State.CREATING, Event.REJECT): State.ERROR,
    (State.STARTING, Event.SCHEDULE): State.SCHEDULED,
    **_from(RUNNING, Event.ASK_READY, State.REQUEST_READY),
    (State.REQUEST_READY, Event.PUBLISH): State.READY,
    (State.READY, Event.ALLOCATE): State.ALLOCATED,
    **_from(RUNNING, Event.ALLOCATE_SELF, State.ALLOCATED),
    **_from(RUNNING, Event.RESERVE, State.RESERVED),
    (State.RESERVED, Event.END_RESERVE): State.REQUEST_READY,
    **_from(RUNNING, Event.LOSE_HEALTH, State.UNHEALTHY),
    **_from(set(State) - FINAL, Event.SHUT_DOWN, State.SHUTDOWN),
    **{(state, Event.SHUT_DOWN): state for state in FINAL},
}


def step(state: State, event: Event) -> State:
    """Look up where ``event`` leads from ``state``.

    Raises:
        IllegalTransition: the table has no such entry; the state is unchanged.
    """
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise IllegalTransition(f"a server that is {state.value} cannot {event.value}") from None


def mermaid() -> str:
    """The table as a Mermaid state diagram, in the order of the states."""
    lines = ["stateDiagram-v2"]
    for state in State:
        lines += [
            f"    {state.value} --> {TRANSITIONS[state, event].value}: {event.value}"
            for event in Event
            if (state, event) in TRANSITIONS
        ]
    return "\n".join(lines)
