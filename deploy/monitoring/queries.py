"""The PromQL that boards are made of."""

HERE = 'namespace=~"$namespace"'
"""One service among several that one Prometheus scrapes."""


def rate(metric: str, by: str, match: str = "") -> str:
    """A counter's growth a second."""
    chosen = f"{HERE}, {match}" if match else HERE
    return f"sum by ({by}) (rate({metric}{{{chosen}}}[$__rate_interval]))"


def share(part: float, metric: str, by: str = "") -> str:
    """The value below which that share of a histogram's events lies."""
    kept = f"{by}, le" if by else "le"
    return f"histogram_quantile({part}, {rate(f'{metric}_bucket', kept)})"


def spread(metric: str, by: str) -> tuple[tuple[str, str], ...]:
    """Median, p95 and p99, a line for each and each `by`."""
    return tuple(
        (share(part, metric, by), f"{{{{{by}}}}} {name}")
        for part, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
    )


def top(metric: str, by: str, match: str = "") -> str:
    """A gauge that several processes may show."""
    chosen = f"{HERE}, {match}" if match else HERE
    return f"max by ({by}) ({metric}{{{chosen}}})"
