"""Where a player plays, kept by the player's name: the way back for who has nothing else left.

A hint is written before anybody is told of the match. Where one line carries both, that order
is the pipeline's. In a Cluster they lie on different primaries, so a hint lasts first: else a
director's death between the two, or a failover of the player's primary, would leave a match
that was told and a player who does not find it. What was not told yet is told again by
``Placing.resume``, hints first.
"""

from collections.abc import Iterable

from core.ids import FleetName, MatchId, PlayerId, QueueName
from core.lua import as_json
from core.redis import Store

HINT_S = 7200
"""How long a hint lives; as long as a session may."""


def session_hint(player: PlayerId) -> str:
    """The key of a player's hint to their match; checked against the session when read."""
    return f"{{p:{player}}}:session"


async def leave_hints(
    store: Store, players: Iterable[PlayerId], match: MatchId, fleet: FleetName, queue: QueueName
) -> None:
    """Write the hints of a match's players.

    Raises:
        StoreUnreachable: some may be there; nobody may be told yet.
    """
    hint = as_json({"match": match, "fleet": fleet, "queue": queue})
    commands = [("SET", session_hint(player), hint, "EX", HINT_S) for player in players]
    await (store if store.one_line else store.durably).many(commands)
