"""``readyup bench failover``: of the directors, or with ``--redis`` of the store."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from core.address import Kind
from readyup.settings import load

Store = Kind | Literal["both"]
"""``both``: behind Sentinels, and then a Cluster."""


async def measure(kills: int, redis: Store, folder: Path) -> dict[str, Any]:
    """Kill the leading director so often, or harm the store's primary so often in each way."""
    from readyup.demo.screen import shown

    with shown(live=False) as show:
        if redis == "server":
            from readyup.bench.failover import bench_failover

            return await bench_failover(load(), folder, kills=kills, show=show)
        from readyup.bench.store_failover import bench_store_failover

        for one in (folder / "sentinel", folder / "cluster"):
            one.mkdir()
        kinds: tuple[Kind, ...] = ("sentinel", "cluster") if redis == "both" else (redis,)
        runs = [
            await bench_store_failover(load(), folder / one, redis=one, times=kills, show=show)
            for one in kinds
        ]
    return {
        "redis": redis,
        "runs": {run["redis"]: run for run in runs},
        "breaches": sum(run["breaches"] for run in runs),
    }


FORMS = {
    "sentinel": "a primary, two replicas, three Sentinels",
    "cluster": "a Cluster of three primaries with a replica each",
}


def store_rows(figures: Mapping[str, Any]) -> dict[str, str]:
    """What is told of one run of the store's failovers."""
    tickets, matches = figures["tickets"], figures["matches"]
    repairs = ", ".join(f"{count} {kind}" for kind, count in sorted(figures["repairs"].items()))
    return {
        "measured": f"{FORMS[figures['redis']]}; its primary killed and stopped in turn, "
        f"{figures['faults']} times in all, under bots",
        **{
            f"no store, {kind}": _spread(gaps)
            for kind, gaps in figures["no_store_s"].items()
            if gaps
        },
        **{
            f"no match, {kind}": _spread(gaps)
            for kind, gaps in figures["no_match_s"].items()
            if gaps
        },
        "silence waited for": f"{figures['waited_for_ms']} ms, before a primary is given up",
        "forgotten": f"{figures['forgotten_events']} events that a primary had and its "
        f"successor did not; {figures['matches_lost']} matches lost",
        "repaired": repairs or "nothing had to be",
        "tickets": f"{tickets['created']} created, {tickets['assigned']} assigned, "
        f"{tickets['cancelled']} cancelled, {tickets['expired']} expired",
        "matches": f"{matches['made']} made, {matches['completed']} played to the end",
        "promises": f"{figures['breaches']} breaches in {figures['events']} events"
        + "".join(f"; not judged: {why}" for why in figures["unjudged"]),
    }


def _spread(gaps: Mapping[str, float]) -> str:
    p50, p95, most = gaps["p50"], gaps["p95"], gaps["max"]
    return f"{gaps['times']} times, p50 {p50:.1f} s  p95 {p95:.1f} s  max {most:.1f} s"
