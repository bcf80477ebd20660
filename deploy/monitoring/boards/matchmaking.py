"""What directors do: who leads, how long a pass takes, what becomes of a match."""

from deploy.monitoring.panels import Board, panel
from deploy.monitoring.queries import HERE, rate, share, spread


def matchmaking() -> Board:
    """What directors do."""
    return Board(
        "readyup-matchmaking",
        "ReadyUp / Matchmaking",
        "What the directors do: who leads, how full the queues are, how long a pass takes.",
        (
            (
                "Queues",
                (
                    panel(
                        "Tickets waiting",
                        "In the leading director's pool.",
                        "short",
                        (f"readyup:tickets_waiting{{{HERE}}}", "{{queue}}"),
                    ),
                    panel(
                        "Who leads",
                        "The epoch of each queue's leader: rises with each change of director; "
                        "a gap is a queue that nobody led.",
                        "short",
                        (
                            f"max by (queue) (readyup_matchmaker_director_epoch{{{HERE}}} > 0)",
                            "{{queue}}",
                        ),
                    ),
                    panel(
                        "Paused",
                        "1 while an operator has paused the queue.",
                        "short",
                        (f"readyup:queue_paused{{{HERE}}}", "{{queue}}"),
                        stat=True,
                        limit=1,
                    ),
                ),
            ),
            (
                "Passes",
                (
                    panel(
                        "One pass of the engine",
                        "A pass that takes longer than a quarter of a second makes players wait.",
                        "s",
                        *spread("readyup_matchmaker_pass_seconds", "queue"),
                        limit=0.25,
                    ),
                    panel(
                        "Passes a second",
                        "A director looks when something came, and every quarter of a second.",
                        "ops",
                        (rate("readyup_matchmaker_pass_seconds_count", "queue"), "{{queue}}"),
                    ),
                ),
            ),
            (
                "From a match to a room",
                (
                    panel(
                        "A claim",
                        "One script; promised: 99 % within 50 ms.",
                        "s",
                        (share(0.5, "readyup_matchmaker_claim_seconds"), "p50"),
                        (share(0.95, "readyup_matchmaker_claim_seconds"), "p95"),
                        (share(0.99, "readyup_matchmaker_claim_seconds"), "p99"),
                        limit=0.05,
                    ),
                    panel(
                        "Matches that stood in line",
                        "Found no warm room; promised: at most 1 %.",
                        "ops",
                        (rate("readyup_matchmaker_claims_waited_total", "queue"), "{{queue}}"),
                    ),
                    panel(
                        "Matches that did not come to be",
                        "No room in time, or closed because a player left.",
                        "ops",
                        (
                            rate("readyup_matchmaker_matches_closed_total", "queue, reason"),
                            "{{queue}}: {{reason}}",
                        ),
                    ),
                ),
            ),
        ),
    )
