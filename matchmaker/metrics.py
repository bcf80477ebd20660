"""What the matchmaker tells Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

# Seconds. Dense around what an idle queue takes, then out to the ten-minute ticket lifetime.
WAIT_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)

# Seconds. A claim is one script; what lies above 50 ms is a store in trouble.
CLAIM_BUCKETS_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.25, 1)


class MatchmakerMetrics:
    """Built once by ``main`` from its own registry, so two matchmakers fit in one process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.waiting = Gauge(
            "readyup_matchmaker_tickets_waiting",
            "Tickets in the leading director's pool.",
            ["queue"],
            registry=registry,
        )
        self.oldest_wait = Gauge(
            "readyup_matchmaker_oldest_wait_seconds",
            "For how long the ticket that came first has been in the leading director's pool.",
            ["queue"],
            registry=registry,
        )
        self.paused = Gauge(
            "readyup_matchmaker_queue_paused",
            "1 while the leading director finds that the queue was paused.",
            ["queue"],
            registry=registry,
        )
        self.enqueued = Counter(
            "readyup_matchmaker_tickets_enqueued",
            "Tickets that entered a queue through this process.",
            ["queue"],
            registry=registry,
        )
        self.matches = Counter(
            "readyup_matchmaker_matches_announced",
            "Matches whose players were told where to go.",
            ["queue"],
            registry=registry,
        )
        self.newcomers = Counter(
            "readyup_matchmaker_players_backfilled",
            "Players who were told to go to a match that ran already.",
            ["queue"],
            registry=registry,
        )
        self.closed = Counter(
            "readyup_matchmaker_matches_closed",
            "Matches that ended before their players were told where to go: no room came in time, "
            "or closed, as when a player left; the others wait on.",
            ["queue", "reason"],
            registry=registry,
        )
        self.claims_waited = Counter(
            "readyup_matchmaker_claims_waited",
            "Matches that asked for a room, found none free, and stood in line.",
            ["queue"],
            registry=registry,
        )
        self.resumed = Counter(
            "readyup_matchmaker_matches_resumed",
            "Matches found half-way and driven on, after a lost answer or a new director.",
            ["queue"],
            registry=registry,
        )
        self.epoch = Gauge(
            "readyup_matchmaker_director_epoch",
            "The epoch this process leads the queue with; 0 while another does.",
            ["queue"],
            registry=registry,
        )
        self.pass_seconds = Histogram(
            "readyup_matchmaker_pass_seconds",
            "One pass of the matching engine.",
            ["queue"],
            buckets=CLAIM_BUCKETS_S,
            registry=registry,
        )
        self.shadow_matches = Gauge(
            "readyup_matchmaker_shadow_matches_per_minute",
            "Matches a minute, over ten minutes: what is done (live), and what the queue's shadow "
            "rules would do (shadow).",
            ["queue", "side"],
            registry=registry,
        )
        self.shadow_wait = Gauge(
            "readyup_matchmaker_shadow_wait_seconds",
            "Median wait of those who were matched, live and in the shadow.",
            ["queue", "side"],
            registry=registry,
        )
        self.shadow_quality = Gauge(
            "readyup_matchmaker_shadow_quality_ratio",
            "Median quality of matches by the measure of the live rules, live and in the shadow.",
            ["queue", "side"],
            registry=registry,
        )
        self.redirected = Counter(
            "readyup_matchmaker_matches_redirected",
            "Matches that another fleet of their queue took, by that fleet, because the one that "
            "was asked first had no room.",
            ["queue", "fleet"],
            registry=registry,
        )
        self.claim_seconds = Histogram(
            "readyup_matchmaker_claim_seconds",
            "Asking for a room to holding it, for matches that did not wait in line.",
            buckets=CLAIM_BUCKETS_S,
            registry=registry,
        )
        self.place_seconds = Histogram(
            "readyup_matchmaker_place_seconds",
            "From a match and a free room both existing to the push.",
            ["queue"],
            buckets=WAIT_BUCKETS_S,
            registry=registry,
        )
        self.wait_seconds = Histogram(
            "readyup_matchmaker_ticket_wait_seconds",
            "From enqueue to the pushed assignment.",
            ["queue"],
            buckets=WAIT_BUCKETS_S,
            registry=registry,
        )
        self.shed = Counter(
            "readyup_matchmaker_tickets_shed",
            "Requests for tickets that were refused because there was too much to do.",
            registry=registry,
        )
        self.sockets = Gauge(
            "readyup_matchmaker_players_connected",
            "Players' sockets open at this process.",
            registry=registry,
        )
