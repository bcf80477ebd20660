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
