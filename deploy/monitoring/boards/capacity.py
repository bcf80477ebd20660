"""Why a fleet has the size it has."""

from deploy.monitoring.panels import Board, panel
from deploy.monitoring.queries import HERE, top


def capacity() -> Board:
    """Why a fleet has the size it has."""
    return Board(
        "readyup-capacity",
        "ReadyUp / Capacity decisions",
        "Why a fleet has the size it has: `readyup fleet why` says the same in a sentence.",
        (
            (
                "Size",
                (
                    panel(
                        "Wanted, recommended, there, in use",
                        "Wanted is what is done; recommended what the forecast says.",
                        "short",
                        (f"readyup:replicas_wanted{{{HERE}}}", "{{fleet}} wanted"),
                        (f"readyup:servers_up{{{HERE}}}", "{{fleet}} up"),
                        (
                            top("readyup_fleets_decision_servers", "fleet, part"),
                            "{{fleet}} {{part}}",
                        ),
                    ),
                    panel(
                        "Age of the decision",
                        "Half a second in health; after a minute nobody decides.",
                        "s",
                        (
                            f"time() - {top('readyup_fleets_decided_timestamp_seconds', 'fleet')}",
                            "{{fleet}}",
                        ),
                        limit=60,
                    ),
                ),
            ),
            (
                "What it was decided by",
                (
                    panel(
                        "Rooms",
                        "The reserve's target, claims expected within the horizon, the margin "
                        "above them, and matches in line.",
                        "short",
                        (
                            top("readyup_fleets_decision_rooms", "fleet, part"),
                            "{{fleet}} {{part}}",
                        ),
                    ),
                    panel(
                        "Times",
                        "A new server's lead, the reserve's refill, and how far ahead is planned.",
                        "s",
                        (
                            top("readyup_fleets_decision_seconds", "fleet, part"),
                            "{{fleet}} {{part}}",
                        ),
                    ),
                ),
            ),
        ),
    )
