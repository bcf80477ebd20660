"""The ready check at the player API: who is asked what, and who may answer for whom."""

from collections.abc import Collection

from msgspec import UNSET, UnsetType

from core.errors import Forbidden, NotFound
from core.ids import PlayerId
from matchmaker.api.keys import Principal
from matchmaker.api.shapes import AcceptanceOut, AnswerIn
from matchmaker.tickets import Acceptance


def asked_of(acceptance: Acceptance | None) -> AcceptanceOut | UnsetType:
    """What a ticket is asked, as callers see it."""
    if acceptance is None:
        return UNSET
    return AcceptanceOut(acceptance.match, acceptance.by_ms, list(acceptance.accepted))


def answering(
    players: Collection[PlayerId], said: AnswerIn, caller: Principal
) -> tuple[PlayerId, ...]:
    """Which of a ticket's ``players`` an answer is of.

    Raises:
        NotFound: somebody is named who is not of the ticket.
        Forbidden: a player answers for others.
    """
    if not caller.is_backend():
        mine = PlayerId(caller.name)
        if mine not in players or said.players not in (None, [mine]):
            raise Forbidden("a player answers for itself; a back end may answer for others")
        return (mine,)
    named = tuple(PlayerId(name) for name in dict.fromkeys(said.players or players))
    for name in named:
        if name not in players:
            raise NotFound(f"{name!r} is not a player of this ticket")
    return named
