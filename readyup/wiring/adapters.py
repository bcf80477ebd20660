"""The four siblings meet here: what one needs as a port, another provides."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence

import msgspec

from allocator.pool import Pool
from allocator.ports import Wanted
from allocator.seats import seat, unseat
from allocator.sessions import Sessions as StoredSessions
from allocator.settings import Ack, ack_ms
from core.eventlog import last_id, tail
from core.ids import FleetName, MatchId, PlayerId, QueueName, queue_of
from core.placement import ClaimOrder, Placement, SeatOrder
from core.redis import Store
from matchmaker import backfills
from matchmaker.hints import session_hint
from matchmaker.penalties import penalise
from matchmaker.ports import Capacity, PlayerSession, RoomFound
from matchmaker.store import QueueStore
from readyup.settings import Config


def pools_of(store: Store, config: Config) -> dict[FleetName, Pool]:
    """The pool of every fleet, with the patience that its servers' way of answering needs."""
    acks: dict[FleetName, Ack] = {fleet.name: fleet.ack for fleet in config.fleets}
    return {
        name: Pool(store, name, ack_ms=ack_ms(acks.get(name, "sessions")))
        for name in config.fleet_names()
    }


class PoolRooms:
    """The pools of some fleets as the director's ``Allocations``: its claim is our script call."""

    def __init__(self, pools: Sequence[Pool], *, regions: Mapping[FleetName, str]) -> None:
        self._pools = {pool.fleet: pool for pool in pools}
        self._regions = regions

    async def capacities(self, fleets: Sequence[FleetName]) -> Mapping[FleetName, Capacity]:
        store = next(iter(self._pools.values())).store
        asked = [
            (word, self._pools[name].key(what))
            for name in fleets
            for word, what in (("ZCARD", "free"), ("ZCARD", "waiting"), ("EXISTS", "paused"))
        ]
        said = [int(value) for value in await store.many(asked)]
        return {
            name: Capacity(
                # Whoever stands in line has the next room, so only what is beyond them is free.
                free=0 if paused else max(0, free - waiting),
                waiting=waiting,
                region=self._regions.get(name, ""),
                closed=bool(paused),
            )
            for name, free, waiting, paused in zip(
                fleets, said[::3], said[1::3], said[2::3], strict=True
            )
        }

    async def claim(self, order: ClaimOrder, fleet: FleetName, *, now_ms: int) -> Placement | None:
        return await self._pools[fleet].claim(order, now_ms=now_ms)

    async def leave(self, match: MatchId, fleet: FleetName, *, now_ms: int) -> bool:
        return await self._pools[fleet].leave(match, now_ms=now_ms)

    async def seat(self, order: SeatOrder, *, now_ms: int) -> Placement | None:
        return await seat(self._pools[order.fleet], order, now_ms=now_ms)

    async def unseat(self, order: SeatOrder, *, now_ms: int) -> None:
        await unseat(self._pools[order.fleet], order, now_ms=now_ms)

    async def withdraw(self, match: MatchId, *, reason: str, now_ms: int) -> bool:
        # Which of them has it is in its record, which may be older than what happened since.
        had = [
            await pool.withdraw(match, reason=reason, now_ms=now_ms)
            for pool in self._pools.values()
        ]
        return any(had)

    async def rooms_found(self, fleet: FleetName) -> AsyncIterator[RoomFound]:
        store, log = self._pools[fleet].store, self._pools[fleet].key("log")
        after = await last_id(store, log)
        # Ends when the reader's task is cancelled; claims that found a room at once pass by too.
        async for event in tail(store, log, after, asyncio.Event()):
            if event["k"] == "room.claimed":
                yield RoomFound(MatchId(event["match"]), event["t"])


class PlayersSessions:
    """The allocator's sessions as the player API's ``Sessions``: hint first, then the truth."""

    def __init__(self, store: Store, pools: Mapping[FleetName, Pool]) -> None:
        self._store = store
        self._sessions = {fleet: StoredSessions(pool) for fleet, pool in pools.items()}

    async def session_of(self, player: PlayerId) -> PlayerSession | None:
        hint = await self._store.call("GET", session_hint(player))
        if hint is None:
            return None
        said = msgspec.json.decode(hint, type=dict[str, str])
        sessions = self._sessions.get(FleetName(said["fleet"]))
        session = await sessions.get(MatchId(said["match"])) if sessions else None
        if session is None or not session.live():
            return None
        if all(seated.player != player for seated in session.players):
            return None
        place = session.placement() if session.room else None
        return PlayerSession(session.match, session.state, place)


class QueueMatches:
    """The matchmaker's matches as the allocator's ``Matches``: each in the queue its id names."""

    def __init__(self, queues: Mapping[str, QueueStore]) -> None:
        self._queues = queues

    async def settle(self, match: MatchId, *, now_ms: int) -> bool:
        queue = self._queues.get(queue_of(match))
        # A queue that is configured no more has no matches that could still be committed.
        return queue is not None and await queue.settle(match, reason="unclaimed", now_ms=now_ms)

    async def moved(self, placement: Placement, *, now_ms: int) -> None:
        if queue := self._queues.get(QueueName(queue_of(placement.match))):
            await queue.moved(placement, now_ms=now_ms)

    async def ended(
        self, match: MatchId, reason: str, *, now_ms: int, left: Sequence[PlayerId] = ()
    ) -> None:
        queue = self._queues.get(queue_of(match))
        # Told again it is no news, and no offence is counted twice.
        if queue and await queue.ended(match, reason=reason, now_ms=now_ms) and left:
            await penalise(queue, left, "left", now_ms=now_ms)

    async def backfill(self, wanted: Wanted, *, now_ms: int) -> str:
        if (queue := self._queues.get(queue_of(wanted.match))) is None:
            return "off"
        asked = backfills.Wanted(
            wanted.match,
            f"{wanted.match}/{wanted.epoch}-{wanted.n}",
            wanted.open,
            wanted.gone,
            wanted.epoch,
            automatic=wanted.automatic,
        )
        return await backfills.ask(queue, asked, now_ms=now_ms)
