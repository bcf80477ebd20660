"""The report of a run: counted from the event log, with what only the players could see."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from readyup.bots.report import percentile

_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Counts:
    """What the log of a run says, line by line."""

    def __init__(self) -> None:
        self.kinds: Counter[str] = Counter()
        self.assigned = 0
        self.completed = 0
        self.place_ms: list[float] = []
        self.claim_ms: list[float] = []

    @classmethod
    def of(cls, history: Path) -> "Counts":
        """Read a whole log."""
        counts = cls()
        with history.open("rb") as lines:
            for line in lines:
                counts.add(_decode(line))
        return counts

    def add(self, event: Mapping[str, Any]) -> None:
        """Count one event."""
        kind = event["k"]
        self.kinds[kind] += 1
        if kind == "match.announced":
            self.assigned += len(event["tickets"])
            if event.get("claim_us"):
                self.claim_ms.append(event["claim_us"] / 1000)
        elif kind == "match.ended":
            self.completed += event["reason"] == "finished"
        elif kind == "api.pushed" and "place_us" in event:
            self.place_ms.append(event["place_us"] / 1000)


def report_of(
    counts: Counts,
    crowd: Mapping[str, Any],
    *,
    history: Path,
    breaches: int,
    repairs: Mapping[str, int],
    restarts: Mapping[str, int],
    chaos: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The run in figures; other tools rely on these keys (docs/report.md).

    ``crowd`` is the bots' own report. Milliseconds are exact nearest-rank percentiles.
    """
    errors = dict(crowd.get("errors", {}))
    errors |= {f"{role} died": n for role, n in restarts.items() if n}
    report: dict[str, Any] = {
        "tickets": {
            "created": counts.kinds["ticket.enqueued"],
            "assigned": counts.assigned,
            "cancelled": counts.kinds["ticket.cancelled"],
            "expired": counts.kinds["ticket.expired"],
        },
        "matches": {"made": counts.kinds["match.announced"], "completed": counts.completed},
        "wait_ms": crowd.get("wait_ms", {"p50": 0.0, "p95": 0.0, "p99": 0.0}),
        "place_ms": percentiles(counts.place_ms),
        "claim_ms": percentiles(counts.claim_ms),
        "rejoins": crowd.get("rejoins", {"tried": 0, "succeeded": 0}),
        "handovers": crowd.get("handovers", {"tried": 0, "succeeded": 0}),
        "errors": errors,
        "repairs": dict(repairs),
        "link": crowd.get("link", {}),
        "events": counts.kinds.total(),
        "history": str(history),
        "breaches": breaches,
    }
    return report | ({"chaos": dict(chaos)} if chaos else {})


def percentiles(values: list[float]) -> dict[str, float]:
    """p50 and p99, rounded to microseconds."""
    ordered = sorted(values)
    return {
        "p50": round(percentile(ordered, 0.5), 3),
        "p99": round(percentile(ordered, 0.99), 3),
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
        "matches": f"{matches['made']} made, {matches['completed']} played to the end",
        "waits": f"p50 {wait['p50']:.0f} ms, p95 {wait['p95']:.0f} ms, p99 {wait['p99']:.0f} ms",
        "placing": f"p50 {place['p50']:.1f} ms, p99 {place['p99']:.1f} ms "
        "(from match and free room to the push)",
        "claiming": f"p50 {claim['p50']:.2f} ms, p99 {claim['p99']:.2f} ms",
        "rejoins": f"{rejoins['succeeded']} of {rejoins['tried']}",
        "handovers": f"{report['handovers']['succeeded']} of {report['handovers']['tried']} "
        "players whose match lost its server played on at another",
        "errors": errors,
        "repairs": repairs,
        "promises": f"{report['breaches']} breaches in {report['events']} events",
        "history": report["history"] or "not kept; --dir FOLDER keeps it",
    }
    for fault, cost in report.get("chaos", {}).items():
        rows[fault] = (
            f"{cost['times']} times, service back after p50 {cost['gone_s_p50']:.1f} s, "
            f"max {cost['gone_s_max']:.1f} s"
        ) + (f"; not back {cost['lost']} times" if cost["lost"] else "")
    return "\n".join(f"{name:<{max(10, len(name) + 2)}}{text}" for name, text in rows.items())
