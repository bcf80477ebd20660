"""What the Agones backend tells Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from fleets.metrics import FleetMetrics

# Seconds. Agones alone waits up to half a second by default; then out to the request's deadline.
TAKE_BUCKETS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 10)


class AgonesMetrics:
    """Built once by ``main`` from its own registry."""

    def __init__(self, registry: CollectorRegistry, fleets: FleetMetrics) -> None:
        self.fleets = fleets
        """What is told of every fleet, whoever runs its servers."""

        self.requests = Counter(
            "readyup_agones_requests",
            "Requests to the API server, by method and status; lost = no answer.",
            ["method", "status"],
            registry=registry,
        )
        self.relists = Counter(
            "readyup_agones_relists",
            "Times that all objects of a kind were listed anew: at the start, when a watch's "
            "version was gone, or after trouble.",
            ["kind", "cause"],
            registry=registry,
        )
        self.watch_ends = Counter(
            "readyup_agones_watch_ends",
            "Watches that ended: by the server as agreed, by a version that was gone, or broken.",
            ["kind", "cause"],
            registry=registry,
        )
        self.watch_events = Counter(
            "readyup_agones_watch_events",
            "Events of watches: applied, or stale because they told what was known.",
            ["kind", "fate"],
            registry=registry,
        )
        self.takes = Counter(
            "readyup_agones_takes",
            "Orders to take a server: taken, already (it was), none (nothing Ready), lost.",
            ["fleet", "outcome"],
            registry=registry,
        )
        self.take_seconds = Histogram(
            "readyup_agones_take_seconds",
            "Time from asking for an allocation to its answer.",
            ["fleet"],
            buckets=TAKE_BUCKETS_S,
            registry=registry,
        )
        self.scales = Counter(
            "readyup_agones_scales",
            "Times that a fleet's size was set, by direction: up or down.",
            ["fleet", "direction"],
            registry=registry,
        )
        self.mirror_repairs = Counter(
            "readyup_agones_mirror_repairs",
            "Servers shown wrongly in the store and put right; zero in health, but for restarts.",
            ["fleet"],
            registry=registry,
        )
        self.leads = Gauge(
            "readyup_agones_leads",
            "1 while this process looks after the fleet.",
            ["fleet"],
            registry=registry,
        )
