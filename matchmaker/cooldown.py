"""Who has just played with whom, so that they are not matched together again at once.

It is written where a match is committed, and read where a ticket enters the queue: nobody is
in two places, so whom a player met last does not change while they wait. What was read is
part of the ticket and of the queue's log, and so a replay knows it too.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

import msgspec

from core.ids import PlayerId
from core.lua import as_json
from matchmaker.records import Records
from matchmaker.settings import QueueSettings
from matchmaker.tickets import Teams

PLAYERS_MAX = 40
"""Of a larger match nobody is kept apart: in a crowd everybody meets again."""


class Met(msgspec.Struct):
    """Of one player: whom the last match had, as stored."""

    until_ms: int
    players: list[PlayerId]


_met = msgspec.json.Decoder(Met).decode


def met_key(settings: QueueSettings, player: PlayerId) -> str:
    """Where it stands whom a player met last."""
    return f"{settings.base()}:met:{player}"


def of_match(teams: Teams, whom: Literal["opponents", "anybody"]) -> dict[PlayerId, list[PlayerId]]:
    """Each player of a match, and whom they are not to meet again at once.

    Those of one ticket came together, and are never among them.
    """
    seats = [(team, *seat) for team, some in teams.items() for seat in some]
    return {
        player: [
            other
            for their_team, their_ticket, other in seats
            if their_ticket != ticket and (whom == "anybody" or their_team != team)
        ]
        for team, ticket, player in seats
    }


async def note(
    queue: Records, teams: Teams, *, now_ms: int, newcomers: Collection[PlayerId] | None = None
) -> None:
    """Note a match that is committed. Once more has the same effect.

    ``newcomers``: those who came to a match that runs. What they met is noted, of the others it
    was noted before; one side's word is enough to keep two apart.
    """
    settings = queue.settings
    length_ms = round(settings.rematch_cooldown_s * 1000)
    if not length_ms or sum(map(len, teams.values())) > PLAYERS_MAX:
        return
    await queue.store.many(
        [
            (
                "SET",
                met_key(settings, player),
                as_json(Met(now_ms + length_ms, others)),
                "PX",
                length_ms,
            )
            for player, others in of_match(teams, settings.rematch_with).items()
            if newcomers is None or player in newcomers
        ]
    )


async def kept_apart(
    queue: Records, players: Sequence[PlayerId], avoid: Sequence[PlayerId], *, now_ms: int
) -> Mapping[PlayerId, int]:
    """Whom a ticket that comes now is not matched with, and until when; 0 is always.

    Whom its players avoid, and whom they met last; the latter no longer than for the queue's
    ``rematch_mercy_s``.
    """
    settings, found = queue.settings, dict.fromkeys(avoid, 0)
    if settings.rematch_cooldown_s:
        merciful_ms = now_ms + round(settings.rematch_mercy_s * 1000)
        said = await queue.store.call("MGET", *(met_key(settings, one) for one in players))
        for met in (_met(one) for one in said if one):
            until_ms = min(met.until_ms, merciful_ms)
            for player in met.players:
                if until_ms > now_ms and found.get(player, 1):
                    found[player] = max(until_ms, found.get(player, 0))
    return {player: until_ms for player, until_ms in found.items() if player not in players}
