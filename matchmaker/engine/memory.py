"""What an engine carries from pass to pass, as far as the next one's matches depend on it.

Most of what is kept between passes only saves work. The rest is here, small enough to be
logged with each pass, so that any one of them can be run again by itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Memory:
    """Of one engine, at the beginning of a pass."""

    players_per_s: float = 0.0
    """Who comes, as it was counted."""

    regions: tuple[str, ...] = ()
    """In the order in which they were first reported: of two equally near ones the first counts."""

    texts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Of each list attribute the texts that the fast lane tells apart, in that order too."""

    reached: Mapping[str, int] = field(default_factory=dict)
    """Of a small pool: how many ages each ticket had reached when it was looked at last."""

    failed: tuple[str, ...] = ()
    """Of these: the anchors around which there was no match then."""

    new: "Memory | None" = None
    """Of the engine beside it, for those who go by new rules; see ``matchmaker.rollout``."""
