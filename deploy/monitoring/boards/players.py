"""How players fare: their wait, and how soon they are told."""

from deploy.monitoring.panels import Board, panel
from deploy.monitoring.queries import HERE, rate, spread

BURNS = panel(
    "How fast the error budgets burn",
    "1 spends a month's budget in a month; above 14.4 for an hour somebody is woken.",
    "short",
    (f"max by (slo) (readyup:slo_burn:1h{{{HERE}}})", "{{slo}}"),
    limit=14.4,
)


def players() -> Board:
    """A player's way, from the first packet to the match."""
    return Board(
        "readyup-players",
        "ReadyUp / Players' journey",
        "What players live through: how long they wait, how soon they are told, whether they are.",
        (
            (
                "Waiting",
                (
                    panel(
                        "Wait for a match",
                        "From enqueue to the pushed assignment. Promised: 95 % within 30 s.",
                        "s",
                        *spread("readyup_matchmaker_ticket_wait_seconds", "queue"),
                        limit=30,
                    ),
                    panel(
                        "Longest wait now",
                        "The oldest ticket of each queue; what grows with the clock is stuck.",
                        "s",
                        (f"readyup:oldest_wait_seconds{{{HERE}}}", "{{queue}}"),
                        limit=300,
                    ),
                    BURNS,
                ),
            ),
            (
                "Being told",
                (
                    panel(
                        "A match and a room exist, to the push",
                        "What we add to a player's wait ourselves: milliseconds in health.",
                        "s",
                        *spread("readyup_matchmaker_place_seconds", "queue"),
                    ),
                    panel(
                        "Claim to the server's acknowledgement",
                        "A server that takes longer than two seconds loses the match to another.",
                        "s",
                        *spread("readyup_allocator_ack_wait_seconds", "fleet"),
                        limit=2,
                    ),
                    panel(
                        "Players connected",
                        "Sockets open at each player API.",
                        "short",
                        (
                            f"readyup_matchmaker_players_connected{{{HERE}}} > 0",
                            "{{instance}}",
                        ),
                    ),
                ),
            ),
            (
                "Coming and going",
                (
                    panel(
                        "Tickets and matches",
                        "Tickets that came, and matches whose players were told where to go.",
                        "ops",
                        (
                            rate("readyup_matchmaker_tickets_enqueued_total", "queue"),
                            "{{queue}} in",
                        ),
                        (
                            rate("readyup_matchmaker_matches_announced_total", "queue"),
                            "{{queue}} matches",
                        ),
                    ),
                    panel(
                        "Refused for too much to do",
                        "Above zero players are sent away: add processes, or look at the store.",
                        "ops",
                        (rate("readyup_matchmaker_tickets_shed_total", "namespace"), "refused"),
                        limit=0.01,
                    ),
                ),
            ),
        ),
    )
