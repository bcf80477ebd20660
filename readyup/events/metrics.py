"""What whoever tells events tells Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge


class EventsMetrics:
    """Of ``readyup events``."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.told = Counter(
            "readyup_events_told",
            "Records that the sink has taken, those told again included.",
            ["source"],
            registry=registry,
        )
        self.behind_seconds = Gauge(
            "readyup_events_behind_seconds",
            "Age of the newest event that was told, beside the newest there is.",
            ["source"],
            registry=registry,
        )
        self.skipped = Counter(
            "readyup_events_skipped",
            "Gaps: times that events were trimmed before they could be told.",
            ["source"],
            registry=registry,
        )
        self.withdrawn = Counter(
            "readyup_events_withdrawn",
            "Events that a failover of the store took back after they were read.",
            ["source"],
            registry=registry,
        )
        self.unreadable = Counter(
            "readyup_events_unreadable",
            "Events left out because they do not say what is promised of their kind.",
            ["source"],
            registry=registry,
        )
        self.sink_up = Gauge(
            "readyup_events_sink_up", "1 while the sink takes what it is told.", registry=registry
        )
