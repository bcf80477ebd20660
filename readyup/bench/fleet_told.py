"""The figures of the large fleet's benchmark for people."""

from collections.abc import Mapping
from typing import Any

from readyup.bench.allocate_told import machine_told


def table(figures: Mapping[str, Any]) -> str:
    """A line for each question."""
    growing, idle = figures["growing"], figures["idle"]
    each, own = growing["us_each_server"], idle["cores_of_ours"]
    rows = {
        "machine": machine_told(figures["machine"]),
        "measured": f"one fleet of {figures['servers']} servers, the role fleets in a process",
        "memory of the role": ", ".join(
            f"{when} {mib:g} MiB" for when, mib in figures["memory_mib"].items()
        ),
        "all Ready": f"after {growing['ready_s']:g} s; the mirror showed it "
        f"{growing['mirror_behind_s']:g} s later",
        "CPU while growing": ", ".join(f"{who} {us / 1000:.1f} ms" for who, us in each.items())
        + " for each server",
        "the cluster meanwhile": _cores(growing["cores"]),
        "CPU idle": ", ".join(f"{who} {cores:.2%}" for who, cores in own.items())
        + f" of a core, over {idle['seconds']:g} s",
        "a change to the mirror": _row(figures["to_mirror_ms"]) + f", {figures['touched']} changes",
        "a burst to /scale": _row(figures["burst_to_scale_ms"])
        + f", {figures['bursts']} bursts of {figures['burst_matches']} matches",
    }
    return "\n".join(f"{name:<24}{text}" for name, text in rows.items())


def _cores(cores: Mapping[str, float]) -> str:
    return ", ".join(f"{who} {share:g}" for who, share in list(cores.items())[:6]) + " cores"


def _row(values: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {value:.1f} ms" for name, value in values.items())
