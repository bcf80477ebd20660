"""What came to a fleet over the last ten minutes, from its queues' tickets to its claims."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.ids import FleetName
from core.redis import Store
from fleets.capacity.ledger import Ledger
from matchmaker.records import Records
from matchmaker.settings import QueueSettings
from matchmaker.tally import Arrivals, Tally

SPAN_S = 600
MINUTE_S = 60


@dataclass(frozen=True, slots=True)
class Lately:
    """Counts of the last ten minutes."""

    span_s: int
    queues: Sequence[Arrivals]
    """Of each queue that names the fleet; its tickets may get their match in another one."""

    claims: int
    waited: int
    """Of the claims, those that found no room free."""

    claims_last_minute: int
    waited_last_minute: int


async def lately(
    store: Store, fleet: FleetName, queues: Sequence[QueueSettings], *, until_s: int
) -> Lately:
    """What came to a fleet; of the queues count those that name it.

    Raises:
        StoreUnreachable: the store does not answer.
    """
    from_s, ledger = until_s - SPAN_S, Ledger(store, fleet)
    claims = (await ledger.seconds("claims", from_s, until_s)).astype(int)
    waited = (await ledger.seconds("waited", from_s, until_s)).astype(int)
    tallies = [Tally(Records(store, queue)) for queue in queues if fleet in queue.fleets()]
    return Lately(
        span_s=SPAN_S,
        queues=[await tally.arrivals(from_s=from_s, to_s=until_s) for tally in tallies],
        claims=int(claims.sum()),
        waited=int(waited.sum()),
        claims_last_minute=int(claims[-MINUTE_S:].sum()),
        waited_last_minute=int(waited[-MINUTE_S:].sum()),
    )


def sentence(fleet: FleetName, told: Lately) -> str:
    """The same for a reader.

    >>> duel = Arrivals("duel", tickets=118, players=131, matches={"eu": 61, "us": 9})
    >>> sentence("eu", Lately(600, [duel], 60, 3, 8, 0))
    'last 10 minutes: 118 tickets of 131 players, 61 of 70 matches, 60 claims, 3 of them waited'
    """
    here = sum(queue.matches[fleet] for queue in told.queues)
    everywhere = sum(sum(queue.matches.values()) for queue in told.queues)
    words = []
    if told.queues:
        tickets = sum(queue.tickets for queue in told.queues)
        players = sum(queue.players for queue in told.queues)
        words.append(f"{tickets} tickets of {players} players")
        words.append(f"{here} matches" if here == everywhere else f"{here} of {everywhere} matches")
    words.append(f"{told.claims} claims")
    if told.waited:
        words.append(f"{told.waited} of them waited")
    return f"last {told.span_s // 60} minutes: {', '.join(words)}"
