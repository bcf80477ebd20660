"""The figures of claims for people."""

from collections.abc import Mapping
from typing import Any

from readyup.bench.allocate_told import machine_told


def table(figures: Mapping[str, Any]) -> str:
    """A line for each concurrency, and one for the servers that answered."""
    served = figures["beside_servers"]
    rows = {
        "machine": machine_told(figures["machine"])
        + f", after {figures['machine']['load_after']:g}",
        "measured": f"claims of {figures['rooms']} rooms on a Valkey of our own, by one process",
    }
    for row in figures["rows"]:
        floor = row["floor"]
        rows[f"{row['concurrency']} at a time"] = (
            f"{row['per_s']} a second, p50 {row['p50_ms']:.2f} ms, p99 {row['p99_ms']:.2f} ms; "
            f"an empty script {floor['per_s']} a second, p50 {floor['p50_ms']:.2f} ms; "
            f"CPU for one: ours {row['ours_us_each']:.0f} us, Valkey's "
            f"{row['valkey_us_each']:.0f} us"
        )
    rows["beside game servers"] = (
        f"{served['acknowledged_share']:.1%} of {served['claims']} acknowledged at "
        f"{served['per_s']:.0f} claims a second, p50 {served['ack_p50_ms']:.0f} ms, "
        f"p99 {served['ack_p99_ms']:.0f} ms after the claim "
        f"(which took p99 {served['claim_p99_ms']:.1f} ms)"
    )
    return "\n".join(f"{name:<24}{text}" for name, text in rows.items())
