"""Servers whose ticks come late: told from their heartbeats, against the others of their fleet.

A busy machine makes all of them late, and giving them up would make it worse; so late is only
who stands out, and few at a time are.
"""

from collections.abc import Collection, Sequence
from statistics import median

from allocator.beats import Beat
from core.ids import ServerUid

STANDS_OUT = 4.0
"""Times the median lateness of the fleet's servers."""

JUDGED_MIN = 4
"""Among fewer servers nobody stands out."""

SHARE_MAX = 0.1
"""When more of the fleet would be late than this, and more than one, only the worst are."""


def late_servers(beats: Sequence[Beat], *, late_ms: float) -> frozenset[ServerUid]:
    """Servers whose ticks came later than that, one in a hundred of them, and stand out."""
    ticking = [beat for beat in beats if beat.tick.rate_hz > 0]
    if not late_ms or len(ticking) < JUDGED_MIN:
        return frozenset()
    usual_ms = median(beat.tick.p99_ms for beat in ticking)
    late = [beat for beat in ticking if beat.tick.p99_ms > max(late_ms, STANDS_OUT * usual_ms)]
    late.sort(key=lambda beat: (-beat.tick.p99_ms, beat.uid))
    return frozenset(beat.uid for beat in late[: max(1, int(SHARE_MAX * len(ticking)))])


class Quarantine:
    """Since when each server has been late."""

    def __init__(self, *, after_ms: int) -> None:
        self._after_ms = after_ms
        self._since_ms: dict[ServerUid, int] = {}

    def due(self, late: Collection[ServerUid], *, now_ms: int) -> ServerUid | None:
        """The server that has been late for longest, once that is long enough."""
        self._since_ms = {uid: self._since_ms.get(uid, now_ms) for uid in sorted(late)}
        if not self._after_ms or not self._since_ms:
            return None
        uid, since_ms = min(self._since_ms.items(), key=lambda one: one[1])
        return uid if now_ms - since_ms >= self._after_ms else None
