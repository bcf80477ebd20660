"""The figures of killed game servers for people."""

from collections.abc import Mapping
from typing import Any

from readyup.bench.allocate_told import machine_told


def table(figures: Mapping[str, Any]) -> str:
    """A line for each question."""
    stages = figures["stages_p50_ms"]
    rows = {
        "machine": machine_told(figures["machine"])
        + f", after {figures['machine']['load_after']:g}",
        "measured": f"kill -9 of game servers in play, {figures['kills']} times, under bots",
        "matches struck": f"{figures['matches_struck']}: "
        + ", ".join(f"{count} {fate}" for fate, count in figures["fates"].items()),
        "sessions lost": str(figures["sessions_lost"]),
        "no warm server": _waited(figures["waited_for_a_server"]),
        "kill to all playing": _row(figures["kill_to_all_playing_ms"]),
        "by stage, p50": ", ".join(f"{name} {ms:.0f} ms" for name, ms in stages.items()),
        "a plain way in": _row(figures["plain_way_in_ms"]),
        "ratio": f"{figures['ratio_to_plain_way_in']} (of the medians)",
        "told to go, SIGTERM": f"{figures['drains']} servers, "
        f"{figures['drained']['matches_struck']} matches, "
        f"{figures['drained']['sessions_lost']} lost; to all playing elsewhere "
        + _row(figures["drained"]["kill_to_all_playing_ms"]),
        "promises": f"{figures['breaches']} breaches in {figures['events']} events",
    }
    return "\n".join(f"{name:<24}{text}" for name, text in rows.items())


def _waited(waits: Mapping[str, Any]) -> str:
    if not waits["times"]:
        return "never"
    return f"{waits['times']} times, for " + _row(waits["ms"])


def _row(values: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {value:.0f} ms" for name, value in values.items())
