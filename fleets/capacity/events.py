"""Sizes that somebody knows beforehand: a tournament at eight, a launch, a number set by hand."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

AHEAD_S = 60.0
AHEAD_LEADS = 3.0
"""Servers are there so long before an event, or so many lead times, whichever is more: not all
of them start at the same moment."""

Servers = Annotated[int, msgspec.Meta(ge=1, le=10_000)]
LASTING_S_MAX = 30 * 86_400
Lasting = Annotated[float, msgspec.Meta(gt=0, le=LASTING_S_MAX)]
Every = Literal["", "day", "week"]
Moment = Annotated[dt.datetime, msgspec.Meta(tz=True)]
Note = Annotated[str, msgspec.Meta(max_length=200)]

_ROUNDS_S = {"": 0.0, "day": 86_400.0, "week": 7 * 86_400.0}


@dataclass(frozen=True, slots=True)
class Event:
    """At least so many servers from a moment on, for a while."""

    at: Moment
    """When players come, with its offset: `2026-12-24T20:00:00Z`."""

    servers: Servers
    """Servers there shall be at least, those in use included; never more than `size_max`."""

    for_s: Lasting = 3600.0
    """Seconds for which they are kept."""

    every: Every = ""
    """Whether it comes again, at the same time of UTC."""

    note: Note = ""
    """What it is, for whoever asks why."""

    def begins_ms(self, now_ms: int, *, ahead_s: float) -> float:
        """When its servers are wanted: this round's time, or that of the next one."""
        at_ms = self.at.timestamp() * 1000
        round_ms = _ROUNDS_S[self.every] * 1000
        if round_ms and now_ms > at_ms + self.for_s * 1000:
            rounds = (now_ms - at_ms - self.for_s * 1000) // round_ms + 1
            at_ms += rounds * round_ms
        return at_ms - ahead_s * 1000

    def asks(self, now_ms: int, *, ahead_s: float) -> bool:
        """Whether its servers are wanted now."""
        begins_ms = self.begins_ms(now_ms, ahead_s=ahead_s)
        return begins_ms <= now_ms < begins_ms + (ahead_s + self.for_s) * 1000

    def over(self, now_ms: int) -> bool:
        """Whether it has been, and does not come again."""
        return not self.every and now_ms >= (self.at.timestamp() + self.for_s) * 1000


def ahead_s(lead_s: float) -> float:
    """How long before an event its servers are ordered."""
    return max(AHEAD_S, AHEAD_LEADS * lead_s)


def announced(events: Iterable[Event], *, now_ms: int, lead_s: float) -> Event | None:
    """The event that asks for most servers now; None when none does."""
    asking = [one for one in events if one.asks(now_ms, ahead_s=ahead_s(lead_s))]
    return max(asking, key=lambda one: one.servers, default=None)
