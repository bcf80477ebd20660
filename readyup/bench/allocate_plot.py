"""The allocation benchmark as a picture: p50 to p99 of each rival, on a logarithmic scale."""

import math
from collections.abc import Mapping
from html import escape
from typing import Any

WIDTH, LEFT, RIGHT, ROW, TOP = 720, 190, 110, 22, 46
INK, OURS, THEIRS, GRID = "#334155", "#16a34a", "#94a3b8", "#e2e8f0"
FIRST, LAST = -1.5, 3.5
"""Powers of ten of a millisecond: from 0.03 ms to 3 s."""


def picture(figures: Mapping[str, Any]) -> str:
    """An SVG: a line for each rival at each concurrency, from its median to its p99."""
    blocks = list(figures["ratios"])
    shown = [name for name in figures["rivals"] if not name.endswith("scripts alone")]
    height = TOP + len(blocks) * (len(shown) + 2) * ROW + 30
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="sans-serif" font-size="12"><rect width="{WIDTH}" height="{height}" '
        'fill="#fff"/>'
    )
    title = "One server claimed: from the median to p99, and claims a second"
    parts = [head, _text(12, 20, title, bold=True)]
    for power in range(math.ceil(FIRST), math.floor(LAST) + 1):
        x = _x(10.0**power)
        parts.append(f'<path d="M{x:.1f} 30V{height - 26}" stroke="{GRID}"/>')
        parts.append(_text(x, height - 10, _ms(10.0**power), anchor="middle"))
    y = TOP
    for clients in blocks:
        y += ROW
        parts.append(_text(12, y + 4, f"{clients} at once", bold=True))
        for name in shown:
            y += ROW
            parts += _row(name, figures["rivals"][name][clients], y)
        y += ROW
    return "\n".join([*parts, "</svg>"]) + "\n"


def _row(name: str, one: Mapping[str, Any], y: float) -> list[str]:
    colour = OURS if name.startswith("ours") else THEIRS
    first, last = _x(one["p50"]), _x(one["p99"])
    return [
        _text(24, y + 4, name),
        f'<path d="M{first:.1f} {y}H{last:.1f}" stroke="{colour}" stroke-width="6"/>',
        f'<circle cx="{first:.1f}" cy="{y}" r="5" fill="{colour}"/>',
        f'<path d="M{last:.1f} {y - 6}v12" stroke="{colour}" stroke-width="3"/>',
        _text(WIDTH - 12, y + 4, f"{one['per_s']:,.0f}/s", anchor="end"),
    ]


def _x(ms: float) -> float:
    power = min(LAST, max(FIRST, math.log10(max(ms, 1e-6))))
    return LEFT + (WIDTH - LEFT - RIGHT) * (power - FIRST) / (LAST - FIRST)


def _ms(ms: float) -> str:
    return f"{ms / 1000:g} s" if ms >= 1000 else f"{ms:g} ms"


def _text(x: float, y: float, words: str, *, anchor: str = "start", bold: bool = False) -> str:
    weight = "bold" if bold else "normal"
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{INK}" '
        f'font-weight="{weight}">{escape(words)}</text>'
    )
