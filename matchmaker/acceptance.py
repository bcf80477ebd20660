"""The ready check: a match that was formed asks its players before a room is claimed for it.

What an answer decides is decided in ``answer.lua``, beside what a cancel decides; what silence
decides, in ``lapse.lua``. Whoever leads the queue drives an accepted match on, so a director
that dies while players are asked leaves nothing behind that its successor would not find.
"""

from collections.abc import Collection
from typing import Literal

from core.ids import MatchId, PlayerId, TicketId
from core.lua import LuaScript, as_json
from matchmaker.penalties import terms
from matchmaker.records import Records

ANSWER, LAPSE = (LuaScript.load("matchmaker.lua", name) for name in ("answer", "lapse"))

LAPSE_MAX = 20
"""Matches closed in one call; each has two hundred players at most."""

Answered = Literal["accepted", "declined", "late", "absent"]
"""What became of an answer: it counts (also again), or the match asks that ticket no more."""


async def answer(
    queue: Records,
    ticket: TicketId,
    match: MatchId,
    players: Collection[PlayerId],
    *,
    accept: bool,
    now_ms: int,
) -> Answered:
    """Players of a ticket accept a match or decline it; the last to accept sends it on."""
    answered: Answered = await ANSWER(
        queue.store.durably,
        keys={"base": queue.base, "players": queue.index},
        args={
            "ticket": ticket,
            "match": match,
            "answering": as_json(list(players)),
            "accept": int(accept),
            "now_ms": now_ms,
            "deadline_ms": now_ms + round(queue.settings.placing_s * 1000),
            "terms": terms(queue.settings),
        },
    )
    return answered


async def close_unanswered(queue: Records, *, epoch: int, now_ms: int) -> None:
    """Close every match that was not accepted by all in time; nothing for one who leads no more."""
    due = LAPSE_MAX
    while due == LAPSE_MAX:
        due = await LAPSE(
            queue.store,
            keys={"base": queue.base, "players": queue.index},
            args={
                "epoch": epoch,
                "now_ms": now_ms,
                "limit": LAPSE_MAX,
                "terms": terms(queue.settings),
            },
        )
