"""The engine's benchmarks in words and as pictures: a pass by size, and waiting against quality."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 380, 64, 24, 44, 56
COLOURS = ("#16a34a", "#2563eb", "#ea580c", "#7c3aed")
INK, GRID = "#334155", "#e2e8f0"

Point = tuple[float, float]


def engine_text(figures: Mapping[str, Any]) -> str:
    """A line for every game and size."""
    lines = [
        _machine(figures["machine"]),
        (
            f"{'':10}{'tickets':>10}{'wall p50':>11}{'p99':>9}{'cpu p50':>10}{'p99':>9}"
            f"{'matched':>9}{'quality':>9}   baseline: cpu, matched, quality"
        ),
    ]
    for row in figures["rows"]:
        wall, cpu, base = row["wall_ms"], row["cpu_ms"], row["baseline"]
        aim = f"   aim {row['aim_ms']:.0f} ms" if "aim_ms" in row else ""
        beside = (
            f"   {base['cpu_ms']:.0f} ms, {base['matched_share']:.1%}, {base['quality'] or 0:.2f}"
            if base
            else ""
        )
        lines.append(
            f"{row['game']:10}{row['tickets']:>10,}{wall['p50']:>9.1f}ms{wall['p99']:>7.1f}ms"
            f"{cpu['p50']:>8.1f}ms{cpu['p99']:>7.1f}ms{row['matched_share']:>9.1%}"
            f"{row['quality']:>9.2f}{beside}{aim}"
        )
    kept = {row["game"]: row["column_bytes_per_ticket"] for row in figures["rows"]}
    told = ", ".join(f"{game} {number}" for game, number in kept.items())
    return "\n".join([*lines, f"bytes of columns per ticket: {told}"])


def frontier_text(figures: Mapping[str, Any]) -> str:
    """A line for every policy."""
    lines = [
        _machine(figures["machine"]),
        f"{figures['per_s']:g} tickets a second for {figures['seconds']} s of virtual time",
        f"{'':8}{'policy':>8}{'setting':>9}{'wait mean':>11}{'p90':>8}{'quality':>9}{'left':>6}",
    ]
    lines += [
        f"{row['game']:8}{row['policy']:>8}{row['setting_s']:>7g} s{row['wait_s_mean']:>9.2f} s"
        f"{row['wait_s_p90']:>6.1f} s{row['quality']:>9.3f}{row['left_waiting']:>6}"
        for row in figures["rows"]
    ]
    return "\n".join(lines)


def engine_picture(figures: Mapping[str, Any]) -> str:
    """An SVG: processor time of a pass by tickets, both on scales of tens."""
    lines: dict[str, list[Point]] = {}
    for row in figures["rows"]:
        at = (math.log10(row["tickets"]), math.log10(max(0.1, row["cpu_ms"]["p50"])))
        lines.setdefault(row["told"], []).append(at)
    aims = [
        (math.log10(row["tickets"]), math.log10(row["aim_ms"]))
        for row in figures["rows"]
        if "aim_ms" in row
    ]
    return _drawn(
        "One pass over the whole pool: processor time by tickets (rings: aims)",
        lines,
        {n: f"{10**n:,}" for n in range(3, 7)},
        {n: f"{10**n:g} ms" for n in range(5)},
        rings=aims,
        under=_machine(figures["machine"]),
    )


def frontier_picture(figures: Mapping[str, Any]) -> str:
    """An SVG for each game, one below the other: mean wait to the right, quality upwards."""
    parts = []
    games = list(dict.fromkeys(row["game"] for row in figures["rows"]))
    for n, game in enumerate(games):
        lines: dict[str, list[Point]] = {}
        for row in figures["rows"]:
            if row["game"] == game:
                at = (row["wait_s_mean"], row["quality"])
                lines.setdefault(row["policy"], []).append(at)
        widest = max(x for points in lines.values() for x, _ in points)
        step = max(1, math.ceil(widest / 8))
        drawn = _drawn(
            f"{game}: mean wait against quality, {figures['per_s']:g} tickets a second",
            lines,
            {x: f"{x} s" for x in range(0, math.ceil(widest) + step, step)},
            {0.4 + 0.1 * y: f"{0.4 + 0.1 * y:.1f}" for y in range(7)},
            under=_machine(figures["machine"]),
        )
        parts.append(drawn.replace("<svg ", f'<svg y="{n * HEIGHT}" height="{HEIGHT}" ', 1))
    inner = "\n".join(parts)
    view = f'viewBox="0 0 {WIDTH} {HEIGHT * len(games)}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {view}>\n{inner}</svg>\n'


def _drawn(
    title: str,
    lines: Mapping[str, Sequence[Point]],
    across: Mapping[float, str],
    up: Mapping[float, str],
    *,
    rings: Sequence[Point] = (),
    under: str = "",
) -> str:
    def x_of(x: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (x - min(across)) / (max(across) - min(across))

    def y_of(y: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (y - min(up)) / (max(up) - min(up))

    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            'font-family="sans-serif" font-size="12">'
        ),
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        _text(LEFT, 18, title, weight="bold"),
    ]
    for x, told in across.items():
        parts.append(_text(x_of(x), HEIGHT - BOTTOM + 16, told, anchor="middle"))
    for y, told in up.items():
        parts.append(f'<path d="M{LEFT} {y_of(y):.1f}H{WIDTH - RIGHT}" stroke="{GRID}"/>')
        parts.append(_text(LEFT - 6, y_of(y) + 4, told, anchor="end"))
    for n, (name, points) in enumerate(lines.items()):
        colour = COLOURS[n % len(COLOURS)]
        path = "L".join(f"{x_of(x):.1f} {y_of(y):.1f}" for x, y in points)
        parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [
            f'<circle cx="{x_of(x):.1f}" cy="{y_of(y):.1f}" r="4" fill="{colour}"/>'
            for x, y in points
        ]
        parts.append(_text(LEFT + 8, TOP + 14 * n, name, colour=colour, weight="bold"))
    parts += [
        f'<circle cx="{x_of(x):.1f}" cy="{y_of(y):.1f}" r="8" fill="none" stroke="{INK}"/>'
        for x, y in rings
    ]
    parts += [_text(LEFT, HEIGHT - 8, under), "</svg>"]
    return "\n".join(parts) + "\n"


def _text(
    x: float,
    y: float,
    words: str,
    *,
    anchor: str = "start",
    colour: str = INK,
    weight: str = "normal",
) -> str:
    look = f'text-anchor="{anchor}" fill="{colour}" font-weight="{weight}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {look}>{escape(words)}</text>'


def _machine(told: Mapping[str, Any]) -> str:
    return (
        f"{told['processor']}, {told['cores']} cores, Python {told['python']}; "
        f"load before {told['load_before']}"
    )
