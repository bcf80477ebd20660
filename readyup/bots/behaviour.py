"""What a player does of its own accord, as pure decisions over values.

``standing.hear`` says what a push changes; ``intend`` says what the player does when nothing
is heard; ``answer`` says which push answers which request.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from readyup.bots.messages import LIVE, Assigned, Hello, Push, Refused, Ticket, TicketNews
from readyup.bots.standing import Phase, Standing

NEVER = math.inf

ANSWER_S = 5.0
"""How long a request may go unanswered before its outcome counts as unknown."""

MATCH_S_MAX = 150.0
"""A match that lasts longer than this is one that nobody will end."""

MISSES_MAX = 4
"""Times the API may know of no match before the player believes it."""

AWAY_S_MAX = 30.0
"""Time to find back into a match: covers a dead server, its detection and a move."""

RESULT_S_MAX = 1.0
"""Time that a result may take to arrive after the API said that the match is over."""


class Mood(StrEnum):
    """Whether the crowd goes on."""

    OPEN = "open"
    CLOSING = "closing"
    """No new tickets; who waits cancels, who plays finishes."""

    CLOSED = "closed"
    """Everybody goes now."""


class Intent(StrEnum):
    """What a player does of its own accord."""

    ENQUEUE = "enqueue"
    CANCEL = "cancel"
    DROP = "drop"
    CRASH = "crash"
    RETURN = "return"
    GIVE_UP = "give up"
    LEAVE = "leave"


class Comes(StrEnum):
    """What a player does when a match asks whether it comes."""

    ACCEPT = "accept"
    DECLINE = "decline"
    SLEEP = "sleep"


@dataclass(frozen=True, slots=True)
class Round:
    """One round's dice: think, wait, play. Seconds count from the start of the phase."""

    think_s: float
    cancel_after_s: float = NEVER
    crash_waiting_after_s: float = NEVER
    crash_playing_after_s: float = NEVER
    drop_after_s: float = NEVER
    away_s: float = 0.5
    leave_after_s: float = NEVER
    """Goes home in the middle of the match, with a goodbye."""

    comes: Comes = Comes.ACCEPT


@dataclass(frozen=True, slots=True)
class Situation:
    """What ``intend`` must know besides the player's own standing."""

    mood: Mood
    leads: bool
    """Whether this player speaks for its party."""

    over: bool
    """Whether the party has had its rounds."""

    awaited: bool
    """Whether somebody of the party waits, with all of them on the ticket."""

    may_cancel: bool
    """Whether it can ask, and did not ask already."""

    returning: bool
    """Whether it is on its way back into the match."""


def answer(kind: str, push: Push, *, known: str) -> tuple[str, dict[str, object]] | None:
    """How a push answers a request (``enqueue`` or ``cancel``): ok or fail, and what was said.

    None when it does not answer it. ``known`` is the ticket that the player has: an enqueue
    brings another, a cancel is about this one. A match that beats the cancel is a fail.
    """
    match push:
        case Refused(problem=problem):
            return "fail", {"status": problem.status, "detail": problem.detail}
        case TicketNews(ticket=None):
            return ("fail", {"status": "NONE"}) if kind == "cancel" else None
        case (
            TicketNews(ticket=Ticket() as ticket)
            | Assigned(ticket=ticket)
            | Hello(ticket=Ticket() as ticket)
        ):
            pass
        case _:
            return None
    if kind == "enqueue":
        said: dict[str, object] = {
            "ticket": ticket.id,
            "status": ticket.status,
            "players": ticket.players,
        }
        return None if ticket.id == known else ("ok", said)
    if ticket.id != known or ticket.status in LIVE:
        return None
    return ("ok" if ticket.status == "CANCELLED" else "fail"), {"status": ticket.status}


def closing_word(reason: str) -> str:
    """The kind of error that a link's end is; empty for one that only says: over, or moved."""
    if reason in {"ended", "finished", "moved", "replaced", "withdrawn"}:
        return ""
    if reason in {"lost", "timeout", "silent", "stopping"}:
        return "link_lost"
    return f"join_refused_{reason.replace('-', '_')}"


def intend(standing: Standing, plan: Round, around: Situation) -> tuple[float, Intent]:
    """What the player does next unless something is heard, in seconds since the phase began."""
    if around.mood is Mood.CLOSED:
        return 0.0, Intent.LEAVE
    match standing.phase:
        case Phase.RESTING:
            if around.over or around.mood is Mood.CLOSING:
                return (NEVER if around.awaited else 0.0), Intent.LEAVE
            return (plan.think_s, Intent.ENQUEUE) if around.leads else (NEVER, Intent.LEAVE)
        case Phase.WAITING:
            return _while_waiting(plan, around)
        case Phase.PLAYING:
            return _while_playing(standing, plan, around)
        case Phase.AWAY if not around.returning:
            return plan.away_s, Intent.RETURN
        case Phase.AWAY | Phase.JOINING:
            return AWAY_S_MAX, Intent.GIVE_UP
        case Phase.GONE:
            return NEVER, Intent.LEAVE
        case _:
            assert_never(standing.phase)


def _while_waiting(plan: Round, around: Situation) -> tuple[float, Intent]:
    may_cancel = around.leads and around.may_cancel
    if around.mood is Mood.CLOSING:
        return (0.0 if may_cancel else NEVER), Intent.CANCEL
    cancel = (plan.cancel_after_s if may_cancel else NEVER, Intent.CANCEL)
    return min(cancel, (plan.crash_waiting_after_s, Intent.CRASH))


def _while_playing(standing: Standing, plan: Round, around: Situation) -> tuple[float, Intent]:
    if standing.ending:
        return RESULT_S_MAX, Intent.GIVE_UP
    if around.mood is Mood.CLOSING:
        return MATCH_S_MAX, Intent.GIVE_UP
    return min(
        (plan.drop_after_s, Intent.DROP),
        (plan.crash_playing_after_s, Intent.CRASH),
        (plan.leave_after_s, Intent.LEAVE),
        (MATCH_S_MAX, Intent.GIVE_UP),
    )
