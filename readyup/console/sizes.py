"""The size of one fleet over a quarter of an hour: what came, was expected, and was kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.ids import FleetName
from core.redis import Store
from fleets.capacity.ledger import Ledger
from readyup.console import reading as read
from readyup.console.views import reason

SPAN_S = 900
STEP_S = 10
DECISIONS_MAX = 2_000


@dataclass(frozen=True, slots=True)
class SizeSeries:
    """Points ten seconds apart, as columns of equal length; None before the first decision."""

    t_s: Sequence[int]
    claims_per_s: Sequence[float]
    expected_per_s: Sequence[float | None]
    replicas: Sequence[int | None]
    in_use: Sequence[int | None]


@dataclass(frozen=True, slots=True)
class FleetDetail:
    """One fleet: its size, and why."""

    name: str
    now_ms: int
    wanted: int | None
    """Servers that the plan asks for; None before the first."""

    why: str
    in_line: int
    decision: Mapping[str, Any] | None
    """The newest by forecast, with its inputs; None where the settings alone decide."""

    series: SizeSeries


async def fleet_detail(store: Store, name: str, *, now_ms: int) -> FleetDetail:
    """What there is to know of a fleet's size.

    Raises:
        StoreUnreachable: the store does not answer.
    """
    ledger = Ledger(store, FleetName(name))
    until_s = now_ms // 1000 // STEP_S * STEP_S
    claims = await ledger.seconds("claims", until_s - SPAN_S, until_s)
    since_ms = (until_s - SPAN_S) * 1000
    decisions = await ledger.decisions(since_ms=since_ms, limit=DECISIONS_MAX)
    plan = read.pairs(await store.call("HGETALL", f"{{f:{name}}}:plan"))
    wanted = plan.get("replicas", "")
    return FleetDetail(
        name=name,
        now_ms=now_ms,
        wanted=int(wanted) if wanted.isdigit() else None,
        why=reason(plan.get("why", "")),
        in_line=int(await store.call("ZCARD", f"{{f:{name}}}:waiting")),
        decision=decisions[0] if decisions else None,
        series=series(claims.tolist(), decisions[::-1], until_s=until_s),
    )


def series(
    claims: Sequence[float], decisions: Sequence[Mapping[str, Any]], *, until_s: int
) -> SizeSeries:
    """Claims by the second and decisions in order, as points; each holds until the next one."""
    begin_s = until_s - len(claims)
    times = range(begin_s, until_s, STEP_S)
    held: list[Mapping[str, Any] | None] = []
    n = 0
    for t_s in times:
        while n < len(decisions) and decisions[n]["t"] < (t_s + STEP_S) * 1000:
            n += 1
        held.append(decisions[n - 1] if n else None)
    return SizeSeries(
        t_s=list(times),
        claims_per_s=[
            round(sum(claims[at : at + STEP_S]) / STEP_S, 3) for at in range(0, len(claims), STEP_S)
        ],
        expected_per_s=[
            round(one["expected"] / one["horizon_s"], 3) if one else None for one in held
        ],
        replicas=[one["replicas"] if one else None for one in held],
        in_use=[one["in_use"] if one else None for one in held],
    )
