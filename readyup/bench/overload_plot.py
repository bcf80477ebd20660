"""The overload benchmark as a picture: what was offered, and what came of it."""

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 640, 300, 64, 54, 40
BAR = 64
INK, GOOD, SHED, LINE = "#334155", "#16a34a", "#cbd5e1", "#ea580c"
HEAD = f'''<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"
  font-family="sans-serif" font-size="12">
<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>'''


def picture(figures: Mapping[str, Any]) -> str:
    """An SVG: a bar for each rate, goodput below and refusals above; a line at capacity.

    The scale ends at twice the capacity; a bar that is cut there says how high it is.
    """
    capacity = float(figures["capacity_per_s"])
    phases = figures["phases"]
    step = (WIDTH - LEFT - 20) / len(phases)

    def y_of(per_s: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * min(1.0, per_s / (2 * capacity))

    parts = [
        HEAD,
        _text(LEFT, 18, "Tickets asked for, and accepted within a second, per second", bold=True),
    ]
    for n, phase in enumerate(phases):
        parts += _bar(phase, LEFT + step * n + (step - BAR) / 2, y_of)
    at = y_of(capacity)
    dashes = 'stroke-dasharray="5 4"'
    parts += [
        f'<path d="M{LEFT} {at:.1f}H{WIDTH - 20}" stroke="{LINE}" {dashes}/>',
        _text(4, at - 4, "capacity", colour=LINE),
        _text(4, at + 12, f"{capacity:.0f}/s", colour=LINE),
        _text(LEFT, HEIGHT - 8, _under(figures)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _bar(phase: Mapping[str, Any], x: float, y_of: Callable[[float], float]) -> list[str]:
    offered, good, centre = phase["offered_per_s"], phase["goodput_per_s"], x + BAR / 2
    top, middle, bottom = y_of(offered), y_of(good), y_of(0)
    return [
        _rect(x, top, middle - top, SHED),
        _rect(x, middle, bottom - middle, GOOD),
        _text(centre, top - 4, f"{offered:.0f}/s asked", anchor="middle"),
        _text(centre, middle + 14, f"{good:.0f}/s", anchor="middle", colour="#fff", bold=True),
        _text(centre, bottom + 16, f"{phase['times']:g} times", anchor="middle"),
    ]


def _text(
    x: float, y: float, words: str, *, anchor: str = "start", colour: str = INK, bold: bool = False
) -> str:
    look = f'text-anchor="{anchor}" fill="{colour}" font-weight="{"bold" if bold else "normal"}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {look}>{escape(words)}</text>'


def _rect(x: float, y: float, height: float, colour: str) -> str:
    tall = max(0.0, height)
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{BAR}" height="{tall:.1f}" fill="{colour}" rx="2"/>'
    )


def _under(figures: Mapping[str, Any]) -> str:
    machine = figures["machine"]
    return (
        f"{machine['processor']}, {figures['cores']}; {figures['seconds']:g} s each; "
        f"load before {machine['load_before']}"
    )
