"""Chance for tests."""

import random


def fixed(seed: int) -> random.Random:
    """The same numbers each time."""
    return random.Random(seed)
