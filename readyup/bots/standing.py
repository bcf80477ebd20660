"""What a player knows of its own situation, and what each push changes in it.

::

    RESTING --enqueue--> WAITING --assignment--> JOINING --let in--> PLAYING --result--> RESTING
                WAITING --cancelled, expired--> RESTING
                JOINING, PLAYING --link lost, dropped--> AWAY --session found, let in--> PLAYING
                any --match over--> RESTING            any --leaves, crashes--> GONE
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import assert_never

from readyup.bots.messages import (
    LIVE,
    Assigned,
    Assignment,
    Beat,
    Ended,
    Hello,
    Push,
    Refused,
    Ticket,
    TicketNews,
)


class Phase(StrEnum):
    """Where a player is in its life."""

    RESTING = "resting"
    WAITING = "waiting"
    JOINING = "joining"
    PLAYING = "playing"
    AWAY = "away"
    GONE = "gone"


class Deed(StrEnum):
    """What a push makes a player do at once."""

    NOTHING = "nothing"
    WAIT = "wait"
    REST = "rest"
    PLAY = "play"
    """Go where the assignment says, leaving any older place."""

    RETURN = "return"
    """There is a match that this player should be in: ask where."""

    WRAP_UP = "wrap up"
    """The match is over; its result may still be under way."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a player knows of its own situation."""

    phase: Phase = Phase.RESTING
    ticket: str = ""
    ver: int = 0
    match: str = ""
    epoch: int = 0
    joined: bool = False
    """Whether a game server has let it into this match, at this epoch."""

    played_epoch: int = 0
    """The epoch at which one did; a higher one since then is a match that was handed over."""

    ending: bool = False
    last: str = ""
    """The match it is done with: word of that one comes too late."""


def hear(standing: Standing, push: Push) -> tuple[Standing, Deed]:
    """What a push changes. Repeated and overtaken pushes change nothing."""
    match push:
        case Hello():
            return _greeted(standing, push)
        case TicketNews(ticket=Ticket() as ticket):
            return _ticket_changed(standing, ticket)
        case TicketNews():
            return _no_ticket(standing)
        case Assigned(ticket=ticket, assignment=assignment):
            return _assigned(standing, ticket, assignment)
        case Ended(match=ended, reason=reason):
            return _ended(standing, ended, reason)
        case Refused() | Beat():
            return standing, Deed.NOTHING
        case _:
            assert_never(push)


def _greeted(standing: Standing, hello: Hello) -> tuple[Standing, Deed]:
    if hello.ticket is not None and hello.ticket.status in LIVE:
        return _ticket_changed(standing, hello.ticket)
    resting = standing.phase in {Phase.RESTING, Phase.WAITING}
    if resting and hello.session and hello.session != standing.last:
        led_back = replace(
            standing,
            phase=Phase.AWAY,
            # One that was not waiting has a match by a ticket that it never heard of.
            ticket=standing.ticket if standing.phase is Phase.WAITING else "",
            match=hello.session,
            epoch=0,
            joined=False,
            played_epoch=0,
            ending=False,
        )
        return led_back, Deed.RETURN
    if standing.phase is Phase.WAITING:
        return _no_ticket(standing)
    if standing.phase is Phase.AWAY and not hello.session:
        return rested(standing), Deed.REST  # it ended while nobody could say so
    return standing, Deed.NOTHING


def _no_ticket(standing: Standing) -> tuple[Standing, Deed]:
    """Whatever it waited with has ended; a match that came of it is told apart."""
    if standing.phase is not Phase.WAITING:
        return standing, Deed.NOTHING
    return replace(standing, phase=Phase.RESTING), Deed.REST


def _ticket_changed(standing: Standing, ticket: Ticket) -> tuple[Standing, Deed]:
    if ticket.id == standing.ticket and ticket.ver <= standing.ver:
        return standing, Deed.NOTHING
    noted = replace(standing, ticket=ticket.id, ver=ticket.ver)
    match standing.phase:
        case Phase.RESTING if ticket.status in LIVE:
            return replace(noted, phase=Phase.WAITING), Deed.WAIT
        case Phase.RESTING if ticket.id != standing.ticket:
            return noted, Deed.REST
        case Phase.WAITING if ticket.status not in LIVE and ticket.status != "COMPLETED":
            if ticket.id == standing.ticket:
                return replace(noted, phase=Phase.RESTING), Deed.REST
            return standing, Deed.NOTHING
        case Phase.RESTING | Phase.WAITING:
            return noted, Deed.NOTHING
        case _:
            return standing, Deed.NOTHING


def _assigned(standing: Standing, ticket: Ticket, assignment: Assignment) -> tuple[Standing, Deed]:
    if assignment.match == standing.last or standing.phase is Phase.GONE:
        return standing, Deed.NOTHING
    if assignment.match == standing.match and assignment.epoch <= standing.epoch:
        return standing, Deed.NOTHING
    if ticket.id == standing.ticket and ticket.ver < standing.ver:
        return standing, Deed.NOTHING
    going = replace(
        standing,
        phase=Phase.JOINING,
        ticket=ticket.id,
        ver=ticket.ver,
        match=assignment.match,
        epoch=assignment.epoch,
        joined=False,
        played_epoch=standing.played_epoch if assignment.match == standing.match else 0,
        ending=False,
    )
    return going, Deed.PLAY


def _ended(standing: Standing, ended: str, reason: str) -> tuple[Standing, Deed]:
    if ended != standing.match or ended == standing.last:
        return standing, Deed.NOTHING
    if standing.phase is Phase.PLAYING and reason == "finished":
        return replace(standing, ending=True), Deed.WRAP_UP
    if standing.phase in {Phase.JOINING, Phase.PLAYING, Phase.AWAY}:
        return rested(standing), Deed.REST
    return standing, Deed.NOTHING


def let_in(standing: Standing, assignment: Assignment) -> Standing:
    """A game server opened its door."""
    return replace(
        standing,
        phase=Phase.PLAYING,
        match=assignment.match,
        epoch=max(standing.epoch, assignment.epoch),
        joined=True,
        played_epoch=assignment.epoch,
    )


def astray(standing: Standing) -> Standing:
    """The link into the match is gone, the match may not be."""
    return replace(standing, phase=Phase.AWAY)


def rested(standing: Standing) -> Standing:
    """The match is behind it."""
    done = replace(standing, phase=Phase.RESTING, last=standing.match, played_epoch=0)
    return replace(done, joined=False, ending=False)
