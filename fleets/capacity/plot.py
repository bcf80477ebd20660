"""The bargain in one picture: cold starts against idle server-hours, as SVG.

Both axes are logarithmic, as what matters are factors: half the idle time, a tenth of the cold
starts. A policy without a cold start stands on the bottom line.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from fleets.capacity.yard import Score

WIDTH, HEIGHT = 760, 460
LEFT, RIGHT, TOP, BOTTOM = 76, 150, 44, 56

SHARE_MIN = 1e-5
"""The bottom line: one claim in a hundred thousand, or none."""

STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .title { font-size: 15px; font-weight: 600 }
  .grid { stroke: #d8dee4; stroke-width: 1 }
  .rival { fill: #8c959f }
  .oracle { fill: #bf8700 }
  .ours { fill: #0969da }
  .line { fill: none; stroke: #0969da; stroke-width: 2 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .grid { stroke: #30363d } .ours { fill: #58a6ff }
    .line { stroke: #58a6ff } .rival { fill: #9198a1 } .oracle { fill: #d29922 }
  }
"""


@dataclass(frozen=True, slots=True)
class _Axes:
    """From hours and shares to places in the picture."""

    low: float
    high: float
    """Powers of ten that the hours lie between."""

    def across(self, hours: float) -> float:
        share = (math.log10(max(hours, 10**self.low)) - self.low) / (self.high - self.low)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def down(self, cold_share: float) -> float:
        share = math.log10(max(cold_share, SHARE_MIN)) / math.log10(SHARE_MIN)
        return TOP + share * (HEIGHT - TOP - BOTTOM)


def plot(title: str, scores: Sequence[Score], frontier: Sequence[Score] = ()) -> str:
    """An SVG picture: a mark for each policy, and a line through ``frontier``."""
    hours = [max(score.idle_server_hours, 0.01) for score in [*scores, *frontier]]
    low, high = math.log10(min(hours)) - 0.1, math.log10(max(hours)) + 0.1
    axes = _Axes(low, high)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{escape(title)}</title><style>{STYLE}</style>",
        f'<text class="title" x="{LEFT}" y="22">{escape(title)}</text>',
        *_grid(axes),
    ]
    if frontier:
        way = sorted(frontier, key=lambda score: score.idle_server_hours)
        points = " ".join(_point(axes, score) for score in way)
        lines.append(f'<polyline class="line" points="{points}"/>')
    lines += [_mark(axes, score) for score in scores]
    return "\n".join([*lines, "</svg>", ""])


def _grid(axes: _Axes) -> list[str]:
    lines = []
    foot = HEIGHT - BOTTOM
    for power in range(round(math.log10(SHARE_MIN)), 1):
        y = axes.down(10.0**power)
        label = "none" if 10.0**power <= SHARE_MIN else f"{10.0 ** (power + 2):g} %"
        lines.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        )
        lines.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{label}</text>')
    for hours in _ticks(axes.low, axes.high):
        x = axes.across(hours)
        lines.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{foot}"/>')
        lines.append(f'<text x="{x:.1f}" y="{foot + 18}" text-anchor="middle">{hours:g}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    lines.append(
        f'<text x="{middle:.0f}" y="{HEIGHT - 12}" text-anchor="middle">idle server-hours</text>'
    )
    lines.append(
        f'<text transform="translate(16 {(TOP + foot) / 2:.0f}) rotate(-90)" '
        'text-anchor="middle">claims that found no warm server</text>'
    )
    return lines


def _ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 of each power of ten that lie between."""
    powers = range(math.floor(low), math.ceil(high) + 1)
    values = [digit * 10.0**power for power in powers for digit in (1, 2, 5)]
    return [value for value in values if low <= math.log10(value) <= high]


def _point(axes: _Axes, score: Score) -> str:
    return f"{axes.across(score.idle_server_hours):.1f},{axes.down(score.cold_share()):.1f}"


def _mark(axes: _Axes, score: Score) -> str:
    kind = {"readyup": "ours", "oracle": "oracle"}.get(score.name, "rival")
    x, _, y = _point(axes, score).partition(",")
    label = f'<text x="{float(x) + 8:.1f}" y="{float(y) - 6:.1f}">{escape(score.name)}</text>'
    told = f"{score.name}: {score.cold_share():.3%} cold, {score.idle_server_hours:.0f} idle hours"
    mark = f'<circle class="{kind}" cx="{x}" cy="{y}" r="5"><title>{escape(told)}</title></circle>'
    return mark + label
