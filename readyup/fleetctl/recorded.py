"""A fleet's recorded demand, minute by minute: a trace for the backtest, and what led up to it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from core.buckets import Counts, edge_s, quantile_s
from core.counts import KEPT_S, MINUTE_S
from core.errors import Invalid, NotFound
from core.ids import FleetName
from core.redis import Store
from fleets.capacity.keeper import LEAD_SHARE
from fleets.capacity.ledger import Ledger
from matchmaker.records import Records
from matchmaker.settings import QueueSettings
from matchmaker.tally import Tally

OF_FLEET = ("claims", "waited", "ended")
OF_QUEUES = ("tickets", "players")


@dataclass(frozen=True, slots=True)
class Recorded:
    """What came, in whole minutes."""

    fleet: FleetName
    from_s: int
    """Where the first minute begins, in seconds since 1970."""

    columns: Mapping[str, Sequence[int]]
    """Counts by minute: claims, those of them that waited, sessions that ended; tickets and their
    players, of every queue that names the fleet; and the matches that it got."""

    lead_s: float | None
    """From a server's creation to its Ready, nine of ten of the last days; None before any."""

    session_s: float | None
    """How long sessions lasted, on average; None before any ended."""

    def lines(self) -> Iterator[str]:
        """As CSV, with the columns ``at_s`` and ``claims`` first."""
        yield ",".join(["at_s", *self.columns])
        for n, counts in enumerate(zip(*self.columns.values(), strict=True)):
            yield ",".join(map(str, (self.from_s + n * MINUTE_S, *counts)))


async def recorded(
    store: Store, fleet: FleetName, queues: Sequence[QueueSettings], *, from_s: int, to_s: int
) -> Recorded:
    """What came to a fleet from one moment up to another; two weeks are kept.

    It begins with the first minute in which anything was counted.

    Raises:
        Invalid: no minute lies between the moments.
        NotFound: nothing was counted between them.
        StoreUnreachable: the store does not answer.
    """
    from_s, to_s = max(from_s, to_s - KEPT_S) // MINUTE_S * MINUTE_S, to_s // MINUTE_S * MINUTE_S
    if from_s >= to_s:
        raise Invalid("--to is not a minute after --from; leave one of them out", field="--to")
    ledger = Ledger(store, fleet)
    tallies = [Tally(Records(store, queue)) for queue in queues if fleet in queue.fleets()]

    async def of_queues(kind: str) -> list[int]:
        each = [await tally.minutes(kind, from_s, to_s) for tally in tallies]
        nothing = [0] * len(range(from_s, to_s, MINUTE_S))
        return [sum(counts) for counts in zip(nothing, *each, strict=True)]

    columns = {kind: await ledger.minutes(kind, from_s, to_s) for kind in OF_FLEET}
    columns |= {kind: await of_queues(kind) for kind in OF_QUEUES}
    columns["matches"] = await of_queues(f"matches:{fleet}")
    minutes = zip(*columns.values(), strict=True)
    first = next((n for n, counts in enumerate(minutes) if any(counts)), None)
    if first is None:
        raise NotFound(
            f"nothing was counted for fleet {fleet!r} in that time; counts are kept for two weeks"
        )
    ended = await ledger.took("session", now_ms=to_s * 1000)
    starts = await ledger.took("start", now_ms=to_s * 1000)
    return Recorded(
        fleet,
        from_s + first * MINUTE_S,
        {kind: counts[first:] for kind, counts in columns.items()},
        quantile_s(starts, LEAD_SHARE),
        _mean_s(ended),
    )


def sentence(told: Recorded, trace: str) -> str:
    """What was written, and the command that tries the planner on it."""
    minutes, claims = len(told.columns["claims"]), sum(told.columns["claims"])
    measured = [
        f" {option} {round(value, 1):g}"
        for option, value in (("--lead-time-s", told.lead_s), ("--session-s", told.session_s))
        if value is not None
    ]
    return (
        f"{minutes} minutes with {claims} claims; with the times measured here:\n"
        f"  readyup capacity backtest {trace} --seed 1{''.join(measured)}"
    )


def _mean_s(took: Counts) -> float | None:
    """Of durations in buckets, each taken for the middle of its own."""
    total = sum(took.values())
    middles = (count * (edge_s(n) + edge_s(n + 1)) / 2 for n, count in took.items())
    return sum(middles) / total if total else None
