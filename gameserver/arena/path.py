"""Round trip, jitter and loss of one link, as one of its ends sees them."""

from typing import NamedTuple

from gameserver.arena.wire import NEVER, Timing

_MASK = 0xFFFFFFFF
_MAX_US = 10_000_000  # a longer round trip is a clock's nonsense, and is left out


class PathFigures(NamedTuple):
    """One link so far."""

    rtt_ms: float
    """Smoothed over about eight datagrams (RFC 6298's 1/8); 0 before the first echo."""

    rtt_ms_max: float
    jitter_ms: float
    """Interarrival jitter of RFC 3550 §6.4.1: smoothed change of transit time."""

    loss_share: float
    """Datagrams that never came, as a share (0 to 1) of those sent up to the newest one heard."""


class PathMeter:
    """Takes note of every datagram that was opened, and answers with ``Timing``."""

    __slots__ = ("_echo_us", "_got", "_heard_us", "_highest", "_jitter", "_max", "_rtt", "_transit")

    def __init__(self) -> None:
        self._rtt = 0.0
        self._max = 0.0
        self._jitter = 0.0
        self._transit: int | None = None
        self._echo_us = 0
        self._heard_us: int | None = None
        self._highest = 0
        self._got = 0

    def heard(self, sequence: int, timing: tuple[int, int, int] | Timing, now_us: int) -> None:
        """A datagram came; ``now_us`` is this end's clock in µs."""
        sent_us, echo_us, held_us = timing
        self._got += 1
        if sequence > self._highest:
            self._highest = sequence
            self._echo_us = sent_us
            self._heard_us = now_us
        transit = (now_us - sent_us) & _MASK
        if self._transit is not None:
            change = (transit - self._transit) & _MASK
            # The difference of two µs clocks wraps: read it as a signed number.
            change = min(change, _MASK + 1 - change)
            self._jitter += (change - self._jitter) / 16
        self._transit = transit
        if held_us != NEVER:
            rtt = (now_us - echo_us - held_us) & _MASK
            if rtt < _MAX_US:
                self._rtt = rtt if self._rtt == 0 else self._rtt + (rtt - self._rtt) / 8
                self._max = max(self._max, rtt)

    def timing(self, now_us: int) -> tuple[int, int, int]:
        """What to send along now."""
        if self._heard_us is None:
            return now_us & _MASK, 0, NEVER
        held_us = min(now_us - self._heard_us, NEVER - 1)
        return now_us & _MASK, self._echo_us, held_us

    def figures(self) -> PathFigures:
        """The link so far, in ms and shares."""
        lost = 1 - self._got / self._highest if self._highest else 0.0
        return PathFigures(
            round(self._rtt / 1000, 3),
            round(self._max / 1000, 3),
            round(self._jitter / 1000, 3),
            round(max(0.0, lost), 4),
        )
