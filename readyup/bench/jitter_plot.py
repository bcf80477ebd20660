"""The jitter benchmark as a picture: a lane for each variant, lateness on a logarithmic scale."""

import math
from collections.abc import Mapping
from html import escape
from textwrap import shorten
from typing import Any

from readyup.bench.jitter_told import times

WIDTH, LEFT, RIGHT, TOP, LANE, FOOT = 720, 150, 90, 62, 34, 66
INK, FAINT, RAIL = "#334155", "#94a3b8", "#e2e8f0"
DOTS = (("p50_ms", "p50", "#16a34a"), ("p99_ms", "p99", "#ea580c"), ("p999_ms", "p99.9", "#b91c1c"))
FLOOR_MS = 0.01
"""The scale's smallest: a loop's own clock is no better."""


def picture(figures: Mapping[str, Any]) -> str:
    """An SVG; variants that could not be had keep their lane and say so."""
    variants = figures["variants"]
    shown = [one for one in variants if "unavailable" not in one]
    values = [max(FLOOR_MS, one[name]) for one in shown for name, _, _ in DOTS]
    low = math.floor(math.log10(min(values, default=1.0)))
    high = max(low + 1, math.ceil(math.log10(max(values, default=1.0))))
    bottom = TOP + LANE * len(variants)

    def x_of(ms: float) -> float:
        share = (math.log10(max(FLOOR_MS, ms)) - low) / (high - low)
        return LEFT + (WIDTH - LEFT - RIGHT) * share

    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + FOOT}"\n'
            f'  font-family="sans-serif" font-size="12">\n'
            f'<rect width="{WIDTH}" height="{bottom + FOOT}" fill="#fff"/>'
        ),
        _text(
            16, 20, "How late the example game's ticks begin, beside a noisy neighbour", bold=True
        ),
        *_legend(),
    ]
    for power in range(low, high + 1):
        x = x_of(10.0**power)
        parts.append(f'<path d="M{x:.1f} {TOP - 6}V{bottom}" stroke="{RAIL}"/>')
        parts.append(_text(x, bottom + 16, f"{10.0**power:g} ms", anchor="middle", colour=FAINT))
    for n, one in enumerate(variants):
        y = TOP + LANE * n + LANE / 2
        parts.append(_text(16, y + 4, one["name"]))
        if "unavailable" in one:
            parts.append(_text(LEFT, y + 4, shorten(one["unavailable"], 84), colour=FAINT))
            continue
        xs = [x_of(one[name]) for name, _, _ in DOTS]
        parts.append(f'<path d="M{xs[0]:.1f} {y}H{xs[-1]:.1f}" stroke="{FAINT}"/>')
        parts += [
            f'<circle cx="{x:.1f}" cy="{y}" r="5" fill="{colour}"/>'
            for x, (_, _, colour) in zip(xs, DOTS, strict=True)
        ]
        parts.append(_text(WIDTH - 16, y + 4, times(one["ratios"]["p99_ms"]), anchor="end"))
    parts += [_text(16, bottom + 40, _under(figures), colour=FAINT), "</svg>"]
    return "\n".join(parts) + "\n"


def _legend() -> list[str]:
    parts = []
    for n, (_, name, colour) in enumerate(DOTS):
        x = LEFT + 70 * n
        parts.append(f'<circle cx="{x}" cy="40" r="5" fill="{colour}"/>')
        parts.append(_text(x + 10, 44, name))
    return [*parts, _text(WIDTH - 16, 44, "p99 to quiet", anchor="end", colour=FAINT)]


def _under(figures: Mapping[str, Any]) -> str:
    ran_on, quiet = figures["machine"], figures["variants"][0]
    return (
        f"{ran_on['processor']}, {figures['neighbours']} noisy processes, "
        f"{figures['seconds']:g} s each; while quiet others used {quiet['others_cores']:.2f} "
        f"of {len(figures['cores'])} cores"
    )


def _text(
    x: float, y: float, words: str, *, anchor: str = "start", colour: str = INK, bold: bool = False
) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}"{weight}>'
        f"{escape(words)}</text>"
    )
