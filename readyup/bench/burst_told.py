"""A burst beside its baseline, as a table."""

from collections.abc import Mapping
from typing import Any

ROWS = (
    ("servers before", "servers_before", ""),
    ("rooms free before", "rooms_free_before", ""),
    ("servers after", "servers_after", ""),
    ("first server begun p50, s", "scale_action_s", "p50"),
    ("first server begun p99, s", "scale_action_s", "p99"),
    ("share that waited", "waited_share", ""),
    ("wait p50, s", "wait_s", "p50"),
    ("wait p95, s", "wait_s", "p95"),
    ("wait p99, s", "wait_s", "p99"),
    ("told wrongly by p50, s", "told_off_by_s", "p50"),
    ("told wrongly by p95, s", "told_off_by_s", "p95"),
)
"""What the table shows: name, figure, percentile."""


def table(figures: Mapping[str, Any]) -> str:
    """The figures for a reader."""
    ran_on, ratio = figures["machine"], figures["ratio"]
    lines = [
        f"{figures['matches']} matches at once, {figures['runs']} times each",
        f"{ran_on['processor']}, {ran_on['cores']} cores, load before {ran_on['load_before']}",
        f"{'':<30}{'baseline':>14}{'forecast':>14}",
    ]
    for label, figure, percent in ROWS:
        found = (figures[arm][figure] for arm in ("baseline", "forecast"))
        one, other = (str(value[percent] if percent else value) for value in found)
        lines.append(f"{label:<30}{one:>14}{other:>14}")
    lines.append(
        f"forecast to baseline, medians: first server {ratio['scale_action_s']}, "
        f"wait {ratio['wait_s']}"
    )
    return "\n".join(lines)
