"""Keeps the reserve full: as many free rooms as asked, on servers that are taken already."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from allocator.handover import Handover
from allocator.metrics import AllocatorMetrics
from allocator.pool import Pool
from allocator.ports import CLAIM_LABEL, Servers
from allocator.rollout import is_current, leaving_next
from allocator.rooms import Census, NewRoom, misplaced, rooms_of
from allocator.settings import AllocatorSettings
from core.clock import Clock
from core.errors import Exhausted, Unreachable
from core.game_server import Pinned, ServerView, State, pinned_states
from core.ids import RoomId, ServerUid, server_of
from core.supervise import every

log = structlog.get_logger("readyup.allocator")

PERIOD_S = 0.25
_CLAIM = "refill-"


@dataclass(frozen=True, slots=True)
class Plan:
    """What one pass does to the reserve."""

    gone: list[ServerUid] = field(default_factory=list)
    """Servers with rooms, or heard once, that the backend no longer has."""

    add: list[NewRoom] = field(default_factory=list)
    take: list[ServerView] = field(default_factory=list)
    """Servers whose claims are to be asked for; some backends may take others instead."""

    give_up: list[ServerUid] = field(default_factory=list)
    """Servers all of whose rooms are retiring."""

    surplus: list[ServerUid] = field(default_factory=list)
    """Servers with only free rooms, without which the reserve would still be full."""

    hopeless: list[ServerUid] = field(default_factory=list)
    """Servers with a room that has been suspect for too long."""

    outdated: list[ServerUid] = field(default_factory=list)
    """Servers of another version, without which the reserve would still be full."""


def plan_reserve(
    census: Census,
    running: Sequence[ServerView],
    asked: Collection[str],
    settings: AllocatorSettings,
    *,
    now_ms: int,
) -> Plan:
    """What the reserve lacks or has too much of.

    ``asked`` are claims asked for that no server carries yet. Rooms wanted are the reserve's
    target, by the fleet's plan or else by the settings, and one for each match in line.
    """
    taken = {s.uid: s for s in running if s.state is State.ALLOCATED and CLAIM_LABEL in s.labels}
    by_server = _by_server(census.rooms)
    present = {server.uid for server in running}
    gone = [uid for uid in by_server if uid not in taken]
    gone += [uid for uid in census.greeted if uid not in present and uid not in by_server]
    known = pinned_states(running)
    rooms = [r for s in taken.values() for r in rooms_of(s, proven=known[s.uid] is Pinned.PROVEN)]
    add = [room for room in rooms if room.room not in census.rooms]

    free = {room for room in census.free if server_of(room) in taken}
    open_ = open_claims(running)
    coming = [server for server in open_ if claim_of(server) in asked]
    on_the_way = sum(server.rooms for server in coming)
    wanted = settings.reserve_rooms if census.reserve_target is None else census.reserve_target
    short = wanted + census.waiting - len(free) - len(add) - on_the_way
    fresh = [server for server in open_ if server not in coming]
    kept = {uid: rooms for uid, rooms in by_server.items() if uid in taken}
    old = {uid: rooms for uid, rooms in kept.items() if not is_current(taken[uid], census.version)}
    ready = [server for server in running if server.state is State.READY]
    new = sum(is_current(server, census.version) for server in ready)
    # Whatever is Ready fills the reserve; what is of the fleet's version also renews it.
    renewing = short + sum(server_of(room) in old for room in free)
    # Each claim on its way will use up a Ready server, whichever that is.
    takes = [
        _enough(fresh[: max(0, there - len(coming))], rooms)
        for there, rooms in ((len(ready), short), (new, renewing))
    ]
    give_up_after_ms = settings.suspect_give_up_ms
    return Plan(
        gone=sorted(gone),
        add=add,
        take=max(takes, key=len),
        give_up=sorted(uid for uid, rooms in kept.items() if rooms <= census.retiring),
        surplus=_too_many(kept, free, -short),
        outdated=leaving_next(
            {uid: rooms for uid, rooms in old.items() if not rooms <= census.retiring},
            free,
            spare=len(free) - wanted - census.waiting,
        ),
        hopeless=sorted(
            {
                server_of(room)
                for room, since_ms in census.suspect.items()
                if give_up_after_ms and now_ms - since_ms > give_up_after_ms
            }
        ),
    )


def _by_server(rooms: Collection[RoomId]) -> dict[ServerUid, set[RoomId]]:
    by_server: dict[ServerUid, set[RoomId]] = {}
    for room in rooms:
        by_server.setdefault(server_of(room), set()).add(room)
    return by_server


def claim_of(server: ServerView) -> str:
    """The claim that is called after this server. Its value is a token and no more."""
    return f"{_CLAIM}{server.uid}"


def open_claims(running: Sequence[ServerView]) -> list[ServerView]:
    """The servers whose claims nobody carries, the oldest first.

    A backend that takes the server it is asked for gives each its own claim, and then these
    are the Ready ones. Where the backend chooses, one may carry another's claim; then its
    own claim is open still, at its old place. So which claims are asked for depends on how
    many were met, not on where: two allocators that see the same ask for the same ones.
    """
    # The label of one that is Ready again, or shuts down, is a memory of an earlier claim.
    carried = {one.labels.get(CLAIM_LABEL) for one in running if one.state is State.ALLOCATED}
    return [
        server
        for server in sorted(running, key=lambda one: (one.created_ms, one.uid))
        if claim_of(server) not in carried
        and (server.state is State.READY or _carries_anothers(server))
    ]


def _carries_anothers(server: ServerView) -> bool:
    taken = server.state is State.ALLOCATED
    return taken and server.labels.get(CLAIM_LABEL, "").startswith(_CLAIM)


def _enough(servers: Sequence[ServerView], short: int) -> list[ServerView]:
    chosen: list[ServerView] = []
    for server in servers:
        if short <= 0:
            break
        chosen.append(server)
        short -= server.rooms
    return chosen


def _too_many(
    kept: Mapping[ServerUid, set[RoomId]], free: Collection[RoomId], spare: int
) -> list[ServerUid]:
    surplus = []
    for uid, rooms in sorted(kept.items()):
        if len(rooms) <= spare and all(room in free for room in rooms):
            surplus.append(uid)
            spare -= len(rooms)
    return surplus


class Reserve:
    """One fleet's. Any number may run: what they ask for twice happens once."""

    def __init__(
        self,
        pool: Pool,
        servers: Servers,
        handover: Handover,
        settings: AllocatorSettings,
        metrics: AllocatorMetrics,
    ) -> None:
        self._pool = pool
        self._servers = servers
        self._handover = handover
        self._settings = settings
        self._metrics = metrics
        self._asked_ms: dict[str, int] = {}
        """When a claim was asked for that no server carries yet."""

        self._given_up: set[ServerUid] = set()
        self._outdated: set[ServerUid] = set()
        """Servers of another version that were retired, until they are gone."""

        self._surplus_since_ms: int | None = None

    async def run(self, clock: Clock, stop: asyncio.Event) -> None:
        """Look four times a second until ``stop``; a store that is away is waited for."""

        async def tick() -> None:
            try:
                await self.refill(now_ms=clock.wall_ms())
            except (Unreachable, Exhausted) as away:
                log.warning("reserve.waits", fleet=self._pool.fleet, reason=str(away))

        await every(PERIOD_S, tick, stop=stop)

    async def refill(self, *, now_ms: int) -> Plan:
        """One pass: look at the pool, then at the backend, then act. Returns what was done."""
        census = await self._pool.census()
        running = await self._servers.running()
        await self._note_refills(running, now_ms=now_ms)
        self._remember(running, now_ms=now_ms)
        plan = plan_reserve(census, running, self._asked_ms, self._settings, now_ms=now_ms)
        for place, proven in misplaced(census, running).items():
            await self._pool.rank(place, proven=proven)
        self._measure(census)
        for uid in plan.gone:
            await self._forget(uid, now_ms=now_ms)
        for room in plan.add:
            await self._pool.add_room(room, now_ms=now_ms)
        for server in plan.take:
            await self._servers.take(server.uid, claim_of(server))
            self._asked_ms[claim_of(server)] = now_ms
            self._metrics.servers_taken.labels(self._pool.fleet).inc()
        await self._shrink(plan, now_ms=now_ms)
        return plan

    async def _note_refills(self, running: Sequence[ServerView], *, now_ms: int) -> None:
        """How long it took until servers that were asked for are here; planned with later."""
        claims = {one.labels.get(CLAIM_LABEL) for one in running if one.state is State.ALLOCATED}
        took_s = [
            (now_ms - asked_ms) / 1000
            for claim, asked_ms in self._asked_ms.items()
            if claim in claims
        ]
        await self._pool.note("refill", took_s, now_ms=now_ms)

    def _remember(self, running: Sequence[ServerView], *, now_ms: int) -> None:
        patience_ms = self._settings.take_patience_ms
        still = {claim_of(server) for server in open_claims(running)}
        self._asked_ms = {
            claim: asked_ms
            for claim, asked_ms in self._asked_ms.items()
            if claim in still and now_ms - asked_ms < patience_ms
        }
        there = {server.uid for server in running}
        self._given_up &= there
        self._outdated &= there

    async def _forget(self, uid: ServerUid, *, now_ms: int) -> None:
        matches = await self._pool.remove_server(uid, reason="gone", now_ms=now_ms)
        for match in matches:
            await self._handover.look_after(match, cause="server-gone", now_ms=now_ms)

    async def _shrink(self, plan: Plan, *, now_ms: int) -> None:
        for uid in plan.hopeless:
            await self._pool.retire(uid, now_ms=now_ms)
            await self._handover.count("server-hopeless")
        for uid in plan.outdated:
            if uid not in self._outdated:
                await self._pool.retire(uid, now_ms=now_ms)
                self._outdated.add(uid)
        if not plan.surplus or self._surplus_since_ms is None:
            self._surplus_since_ms = now_ms
        patience_ms = self._settings.surplus_patience_ms
        if patience_ms and now_ms - self._surplus_since_ms > patience_ms:
            # One a pass: the next pass sees whether there is still one too many.
            await self._pool.retire(plan.surplus[0], now_ms=now_ms)
        for uid in plan.give_up:
            if uid not in self._given_up:
                await self._servers.give_up(uid)
                self._given_up.add(uid)

    def _measure(self, census: Census) -> None:
        busy = len(census.rooms) - len(census.free) - len(census.suspect) - len(census.retiring)
        for state, rooms in (
            ("free", len(census.free)),
            ("busy", busy),
            ("suspect", len(census.suspect)),
            ("retiring", len(census.retiring)),
        ):
            self._metrics.rooms.labels(self._pool.fleet, state).set(rooms)
        self._metrics.matches_waiting.labels(self._pool.fleet).set(census.waiting)
