"""Game servers, the warm pool made of them, and what went wrong there."""

from deploy.monitoring.panels import Board, panel
from deploy.monitoring.queries import HERE, rate, share, top


def fleets() -> Board:
    """Servers, and the warm pool made of them."""
    return Board(
        "readyup-fleets",
        "ReadyUp / Fleets and warm pool",
        "The game servers by state, the rooms they lend, and what becomes of them.",
        (
            (
                "Warm pool",
                (
                    panel(
                        "Rooms",
                        "Free ones are handed out in a millisecond; suspect ones are silent.",
                        "short",
                        (top("readyup_allocator_rooms", "fleet, state"), "{{fleet}} {{state}}"),
                        stacked=True,
                    ),
                    panel(
                        "Matches in line",
                        "Above zero for a minute somebody is woken.",
                        "short",
                        (top("readyup_allocator_matches_waiting", "fleet"), "{{fleet}}"),
                        limit=1,
                    ),
                    panel(
                        "Rooms given back",
                        "By reason; what is not `finished` went wrong.",
                        "ops",
                        (
                            rate("readyup_allocator_releases_total", "fleet, reason"),
                            "{{fleet}} {{reason}}",
                        ),
                    ),
                ),
            ),
            (
                "Servers",
                (
                    panel(
                        "Servers by state",
                        "Agones' states.",
                        "short",
                        (
                            top("readyup_fleets_servers", "fleet, state") + " > 0",
                            "{{fleet}} {{state}}",
                        ),
                        stacked=True,
                    ),
                    panel(
                        "From begin to Ready",
                        "What a cold start costs.",
                        "s",
                        (share(0.5, "readyup_fleets_ready_seconds", "fleet"), "{{fleet}} p50"),
                        (share(0.95, "readyup_fleets_ready_seconds", "fleet"), "{{fleet}} p95"),
                    ),
                    panel(
                        "Begun and gone",
                        "Servers that begin, and those that go, by reason.",
                        "ops",
                        (rate("readyup_fleets_starts_total", "fleet"), "{{fleet}} begun"),
                        (
                            rate("readyup_fleets_deletes_total", "fleet, reason"),
                            "{{fleet}} {{reason}}",
                        ),
                    ),
                ),
            ),
            (
                "Promises",
                (
                    panel(
                        "Acknowledgements",
                        "Of servers, by outcome; health is `ok` alone.",
                        "ops",
                        (
                            rate("readyup_allocator_acks_total", "fleet, outcome"),
                            "{{fleet}} {{outcome}}",
                        ),
                    ),
                    panel(
                        "Repairs",
                        "Rooms and matches that had to be put right. In health there are none.",
                        "short",
                        (
                            f"sum by (fleet, kind) (readyup_allocator_repairs_total{{{HERE}}})",
                            "{{fleet}} {{kind}}",
                        ),
                    ),
                    panel(
                        "Servers connected",
                        "Game servers with an open socket to the sessions API.",
                        "short",
                        (
                            f"sum by (fleet) (readyup_allocator_servers_connected{{{HERE}}})",
                            "{{fleet}}",
                        ),
                    ),
                ),
            ),
        ),
    )
