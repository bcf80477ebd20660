"""Counts the pods' servers that begin, and how long each takes until it is Ready."""

from collections.abc import Iterable

from core.clock import Clock
from core.game_server import ServerView
from core.ids import ServerUid
from fleets.counted import UP
from fleets.metrics import FleetMetrics
from fleets.past import BEFORE_READY


class Starts:
    """One fleet's, for one term: those that were there before it are nobody's news."""

    def __init__(self, there: Iterable[ServerUid], metrics: FleetMetrics, clock: Clock) -> None:
        self._known = set(there)
        self._starting: set[ServerUid] = set()
        self._metrics = metrics
        self._clock = clock

    def heard(self, view: ServerView, *, gone: bool) -> None:
        """The informer's word on a server of the fleet."""
        if view.uid not in self._known:
            self._known.add(view.uid)
            self._metrics.starts.labels(view.fleet).inc()
            # Of one that was Ready when it was first seen, nobody knows since when.
            if view.state in BEFORE_READY:
                self._starting.add(view.uid)
        if view.uid in self._starting and view.state in UP:
            self._starting.discard(view.uid)
            # The API tells when it was created to the second.
            took_s = max(0, self._clock.wall_ms() - view.created_ms) / 1000
            self._metrics.ready_seconds.labels(view.fleet).observe(took_s)
        if gone:
            self._known.discard(view.uid)
            self._starting.discard(view.uid)
