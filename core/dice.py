"""Chance, in streams: drawing more from one never shifts another.

``main`` holds one seed (from the operating system in production, from the
command line in simulation) and hands each component a stream of its own.
"""

import hashlib
import random


def stream(seed: int, *path: str | int) -> random.Random:
    """The generator that belongs to ``path``, e.g. ``stream(seed, "bot", 17)``."""
    digest = hashlib.blake2b(repr((seed, *path)).encode(), digest_size=16).digest()
    return random.Random(int.from_bytes(digest, "big"))


def unguessable() -> random.Random:
    """The operating system's generator, for ids that nobody may foresee."""
    return random.SystemRandom()
