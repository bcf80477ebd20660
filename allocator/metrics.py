"""What the allocator tells Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

# Seconds. An acknowledgement is one round trip; at two seconds the match is moved.
ACK_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2)


class AllocatorMetrics:
    """Built once by ``main`` from its own registry, so two allocators fit in one process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.rooms = Gauge(
            "readyup_allocator_rooms",
            "Rooms by state: free, busy, suspect or retiring.",
            ["fleet", "state"],
            registry=registry,
        )
        self.matches_waiting = Gauge(
            "readyup_allocator_matches_waiting",
            "Matches in line for a room.",
            ["fleet"],
            registry=registry,
        )
        self.servers_connected = Gauge(
            "readyup_allocator_servers_connected",
            "Game servers with an open socket to this process.",
            ["fleet"],
            registry=registry,
        )
        self.servers_dropped = Counter(
            "readyup_allocator_servers_dropped",
            "Sockets to game servers that we closed, by reason: slow, silent, gone, replaced, "
            "store or stopping.",
            ["fleet", "reason"],
            registry=registry,
        )
        self.servers_taken = Counter(
            "readyup_allocator_servers_taken",
            "Ready servers asked for to refill the reserve.",
            ["fleet"],
            registry=registry,
        )
        self.tick_late_seconds = Gauge(
            "readyup_allocator_tick_late_seconds",
            "How late one of a hundred ticks is, as the fleet's servers said last: at the median "
            "server, and at the worst.",
            ["fleet", "server"],
            registry=registry,
        )
        self.servers_quarantined = Counter(
            "readyup_allocator_servers_quarantined",
            "Game servers given up because their ticks came late for long.",
            ["fleet"],
            registry=registry,
        )
        self.ack_wait_seconds = Histogram(
            "readyup_allocator_ack_wait_seconds",
            "Time from a match's claim of its first room to the server's acknowledgement.",
            ["fleet"],
            buckets=ACK_BUCKETS_S,
            registry=registry,
        )
        self.acks = Counter(
            "readyup_allocator_acks",
            "Acknowledgements by outcome: ok, unknown, moved or ended.",
            ["fleet", "outcome"],
            registry=registry,
        )
        self.releases = Counter(
            "readyup_allocator_releases",
            "Rooms given back by their servers, by reason.",
            ["fleet", "reason"],
            registry=registry,
        )
        self.repairs = Counter(
            "readyup_allocator_repairs",
            "Repairs by kind. In health this does not move.",
            ["fleet", "kind"],
            registry=registry,
        )
