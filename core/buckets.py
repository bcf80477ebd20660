"""Durations counted in buckets that widen with them: small, and merged by adding.

Eight buckets to a doubling, so a quantile is right within five per cent. ``count.lua`` files
durations in the same buckets.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping

FIRST_S = 0.01
"""Where the first bucket ends; what is shorter is in it too."""

A_DOUBLING = 8

Counts = Mapping[int, int]
"""Bucket to how many durations fell into it."""


def bucket_of(duration_s: float) -> int:
    """The bucket of a duration."""
    return math.floor(A_DOUBLING * math.log2(max(duration_s, FIRST_S) / FIRST_S))


def edge_s(bucket: int) -> float:
    """Where a bucket begins; it ends where the next one does."""
    return float(FIRST_S * 2 ** (bucket / A_DOUBLING))


def merged(counts: Iterable[Counts]) -> Counts:
    """Several as one."""
    whole: Counter[int] = Counter()
    for each in counts:
        whole.update(each)
    return whole


def quantile_s(counts: Counts, share: float) -> float | None:
    """The duration that so many of them do not exceed; None when there are none.

    >>> quantile_s({bucket_of(1.0): 9, bucket_of(60.0): 1}, 0.5) < 1.1
    True
    """
    left = share * sum(counts.values())
    for bucket, count in sorted(counts.items()):
        left -= count
        if left <= 0:
            return edge_s(bucket + 1)
    return None


DAY_MS = 86_400_000
TOOK_KEPT_DAYS = 3
"""A quantile is of so many days, the one that runs included: games change."""


def took_key(slot: str, what: str, now_ms: int) -> str:
    """Where a day's durations of a kind are counted: a hash, bucket to count.

    Kinds are session, wait, start and refill; see docs/redis-keys.md.
    """
    return f"{slot}:took:{what}:{now_ms // DAY_MS}"


def took_commands(
    slot: str, what: str, durations_s: Iterable[float], *, now_ms: int
) -> list[tuple[str | float, ...]]:
    """What to send so that these durations are counted; nothing for none."""
    key = took_key(slot, what, now_ms)
    counts = Counter(map(bucket_of, durations_s))
    commands: list[tuple[str | float, ...]] = [
        ("HINCRBY", key, bucket, count) for bucket, count in counts.items()
    ]
    return [*commands, ("EXPIRE", key, TOOK_KEPT_DAYS * DAY_MS // 1000)] if commands else []
