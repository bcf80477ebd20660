"""When a node that is drained will be empty: what the survival curve says of its sessions."""

from collections.abc import Sequence

import numpy as np

from fleets.capacity.survival import NOBODY, Survival

LIKELY = 0.5
"""As likely before as after: the median of the end."""

STEPS = 40
"""Halvings of the curve's span: far finer than anybody looks."""


def all_ended(curve: Survival, ages_s: Sequence[float], after_s: float) -> float:
    """The probability that sessions this old now will all have ended after a while.

    One that is older than any before it is taken to go on.
    """
    ages = np.asarray(ages_s, dtype=np.float64)
    now = curve.share(ages)
    later = curve.share(ages + after_s)
    return float(np.prod(np.where(now > NOBODY, 1.0 - later / np.maximum(now, NOBODY), 0.0)))


def empty_in_s(
    curve: Survival, ages_s: Sequence[float], *, by_s: float | None = None
) -> float | None:
    """Seconds until the last of these sessions has probably ended, or is handed over.

    Args:
        curve: How long the fleet's sessions last.
        ages_s: Of the sessions that are still there.
        by_s: Until the deadline at which what is left is handed over; None without one.

    Returns:
        None where neither the past nor a deadline says it.
    """
    if not ages_s:
        return 0.0
    low_s, high_s = 0.0, float(curve.ages_s[-1])
    known = all_ended(curve, ages_s, high_s) >= LIKELY
    if not known:
        return None if by_s is None else max(0.0, by_s)
    for _ in range(STEPS):
        middle_s = (low_s + high_s) / 2
        if all_ended(curve, ages_s, middle_s) >= LIKELY:
            high_s = middle_s
        else:
            low_s = middle_s
    return high_s if by_s is None else min(high_s, max(0.0, by_s))
