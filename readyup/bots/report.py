"""The figures of a run, as the players saw it: at any moment, and at the end."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from readyup.bots.standing import Phase
from readyup.bots.tally import Tally


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """One queue at one moment."""

    waiting: int
    playing: int
    """Joining and dropped players among them."""

    wait_ms_p50: float
    wait_ms_p95: float
    """Of the last few hundred waits."""

    matches: int
    """Completed since the start."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The crowd at one moment."""

    t_s: float
    """Seconds since the run began."""

    present: int
    queues: dict[str, QueueFigures]
    matches_made: int
    errors: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class CrowdReport:
    """The whole run. Matches and tickets are distinct ones, however many players saw them."""

    players: int
    """Everybody who ever came."""

    duration_s: float
    tickets: dict[str, int]
    matches: dict[str, int]
    wait_ms: dict[str, float]
    """From the answer to enqueue to the assignment, one per player and match."""

    rejoins: dict[str, int]
    """Ways back into a running match."""

    handovers: dict[str, int]
    """Players whose match lost its server, and those who played on at another."""

    errors: dict[str, int]
    unexpected: dict[str, int]
    """Errors that no fault in the service explains; any of them fails the run."""

    link: dict[str, float]
    """Round trips (smoothed per link), jitter and loss over all links that saw a result."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as --json writes them."""
        return asdict(self)


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` of an ordered sequence do not exceed; 0 of none.

    >>> percentile([1.0, 2.0, 3.0, 4.0], 0.5)
    2.0
    """
    if not ordered:
        return 0.0
    rank = -int(-share * len(ordered) // 1)
    return ordered[min(len(ordered), max(1, rank)) - 1]


def percentiles(values: Iterable[float], *shares: int) -> dict[str, float]:
    """``{"p50": ..., "p99": ...}`` for shares in percent, to a thousandth."""
    ordered = sorted(values)
    return {f"p{share}": round(percentile(ordered, share / 100.0), 3) for share in shares}


def figures_of(tally: Tally, phases: Iterable[tuple[str, Phase]], *, t_s: float) -> Figures:
    """The crowd now; ``phases`` has the queue and phase of everybody present."""
    counted = Counter(phases)
    queues = {}
    for name, queue in sorted(tally.queues.items()):
        recent = sorted(queue.recent_wait_ms)
        queues[name] = QueueFigures(
            waiting=counted[name, Phase.WAITING],
            playing=sum(counted[name, p] for p in (Phase.JOINING, Phase.PLAYING, Phase.AWAY)),
            wait_ms_p50=round(percentile(recent, 0.5), 1),
            wait_ms_p95=round(percentile(recent, 0.95), 1),
            matches=len(queue.matches_completed),
        )
    return Figures(
        t_s=round(t_s, 1),
        present=counted.total(),
        queues=queues,
        matches_made=sum(len(queue.matches_made) for queue in tally.queues.values()),
        errors=dict(sorted(tally.errors.items())),
    )


def report_of(tally: Tally, *, players: int, duration_s: float) -> CrowdReport:
    """The whole run."""
    tickets = {"created": 0, "assigned": 0, "cancelled": 0, "expired": 0}
    for queue in tally.queues.values():
        for how, n in queue.tickets.items():
            tickets[how] = tickets.get(how, 0) + n
    rtt = percentiles(tally.rtt_ms, 50, 99)
    return CrowdReport(
        players=players,
        duration_s=round(duration_s, 1),
        tickets=tickets,
        matches={
            "made": sum(len(q.matches_made) for q in tally.queues.values()),
            "completed": sum(len(q.matches_completed) for q in tally.queues.values()),
        },
        wait_ms=percentiles(tally.wait_ms, 50, 95, 99),
        rejoins={how: tally.rejoins[how] for how in ("tried", "succeeded")},
        handovers={how: tally.handovers[how] for how in ("tried", "succeeded")},
        errors=dict(sorted(tally.errors.items())),
        unexpected=tally.unexpected(),
        link={
            "rtt_ms_p50": rtt["p50"],
            "rtt_ms_p99": rtt["p99"],
            "jitter_ms_mean": round(_mean(tally.jitter_ms), 3),
            "loss_share_mean": round(_mean(tally.loss_share), 5),
        },
    )


def report_text(report: CrowdReport) -> str:
    """The report for people."""
    tickets, waits, link = report.tickets, report.wait_ms, report.link
    rows = {
        "players": f"{report.players} came in {report.duration_s:.0f} s",
        "tickets": f"{tickets['created']} created: {tickets['assigned']} assigned, "
        f"{tickets['cancelled']} cancelled, {tickets['expired']} expired",
        "matches": f"{report.matches['made']} made, {report.matches['completed']} completed",
        "waits": ", ".join(f"{share} {wait:.0f} ms" for share, wait in waits.items()),
        "rejoins": f"{report.rejoins['succeeded']} of {report.rejoins['tried']}",
        "handovers": f"{report.handovers['succeeded']} of {report.handovers['tried']}",
        "links": f"round trip p50 {link['rtt_ms_p50']:.1f} ms, p99 {link['rtt_ms_p99']:.1f} ms, "
        f"jitter {link['jitter_ms_mean']:.2f} ms, loss {link['loss_share_mean']:.2%}",
        "errors": ", ".join(f"{n} {kind}" for kind, n in report.errors.items()) or "none",
    }
    return "\n".join(f"{name:<9} {said}" for name, said in rows.items())


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
