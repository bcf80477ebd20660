"""``GET /v1/tickets/{ticket}/why``: what keeps a ticket waiting, told to whoever owns it."""

import asyncio

from msgspec import Struct

from core.errors import Conflict
from matchmaker.explain import Explanation, explain
from matchmaker.parties import as_party, whole_of
from matchmaker.store import QueueStore
from matchmaker.tickets import Status, TicketRecord
from matchmaker.waits import Estimate

LOOKED_AT = 500
"""Tickets that are compared, those that end soonest first."""


class PartnerOut(Struct, omit_defaults=True):
    """Somebody else who waits, and what keeps you apart."""

    players: int
    excluded_by: list[str]
    opens_in_s: float | None = None
    ticket: str = ""
    """Told to back ends only."""


class ReleaseOut(Struct):
    """The match that comes if nobody else does."""

    in_s: float
    because: list[str]


class WhyOut(Struct):
    """Why a ticket waits."""

    ticket: str
    queue: str
    sentence: str
    waited_s: float
    players_min: int
    players_max: int
    waiting: int
    compatible: int
    compatible_players: int
    excluded: dict[str, int]
    nearest: list[PartnerOut]
    release: ReleaseOut | None
    estimated_wait_s: Estimate | None = None
    """By how long others of its size waited lately; the release is by the rules."""


async def why(queue: QueueStore, record: TicketRecord, *, by_name: bool, now_ms: int) -> WhyOut:
    """Look at a ticket among those that wait with it. ``by_name`` tells whose the others are.

    Raises:
        Conflict: it does not wait any more.
    """
    if record.status is not Status.QUEUED:
        raise Conflict(f"the ticket is {record.status}; only one that is QUEUED waits")
    tickets = (await queue.live())[:LOOKED_AT]
    if record.id not in tickets:
        tickets.append(record.id)
    waiting = await queue.waiting(tickets)
    whole = whole_of(queue.settings.rules)
    there = [as_party(one, whole, now_ms=now_ms) for one in waiting]
    parties = [party for party in there if party is not None]
    if record.id not in {party.id for party in parties}:
        raise Conflict("the ticket has just left the queue; read it again")
    found = await asyncio.to_thread(explain, whole, record.id, parties, now_ms / 1000.0)
    return _told(found, queue.settings.name, by_name=by_name)


def _told(found: Explanation, queue: str, *, by_name: bool) -> WhyOut:
    return WhyOut(
        ticket=found.ticket,
        queue=queue,
        sentence=found.sentence(),
        waited_s=round(found.waited_s, 3),
        players_min=found.players_min,
        players_max=found.players_max,
        waiting=found.waiting,
        compatible=found.compatible,
        compatible_players=found.compatible_players,
        excluded=found.excluded,
        nearest=[
            PartnerOut(
                one.players,
                list(one.excluded_by),
                None if one.opens_in_s is None else round(one.opens_in_s, 3),
                one.ticket if by_name else "",
            )
            for one in found.nearest
        ],
        release=None
        if found.release is None
        else ReleaseOut(round(found.release.in_s, 3), list(found.release.because)),
    )
