"""The figures that change once a second: the charts' points and the last minute's percentiles.

Pure: the second is an argument.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from readyup.console.snapshot import Series
from readyup.console.story import QueueStory
from readyup.console.window import KEPT_S, quantiles

RATE_SPAN_S = 5
"""A point's rate is the mean of so many seconds: smooth to look at, and quick to follow."""

LATENCY_SPAN_S = 10
"""A point's percentiles are over so many seconds."""

MINUTE_S = 60
UNSETTLED_S = 3
"""Seconds that are computed again, since their events may still be on the way."""

LATEST_S = 8
"""Points that every snapshot repeats, so that a reader who skipped some has them all."""


@dataclass(frozen=True, slots=True)
class Point:
    """The charts at the end of one second."""

    t_s: int
    tickets_per_s: float
    matches_per_s: float
    wait_ms: tuple[float | None, ...]
    """p50, p95, p99."""

    place_ms: tuple[float | None, ...]
    """p50, p99."""


@dataclass(frozen=True, slots=True)
class Minute:
    """What the last minute was like, of one queue or of several together."""

    wait_ms_p50: float | None
    wait_ms_p95: float | None
    place_ms_p50: float | None
    place_ms_p95: float | None
    matches_per_min: float
    tickets_per_s: float


class Charts:
    """The points of the last ten minutes, and the minute's figures as of the last turn."""

    def __init__(self) -> None:
        self._points: deque[Point] = deque(maxlen=KEPT_S)
        self._at_s = 0
        self.total = minute([], 0)
        self.queues: dict[str, Minute] = {}

    def turn(self, now_s: int, queues: dict[str, QueueStory]) -> None:
        """Bring the points up to the second before ``now_s``; within a second it does nothing."""
        if now_s <= self._at_s:
            return
        self._at_s = now_s
        stories = list(queues.values())
        while self._points and self._points[-1].t_s >= now_s - UNSETTLED_S:
            self._points.pop()
        start_s = self._points[-1].t_s + 1 if self._points else _first_s(stories, now_s)
        for t_s in range(max(start_s, now_s - KEPT_S), now_s):
            self._points.append(point(stories, t_s))
        self.queues = {name: minute([story], now_s) for name, story in queues.items()}
        self.total = minute(stories, now_s)

    def history(self) -> Series:
        """All points kept."""
        return _columns(self._points)

    def latest(self) -> Series:
        """The newest points."""
        return _columns(list(self._points)[-LATEST_S:])


def point(stories: list[QueueStory], t_s: int) -> Point:
    """The charts' values at the end of second ``t_s``."""
    end_s = t_s + 1
    waits = [w for s in stories for w in s.waits_ms.samples(end_s, LATENCY_SPAN_S)]
    places = [p for s in stories for p in s.places_ms.samples(end_s, LATENCY_SPAN_S)]
    return Point(
        t_s,
        sum(s.arrivals.count(end_s, RATE_SPAN_S) for s in stories) / RATE_SPAN_S,
        sum(s.announced.count(end_s, RATE_SPAN_S) for s in stories) / RATE_SPAN_S,
        quantiles(waits, (0.5, 0.95, 0.99)),
        quantiles(places, (0.5, 0.99)),
    )


def minute(stories: list[QueueStory], now_s: int) -> Minute:
    """The last minute, with the second under way; rates of a younger story are scaled up."""
    end_s = now_s + 1
    wait_ms_p50, wait_ms_p95 = quantiles(
        (w for s in stories for w in s.waits_ms.samples(end_s, MINUTE_S)), (0.5, 0.95)
    )
    place_ms_p50, place_ms_p95 = quantiles(
        (p for s in stories for p in s.places_ms.samples(end_s, MINUTE_S)), (0.5, 0.95)
    )
    # Below ten seconds the scaling would make much of one match.
    span_s = min(MINUTE_S, max(10, end_s - _first_s(stories, now_s)))
    matches = sum(s.announced.count(end_s, span_s) for s in stories)
    tickets = sum(s.arrivals.count(end_s, RATE_SPAN_S) for s in stories)
    return Minute(
        wait_ms_p50,
        wait_ms_p95,
        place_ms_p50,
        place_ms_p95,
        matches * MINUTE_S / span_s,
        tickets / RATE_SPAN_S,
    )


def _first_s(stories: list[QueueStory], now_s: int) -> int:
    """The second in which the story begins; ``now_s`` while nothing has happened."""
    begins = (s.arrivals.oldest_s() for s in stories)
    return min((b for b in begins if b is not None), default=now_s)


def _columns(points: Iterable[Point]) -> Series:
    points = list(points)
    return Series(
        t_s=tuple(p.t_s for p in points),
        tickets_per_s=tuple(p.tickets_per_s for p in points),
        matches_per_s=tuple(p.matches_per_s for p in points),
        wait_ms_p50=tuple(p.wait_ms[0] for p in points),
        wait_ms_p95=tuple(p.wait_ms[1] for p in points),
        wait_ms_p99=tuple(p.wait_ms[2] for p in points),
        place_ms_p50=tuple(p.place_ms[0] for p in points),
        place_ms_p99=tuple(p.place_ms[1] for p in points),
    )
