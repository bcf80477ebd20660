"""Who could be in a match with one party, as far as columns tell: quick, and never too strict."""

import numpy as np

from matchmaker.engine.columns import Columns, Mask
from matchmaker.engine.compiled import Compiled


def within_reach(columns: Columns, anchor: int, rules: Compiled) -> Mask:
    """By row: equal texts, something in common, near enough in skill, a region for both."""
    parts = rules.parts
    allowed: Mask = columns.size > 0
    for column in parts.alike:
        allowed &= columns.of[column] == columns.of[column][anchor]
    for column in parts.common:
        allowed &= (columns.of[column] & columns.of[column][anchor]) != 0
    for span in parts.spans:
        apart = np.abs(columns.of[span.column] - columns.of[span.column][anchor])
        allowed &= apart <= span.most
    for latency in parts.near:
        reached = np.zeros(len(allowed), np.bool_)
        for (by, _), values in columns.latency.items():
            if by == latency.party and values[anchor] <= latency.max_latency:
                reached |= values <= latency.max_latency
        allowed &= reached
    allowed[anchor] = False
    return allowed
