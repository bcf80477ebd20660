"""The game servers of a run: how many there were when, and when each was begun."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class Servers:
    """Of all fleets together. Times are in milliseconds since 1970."""

    begun_ms: dict[str, int] = field(default_factory=dict)
    """By uid, of every server that was seen."""

    sizes: list[tuple[int, int]] = field(default_factory=list)
    """Since when there were so many of them; one entry for each change."""

    size_max: int = 0
    """The most there may be."""

    def saw(self, begun_ms: Mapping[str, int], *, now_ms: int) -> None:
        """These are there now."""
        self.begun_ms |= begun_ms
        if not self.sizes or self.sizes[-1][1] != len(begun_ms):
            self.sizes.append((now_ms, len(begun_ms)))

    def at(self, t_ms: int) -> int:
        """How many there were at that time; 0 before anybody looked.

        >>> Servers(sizes=[(5, 2), (9, 3)]).at(8)
        2
        """
        later = bisect_right(self.sizes, t_ms, key=lambda size: size[0])
        return self.sizes[later - 1][1] if later else 0
