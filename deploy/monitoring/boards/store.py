"""The store as the roles see it, beside the processes themselves."""

from deploy.monitoring.panels import Board, Panel, panel
from deploy.monitoring.queries import HERE, rate, share, top


def store() -> Board:
    """Redis, as the roles see it."""
    return Board(
        "readyup-store",
        "ReadyUp / Redis",
        "The store as the roles see it, and the processes themselves.",
        (
            (
                "The way to it",
                (
                    panel(
                        "Processes that reach it",
                        "Those that do not enqueue, match and assign nobody.",
                        "short",
                        (f"sum(readyup_store_up{{{HERE}}})", "reach it"),
                        (f"count(readyup_store_up{{{HERE}}})", "all"),
                    ),
                    panel(
                        "Ping",
                        "Until every primary answered; above 5 ms look for neighbours and disks.",
                        "s",
                        (share(0.5, "readyup_store_ping_seconds"), "p50"),
                        (share(0.99, "readyup_store_ping_seconds"), "p99"),
                        limit=0.005,
                    ),
                    panel(
                        "Connections and primaries",
                        "Rises when a process reaches another primary, or the same one anew.",
                        "short",
                        (f"max(readyup_store_reign{{{HERE}}})", "reign"),
                    ),
                ),
            ),
            (
                "The primaries",
                (
                    panel(
                        "Memory",
                        "In use. At maxmemory no ticket is taken.",
                        "bytes",
                        (f"max(readyup_store_memory_bytes{{{HERE}}})", "in use"),
                    ),
                    panel(
                        "Memory by its limit",
                        "0 where there is no limit.",
                        "percentunit",
                        (f"max(readyup_store_memory_ratio{{{HERE}}})", "full"),
                        stat=True,
                        limit=0.85,
                    ),
                    panel(
                        "Commands a second",
                        "Of everybody.",
                        "ops",
                        (f"max(readyup_store_commands_per_second{{{HERE}}})", "commands"),
                    ),
                    panel(
                        "Replicas",
                        "Of the primary that has the fewest.",
                        "short",
                        (f"min(readyup_store_replicas{{{HERE}}})", "replicas"),
                        stat=True,
                    ),
                ),
            ),
            ("Processes", _processes()),
        ),
    )


def _processes() -> tuple[Panel, ...]:
    return (
        panel(
            "Processor",
            "Cores in use by each process; a role is one thread and stands still at 1.",
            "short",
            (rate("process_cpu_seconds_total", "instance", 'job=~".*readyup.*"'), "{{instance}}"),
            limit=1,
        ),
        panel(
            "Memory of processes",
            "Resident.",
            "bytes",
            (
                top("process_resident_memory_bytes", "instance", 'job=~".*readyup.*"'),
                "{{instance}}",
            ),
        ),
        panel(
            "Event loops wake late by",
            "p99; a player API that is half a second late refuses tickets.",
            "s",
            (share(0.99, "readyup_process_loop_lag_seconds", "instance"), "{{instance}}"),
            limit=0.25,
        ),
    )
