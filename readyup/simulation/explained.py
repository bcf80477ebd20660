"""Which of the players' errors a fault explains; any other fails the evening."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from readyup.bots.tally import Trouble

HEARS_S = 0.1
"""After a slow reader reads again, until it has heard what waited for it."""


class Slowness(NamedTuple):
    """A player who read nothing for a while, in the loop's time."""

    player: str
    from_s: float
    until_s: float


def unexplained(
    troubles: Iterable[Trouble], slow: Sequence[Slowness], over_s: Mapping[str, float]
) -> list[str]:
    """What nothing explains, a sentence each. ``over_s``: when each match ended in the store."""
    return [
        f"{one.player} at {one.t_s:.3f} s: {one.kind}{f' ({one.match})' if one.match else ''}"
        for one in troubles
        if not _was_told_and_did_not_read(one, slow, over_s)
    ]


def _was_told_and_did_not_read(
    trouble: Trouble, slow: Sequence[Slowness], over_s: Mapping[str, float]
) -> bool:
    """A player who asks is told that there is no match; what came before says: it is over."""
    ended_s = over_s.get(trouble.match)
    if trouble.kind != "session_lost" or ended_s is None or ended_s > trouble.t_s:
        return False
    return any(
        one.player == trouble.player and one.from_s <= trouble.t_s <= one.until_s + HEARS_S
        for one in slow
    )
