"""Limits so wide that a test of something else never meets them."""

from core.clock import Clock
from matchmaker.api.limits import Gate
from matchmaker.api.settings import Limits

WIDE = Limits(
    creates_per_s=1e6,
    creates_burst=1000,
    polls_per_s=1e6,
    polls_burst=1000,
    sockets_per_player=1000,
    frames_per_s=1e6,
    frames_burst=1000,
)


def wide_gate(clock: Clock) -> Gate:
    """A gate that lets everybody through."""
    return Gate(WIDE, clock)
