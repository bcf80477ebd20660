"""How regular game servers' ticks are, and what is known of their cores."""

from deploy.monitoring.panels import Board, panel
from deploy.monitoring.queries import HERE, rate, top

QUARANTINED = "readyup_allocator_servers_quarantined_total"


def jitter() -> Board:
    """How regular game servers' ticks are."""
    return Board(
        "readyup-jitter",
        "ReadyUp / Game-server jitter",
        "How late the game servers' ticks come, and what is known of their cores.",
        (
            (
                "Ticks",
                (
                    panel(
                        "One tick of a hundred is late by",
                        "At the median server and at the worst, as servers said last.",
                        "s",
                        (
                            top("readyup_allocator_tick_late_seconds", "fleet, server"),
                            "{{fleet}} {{server}}",
                        ),
                        limit=0.005,
                    ),
                    panel(
                        "Given up for late ticks",
                        "A server that stands out for long is replaced after its match.",
                        "short",
                        (
                            f"sum({QUARANTINED}{{{HERE}}}) or vector(0)",
                            "servers",
                        ),
                        stat=True,
                        limit=1,
                    ),
                ),
            ),
            (
                "Cores",
                (
                    panel(
                        "Servers by their cores",
                        "true is proven to be its own; false is shared; unknown nobody said.",
                        "short",
                        (
                            top("readyup_fleets_servers_pinned", "fleet, pinned"),
                            "{{fleet}} {{pinned}}",
                        ),
                        stacked=True,
                    ),
                    panel(
                        "Sockets that we closed",
                        "To servers that were silent or slow.",
                        "ops",
                        (
                            rate("readyup_allocator_servers_dropped_total", "reason")
                            + " or vector(0)",
                            "{{reason}}",
                        ),
                    ),
                ),
            ),
        ),
    )
