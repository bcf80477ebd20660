"""Which of the players' errors a fault explains; any other fails the evening."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from readyup.bots.tally import Trouble

HEARS_S = 1.0
"""After a fault, until what waited behind it has been heard."""


class Delay(NamedTuple):
    """Somebody who read or was answered nothing for a while, in the loop's time."""

    who: str
    """A player, or a process."""

    from_s: float
    until_s: float


def unexplained(
    troubles: Iterable[Trouble], delays: Sequence[Delay], over_s: Mapping[str, float]
) -> list[str]:
    """What nothing explains, a sentence each. ``over_s``: when each session ended in the store."""
    return [
        f"{one.player} at {one.t_s:.3f} s: {one.kind}{f' ({one.match})' if one.match else ''}"
        for one in troubles
        if not _heard_late(one, delays, over_s)
    ]


def _heard_late(trouble: Trouble, delays: Sequence[Delay], over_s: Mapping[str, float]) -> bool:
    """Whether the match was over, and word of it held up: by the player, an API or an allocator.

    Who asks is told at once that there is no match; what stays behind says how it ended. That
    word goes from the session's end through the allocator to the queue, and by an API on.
    """
    ended_s = over_s.get(trouble.match)
    if trouble.kind != "session_lost" or ended_s is None or ended_s > trouble.t_s:
        return False
    return any(
        one.from_s <= trouble.t_s and one.until_s + HEARS_S >= ended_s
        for one in delays
        if one.who == trouble.player or one.who.startswith(("api", "allocator"))
    )
