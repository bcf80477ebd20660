"""What fleets tell Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

# Seconds. A local arena is Ready in about a second; a node that must be bought first takes minutes.
READY_BUCKETS_S = (0.25, 0.5, 1, 2, 3, 5, 10, 20, 30, 60, 120, 300, 600)


class FleetMetrics:
    """Built once by ``main`` from its own registry, so two fleets roles fit in one process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.servers = Gauge(
            "readyup_fleets_servers",
            "Game servers by Agones' state, as this process shows them to the others.",
            ["fleet", "state"],
            registry=registry,
        )
        self.servers_pinned = Gauge(
            "readyup_fleets_servers_pinned",
            "Game servers by what is known of their cores: true is proven to be its own, "
            "false is shared, unknown is that nobody said.",
            ["fleet", "pinned"],
            registry=registry,
        )
        self.replicas_wanted = Gauge(
            "readyup_fleets_replicas_wanted",
            "Game servers that the fleet should have, by the last look.",
            ["fleet"],
            registry=registry,
        )
        self.replicas_max = Gauge(
            "readyup_fleets_replicas_max",
            "The most game servers that a fleet sized by demand may have: size_max, or its ports.",
            ["fleet"],
            registry=registry,
        )
        self.decided = Gauge(
            "readyup_fleets_decided_timestamp_seconds",
            "When the fleet's size was decided last by what is in use, in seconds since 1970.",
            ["fleet"],
            registry=registry,
        )
        self.decision_servers = Gauge(
            "readyup_fleets_decision_servers",
            "Servers in the capacity plan's last decision: there, in_use, recommended, and "
            "ready_target, those Ready behind the reserve.",
            ["fleet", "part"],
            registry=registry,
        )
        self.decision_rooms = Gauge(
            "readyup_fleets_decision_rooms",
            "Rooms in it: reserve_target, waiting for one, expected claims, and the margin above.",
            ["fleet", "part"],
            registry=registry,
        )
        self.decision_seconds = Gauge(
            "readyup_fleets_decision_seconds",
            "Times that it was made from: lead_s of a new server, refill_s of the reserve, and "
            "horizon_s, for which what is ordered now must last.",
            ["fleet", "part"],
            registry=registry,
        )
        self.starts = Counter(
            "readyup_fleets_starts",
            "Game servers that were begun.",
            ["fleet"],
            registry=registry,
        )
        self.deletes = Counter(
            "readyup_fleets_deletes",
            "Game servers that are gone, by reason: scale, unhealthy, exited, shutdown or stop.",
            ["fleet", "reason"],
            registry=registry,
        )
        self.ready_seconds = Histogram(
            "readyup_fleets_ready_seconds",
            "From a game server's begin to its first Ready.",
            ["fleet"],
            buckets=READY_BUCKETS_S,
            registry=registry,
        )
