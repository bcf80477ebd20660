"""Where a match is played when its queue has several fleets: near its players, and with room.

A fleet is asked for a room only while the match's record names it, and the record is
changed only after the fleet named before was left for good: it will never give this match
a room again, whoever asks it. So wherever a director dies, one fleet at most ever has a
room for the match.
"""

from collections.abc import Mapping, Sequence

import structlog

from core.ids import FleetName, MatchId
from core.placement import ClaimOrder, Placement
from matchmaker.metrics import MatchmakerMetrics
from matchmaker.ports import Allocations, Capacity
from matchmaker.store import QueueStore

log = structlog.get_logger("readyup.director")

STEP_MS = 10.0
"""Regions whose worst latencies differ by less count as equally near."""

Latencies = Sequence[Mapping[str, float]]
"""Of each player who measured any: region to milliseconds."""


class Superseded(Exception):
    """A newer director leads; this one's term is over."""


def order_of(
    fleets: Mapping[FleetName, Capacity], latencies: Latencies, *, latency_max_ms: float = 0.0
) -> tuple[FleetName, ...]:
    """The fleets that a match may be played in, the one to be asked first in front.

    Nearest first, by the player who is worst off; among the equally near as they are given.
    In front of all stands the nearest with a free room, else the one with the shortest line.
    A fleet beyond ``latency_max_ms`` (0: no limit) stands there only when all are.
    """
    worst = {name: _worst(one.region, latencies) for name, one in fleets.items()}
    near = [name for name in fleets if _near_enough(worst[name], latency_max_ms)]
    measured = any(latencies)

    def distance(name: FleetName) -> tuple[bool, int]:
        ms = worst[name]
        return (ms is None and measured, int((ms or 0.0) // STEP_MS))

    if not near:
        near = sorted(fleets, key=lambda name: worst[name] or 0.0)[:1]
    nearest = sorted(near, key=distance)  # stable: among equals in the given order
    first = next((name for name in nearest if fleets[name].free > 0), None)
    if first is None:
        first = min(nearest, key=lambda name: (fleets[name].closed, fleets[name].waiting))
    return (first, *(name for name in nearest if name != first))


def _worst(region: str, latencies: Latencies) -> float | None:
    """None where not everybody who measured anything measured this region."""
    known = [one for one in latencies if one]
    if not known or any(region not in one for one in known):
        return None
    return max(one[region] for one in known)


def _near_enough(worst_ms: float | None, limit_ms: float) -> bool:
    return not limit_ms or worst_ms is None or worst_ms <= limit_ms


class Regions:
    """Claims for one queue during one term, in whichever of its fleets has room."""

    def __init__(
        self, queue: QueueStore, rooms: Allocations, *, epoch: int, metrics: MatchmakerMetrics
    ) -> None:
        self._queue = queue
        self._rooms = rooms
        self._epoch = epoch
        self._metrics = metrics
        self._fleets = queue.settings.fleets()

    async def choose(self, matches: Sequence[Latencies]) -> list[tuple[FleetName, ...]]:
        """The order of fleets for each of some new matches; one look at all the fleets.

        Raises:
            StoreUnreachable: nobody answered.
        """
        if len(self._fleets) == 1:
            return [self._fleets] * len(matches)
        seen = await self._rooms.capacities(self._fleets)
        limit_ms = self._queue.settings.latency_max_ms
        orders = []
        for latencies in matches:
            order = order_of(seen, latencies, latency_max_ms=limit_ms)
            orders.append(order)
            seen = {**seen, order[0]: seen[order[0]].with_one_more()}
        return orders

    async def claim(
        self, order: ClaimOrder, fleets: tuple[FleetName, ...], *, now_ms: int
    ) -> tuple[Placement | None, tuple[FleetName, ...]]:
        """A room, in the first of the fleets or in one after it that has some.

        Returns:
            The room, or None while the match waits in line at the first; and the fleets that
            may give it one, as its record now names them.

        Raises:
            StoreUnreachable: it may have gone on to another fleet; its record knows.
            Superseded: a newer director leads.
        """
        while True:
            placement = await self._ask(order, fleets[0], now_ms=now_ms)
            if placement is not None or len(fleets) == 1:
                return placement, fleets
            free = await self._free(fleets[1:])
            if free is None:
                return None, fleets
            if not await self._rooms.leave(order.match, fleets[0], now_ms=now_ms):
                # It got a room in this moment, or has to wait for a room of this fleet.
                return await self._ask(order, fleets[0], now_ms=now_ms), fleets
            rest = tuple(name for name in fleets[1:] if name != free)
            state, named = await self._queue.redirect(
                order.match, fleets[0], (free, *rest), epoch=self._epoch
            )
            if state == "stale":
                raise Superseded
            if state != "proposed" or not named:
                return None, fleets  # decided meanwhile, as by a cancel
            self._tell(order.match, fleets[0], named[0])
            fleets = named  # its record's word, should it be another than ours

    async def _ask(self, order: ClaimOrder, fleet: FleetName, *, now_ms: int) -> Placement | None:
        return await self._rooms.claim(order, fleet, now_ms=now_ms)

    async def _free(self, fleets: Sequence[FleetName]) -> FleetName | None:
        seen = await self._rooms.capacities(fleets)
        return next((name for name in fleets if seen[name].free > 0), None)

    def _tell(self, match: MatchId, left: FleetName, fleet: FleetName) -> None:
        self._metrics.redirected.labels(self._queue.settings.name, fleet).inc()
        log.info("match.redirected", match=match, left=left, fleet=fleet)
