"""The report of a run: counted from the event log, with what only the players could see."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.words import many
from readyup.bots.report import percentiles
from readyup.demo.counts import BurstCounts, Counts
from readyup.demo.servers import Servers
from readyup.history.check import Verdict

WAITED_MS = 1_000
"""A match of a burst that is announced later than this, after its players came, has waited."""


def report_of(
    counts: Counts,
    crowd: Mapping[str, Any],
    *,
    history: Path,
    verdict: Verdict,
    repairs: Mapping[str, int],
    restarts: Mapping[str, int],
    parts: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """The run in figures; other tools rely on these keys (docs/report.md).

    ``crowd`` is the bots' own report, ``parts`` what only some runs have: chaos, burst.
    Milliseconds are exact nearest-rank percentiles.
    """
    errors = dict(crowd.get("errors", {}))
    errors |= {f"{role} died": n for role, n in restarts.items() if n}
    report: dict[str, Any] = {
        "tickets": {
            "created": counts.kinds["ticket.enqueued"],
            "assigned": counts.assigned(),
            "cancelled": counts.kinds["ticket.cancelled"],
            "expired": counts.kinds["ticket.expired"],
        },
        "matches": {"made": counts.made(), "completed": counts.completed()},
        "newcomers": counts.newcomers(),
        "queues": {name: queue.as_dict() for name, queue in sorted(counts.queues.items())},
        "wait_ms": crowd.get("wait_ms", {"p50": 0.0, "p95": 0.0, "p99": 0.0}),
        "place_ms": percentiles(counts.place_ms, 50, 99),
        "claim_ms": percentiles(counts.claim_ms, 50, 99),
        "rejoins": crowd.get("rejoins", {"tried": 0, "succeeded": 0}),
        "handovers": crowd.get("handovers", {"tried": 0, "succeeded": 0}),
        "errors": errors,
        "repairs": dict(repairs),
        "link": crowd.get("link", {}),
        "events": counts.kinds.total(),
        "history": str(history),
        "breaches": len(verdict.breaches),
        "remarks": list(verdict.remarks),
    }
    return report | {name: dict(part) for name, part in (parts or {}).items() if part}


def burst_of(counts: BurstCounts, servers: Servers) -> dict[str, Any]:
    """What a burst came to; of the servers those count that were begun before the last of its
    matches was placed.

    Nothing where nobody of it came, in a run that was stopped before.
    """
    if not counts.began_ms:
        return {}
    meanwhile = range(counts.began_ms, counts.ended_ms + 1)
    later = [begun - counts.began_ms for begun in servers.begun_ms.values() if begun in meanwhile]
    late = [wait_ms for wait_ms in counts.wait_ms if wait_ms > WAITED_MS]
    return {
        "matches": len(counts.wait_ms),
        "mixed": counts.mixed,
        "servers": servers.at(counts.began_ms),
        "servers_max": servers.size_max,
        "scale_action_s": round(min(later) / 1000, 3) if later else None,
        "servers_begun": len(later),
        "waited_share": round(len(late) / len(counts.wait_ms), 3) if counts.wait_ms else 0.0,
        "wait_ms": percentiles(counts.wait_ms, 50, 95, 99),
    }


def as_text(report: Mapping[str, Any]) -> str:
    """The report for a person."""
    tickets, matches, rejoins = report["tickets"], report["matches"], report["rejoins"]
    wait, place, claim = report["wait_ms"], report["place_ms"], report["claim_ms"]
    errors = ", ".join(f"{n} {kind}" for kind, n in report["errors"].items()) or "none"
    repairs = ", ".join(f"{n} {kind}" for kind, n in report["repairs"].items()) or "none"
    rows = {
        "tickets": f"{tickets['created']} created: {tickets['assigned']} assigned, "
        f"{tickets['cancelled']} cancelled, {tickets['expired']} expired",
        "matches": f"{matches['made']} made, {matches['completed']} played to the end; "
        f"{many(report['newcomers'], 'player')} came to one that ran",
        "waits": f"p50 {wait['p50']:.0f} ms, p95 {wait['p95']:.0f} ms, p99 {wait['p99']:.0f} ms",
        "placing": f"p50 {place['p50']:.1f} ms, p99 {place['p99']:.1f} ms "
        "(from match and free room to the push)",
        "claiming": f"p50 {claim['p50']:.2f} ms, p99 {claim['p99']:.2f} ms",
        "rejoins": f"{rejoins['succeeded']} of {rejoins['tried']}",
        "handovers": f"{report['handovers']['succeeded']} of {report['handovers']['tried']} "
        "players whose match lost its server played on at another",
        "errors": errors,
        "repairs": repairs,
        "promises": "; ".join(
            (
                f"{many(report['breaches'], 'breach', 'es')} in {report['events']} events",
                *report["remarks"],
            )
        ),
        "history": report["history"] or "not kept; --dir FOLDER keeps it",
    }
    for name, queue in report["queues"].items():
        rows[name] = _queue_words(queue)
    if burst := report.get("burst"):
        rows["burst"] = _burst_words(burst)
    for fault, cost in report.get("chaos", {}).items():
        rows[fault] = (
            f"{cost['times']} times, service back after p50 {cost['gone_s_p50']:.1f} s, "
            f"max {cost['gone_s_max']:.1f} s"
        ) + (f"; not back {cost['lost']} times" if cost["lost"] else "")
    return "\n".join(f"{name:<{max(10, len(name) + 2)}}{text}" for name, text in rows.items())


def _queue_words(queue: Mapping[str, Any]) -> str:
    made, waited, good = queue["matches"]["made"], queue["wait_ms"], queue["quality"]
    if not made:
        return "no matches"
    return (
        f"{many(made, 'match', 'es')}, waits p50 {waited['p50']:.0f} ms, "
        f"p95 {waited['p95']:.0f} ms, "
        f"quality p10 {good['p10']:.2f}, p50 {good['p50']:.2f}, p90 {good['p90']:.2f}"
    )


def _burst_words(burst: Mapping[str, Any]) -> str:
    acted, wait = burst["scale_action_s"], burst["wait_ms"]
    begun = "no server was begun" if acted is None else f"first server begun after {acted:.2f} s"
    if acted is None and 0 < burst["servers_max"] <= burst["servers"]:
        begun += f": {burst['servers']} ran, the most there may be (size_max, ports or --servers)"
    mixed = f" ({burst['mixed']} with others who waited)" if burst["mixed"] else ""
    matches = many(burst["matches"], "match", "es")
    return (
        f"{matches}{mixed}; {begun}; {burst['waited_share']:.0%} waited over "
        f"{WAITED_MS / 1000:g} s; waits p50 {wait['p50']:.0f} ms, p99 {wait['p99']:.0f} ms"
    )
