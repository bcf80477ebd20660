"""Two distributions side by side, of waits and of quality, as SVG: what was, and what would be."""

from collections.abc import Sequence
from html import escape

from matchmaker.comparison import Comparison, Distribution

WIDTH, HEIGHT = 860, 340
PANEL, GAP = 360, 72
LEFT, TOP, BOTTOM = 56, 56, 60
POINTS_MAX = 200
"""Of one line; more cannot be told apart."""

STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .title { font-size: 15px; font-weight: 600 }
  .grid { stroke: #d8dee4 }
  .then { fill: none; stroke: #8c959f; stroke-width: 2 }
  .now { fill: none; stroke: #0969da; stroke-width: 2 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .grid { stroke: #30363d } .then { stroke: #9198a1 }
    .now { stroke: #58a6ff }
  }
"""


def picture(title: str, found: Comparison) -> str:
    """The share of tickets that waited no longer, and of matches that were no better."""
    waits = [found.then.waits_s, found.now.waits_s]
    longest = max((one[-1] for one in waits if one), default=1.0) or 1.0
    right = LEFT + PANEL + GAP
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
            f"<title>{escape(title)}</title><style>{STYLE}</style>",
            f'<text class="title" x="{LEFT}" y="22">{escape(title)}</text>',
            *_legend(found.then, found.now),
            *_panel(LEFT, "waited, seconds", longest, waits),
            *_panel(right, "quality", 1.0, [found.then.qualities, found.now.qualities]),
            "</svg>",
            "",
        ]
    )


def _legend(then: Distribution, now: Distribution) -> list[str]:
    lines = []
    for n, (kind, one) in enumerate((("then", then), ("now", now))):
        x, words = LEFT + n * 260, "recorded" if kind == "then" else "replayed"
        lines.append(f'<line class="{kind}" x1="{x}" x2="{x + 24}" y1="40" y2="40"/>')
        told = f"{words}: {one.matched()} tickets in {one.matches} matches"
        lines.append(f'<text x="{x + 30}" y="44">{told}</text>')
    return lines


def _panel(left: int, name: str, most: float, both: Sequence[Sequence[float]]) -> list[str]:
    foot = HEIGHT - BOTTOM
    lines = []
    for share in (0.0, 0.5, 0.9, 1.0):
        y = foot - share * (foot - TOP)
        lines.append(
            f'<line class="grid" x1="{left}" x2="{left + PANEL}" y1="{y:.1f}" y2="{y:.1f}"/>'
        )
        lines.append(
            f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{share * 100:g} %</text>'
        )
    for part in (0.0, 0.5, 1.0):
        x = left + part * PANEL
        lines.append(
            f'<text x="{x:.1f}" y="{foot + 18}" text-anchor="middle">{part * most:.3g}</text>'
        )
    middle = left + PANEL / 2
    lines.append(f'<text x="{middle:.1f}" y="{foot + 40}" text-anchor="middle">{name}</text>')
    for kind, values in zip(("then", "now"), both, strict=True):
        if values:
            lines.append(f'<polyline class="{kind}" points="{_line(left, most, values)}"/>')
    return lines


def _line(left: int, most: float, values: Sequence[float]) -> str:
    """Of rising values, the share that does not exceed each."""
    foot, step = HEIGHT - BOTTOM, max(1, len(values) // POINTS_MAX)
    places = [*range(0, len(values), step), len(values) - 1]
    points = [(0.0, 0.0), *((values[n], (n + 1) / len(values)) for n in places), (most, 1.0)]
    return " ".join(
        f"{left + min(1.0, value / most) * PANEL:.1f},{foot - share * (foot - TOP):.1f}"
        for value, share in points
    )
