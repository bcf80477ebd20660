"""The jitter benchmark's figures as a table for people."""

from collections.abc import Mapping
from typing import Any

from gameserver.cores import render_cores

HEAD = (
    f"{'':<17}{'p50 ms':>9}{'p99 ms':>9}{'p99.9 ms':>10}{'ISR':>8}"
    f"{'p99 to quiet':>14}{'waited':>9}{'others':>8}"
)
LEGEND = (
    "lateness of ticks; ISR: Instability Ratio; waited: share of the time in the run queue; "
    "others: cores used by processes that are not the benchmark's"
)

QUIET_SHARE = 0.1
"""Of the cores, used by others: with more than this the baseline is not called quiet."""


def table(figures: Mapping[str, Any]) -> str:
    """All variants, with the kernel's word on each, then those that could not be had."""
    ran_on, seconds = figures["machine"], figures["seconds"]
    lines = [
        (
            f"{ran_on['processor']}, {ran_on['cores']} cores, {ran_on['system']}, "
            f"Python {ran_on['python']}, load before {ran_on['load_before']}"
        ),
        (
            f"the example game beside {figures['neighbours']} noisy processes on cores "
            f"{render_cores(tuple(figures['cores']))}, {seconds:g} s each in {figures['rounds']} "
            "rounds"
        ),
        "",
        HEAD,
    ]
    had = [one for one in figures["variants"] if "unavailable" not in one]
    lines += [_row(one, seconds) for one in had]
    lines += [
        "",
        LEGEND,
        *_noise_of_others(figures, had[0]),
        "",
        "what the kernel said inside the game's process",
    ]
    lines += [f"{one['name']:<17}{_proof(one)}" for one in had]
    missing = [one for one in figures["variants"] if "unavailable" in one]
    if missing:
        lines += ["", "not to be had here"]
        lines += [f"{one['name']:<17}{one['unavailable']}" for one in missing]
    return "\n".join(lines)


def _noise_of_others(figures: Mapping[str, Any], quiet: Mapping[str, Any]) -> list[str]:
    """A word of caution where the baseline had neighbours of its own."""
    used, there = quiet["others_cores"], len(figures["cores"])
    if used < QUIET_SHARE * there:
        return []
    told = (
        f"the baseline was not quiet: others used {used:.2f} of {there} cores meanwhile, "
        "so the ratios say less than on a machine of its own"
    )
    return [told]


def times(ratio: float | None) -> str:
    """A ratio with as many digits as mean something.

    >>> times(0.021), times(3.04), times(12.7), times(None)
    ('0.02x', '3.0x', '13x', '-')
    """
    if ratio is None:
        return "-"
    return f"{ratio:.2f}x" if ratio < 1 else f"{ratio:.1f}x" if ratio < 10 else f"{ratio:.0f}x"


def _row(one: Mapping[str, Any], seconds: float) -> str:
    return (
        f"{one['name']:<17}{one['p50_ms']:>9.2f}{one['p99_ms']:>9.2f}{one['p999_ms']:>10.2f}"
        f"{one['instability']:>8.3f}{times(one['ratios']['p99_ms']):>14}"
        f"{one['waited_s'] / seconds:>9.1%}{one['others_cores']:>8.2f}"
    )


def _proof(one: Mapping[str, Any]) -> str:
    proof = one["proof"]
    cpuset = f", cpuset {proof['cpuset']}" if proof["cpuset"] else ""
    neighbour = one["neighbour_cores"]
    beside = f"neighbour on {neighbour}" if neighbour else "no neighbour"
    return f"{one['told']}: cores {proof['cores']}{cpuset}, {proof['policy']}; {beside}"
