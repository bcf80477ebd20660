"""``readyup bench failover``: of the directors, or with ``--redis`` of the store."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.address import Kind
from readyup.settings import load


async def measure(kills: int, redis: Kind, folder: Path) -> dict[str, Any]:
    """Kill the leading director so often, or harm the store's primary."""
    from readyup.demo.screen import shown

    with shown(live=False) as show:
        if redis == "server":
            from readyup.bench.failover import bench_failover

            return await bench_failover(load(), folder, kills=kills, show=show)
        from readyup.bench.store_failover import bench_store_failover

        return await bench_store_failover(load(), folder, redis=redis, faults=kills, show=show)


FORMS = {
    "sentinel": "a primary, two replicas, three Sentinels",
    "cluster": "a Cluster of three primaries with a replica each",
}


def store_rows(figures: Mapping[str, Any]) -> dict[str, str]:
    """What is told of the store's failovers."""
    tickets, matches = figures["tickets"], figures["matches"]
    repairs = ", ".join(f"{count} {kind}" for kind, count in sorted(figures["repairs"].items()))
    return {
        "measured": f"{FORMS[figures['redis']]}; its primary killed and stopped in turn, "
        f"{figures['faults']} times, under bots",
        **{
            f"no store, {kind}": _spread(gaps)
            for kind, gaps in figures["no_store_s"].items()
            if gaps
        },
        "no match announced": _spread(figures["no_match_s"]),
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
    return f"{gaps['times']} times, p50 {gaps['p50']:.1f} s  max {gaps['max']:.1f} s"
