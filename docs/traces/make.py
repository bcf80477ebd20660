"""Make the example traces beside this file: ``python -m docs.traces.make``."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Rates = NDArray[np.float64]
"""Claims in a second, by row."""

HERE = Path(__file__).parent
STEP_S = 60
SEED = 6
HOUR_S = 3600.0
DAY_S = 86_400.0


def daily_wave(at_s: Rates) -> Rates:
    """Quiet at night and busy in the evening, between 0.05 and 0.5 claims in a second."""
    wave: Rates = 0.275 + 0.225 * np.sin(2 * np.pi * (at_s / DAY_S - 0.3))
    return wave


def launch_day(at_s: Rates) -> Rates:
    """From nothing to three claims in a second within four hours, and then as many as before."""
    return np.minimum(3.0, 0.02 + 3.0 * (at_s / (4 * HOUR_S)) ** 2)


def tournament(at_s: Rates) -> Rates:
    """Every two hours ten times the usual claims, for a quarter of an hour."""
    within_s = (at_s - HOUR_S) % (2 * HOUR_S)
    return np.where((at_s >= HOUR_S) & (within_s < HOUR_S / 4), 1.0, 0.1)


TRACES: dict[str, tuple[Callable[[Rates], Rates], float]] = {
    "daily-wave": (daily_wave, 3 * DAY_S),
    "launch-day": (launch_day, 8 * HOUR_S),
    "tournament": (tournament, 2 * DAY_S),
}
"""Name to claims in a second, and how long."""


def csv(name: str, seed: int = SEED) -> str:
    """A trace as text; the seed draws the counts, which are Poisson."""
    rates, lasts_s = TRACES[name]
    at_s = np.arange(0.0, lasts_s, STEP_S)
    dice = np.random.default_rng([seed, *name.encode()])
    claims = dice.poisson(rates(at_s) * STEP_S)
    rows = (f"{at:.0f},{count}\n" for at, count in zip(at_s, claims, strict=True))
    return "at_s,claims\n" + "".join(rows)


if __name__ == "__main__":
    for trace in TRACES:
        (HERE / f"{trace}.csv").write_text(csv(trace), "utf-8")
