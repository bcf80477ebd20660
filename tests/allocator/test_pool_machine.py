"""Any order of steps on the real scripts, beside a small model that says what must be true."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from hypothesis.strategies import booleans, integers, sampled_from

from allocator.pool import Pool
from allocator.rooms import NewRoom
from allocator.sessions import Sessions
from core.ids import (
    FleetName,
    MatchId,
    PlayerId,
    QueueName,
    RoomId,
    ServerUid,
    TicketId,
    room_id,
    server_of,
)
from core.placement import ClaimOrder, SeatedPlayer
from core.redis import Store

SERVERS = [ServerUid(f"server-{n}") for n in range(3)]
MATCHES = [MatchId(f"duel.{n}") for n in range(5)]
FAR_MS = 10**9
PLAYER = (SeatedPlayer(PlayerId("p"), TicketId("duel.t"), "red", 0),)


class PoolMachine(RuleBasedStateMachine):
    """Two rooms a server. The model knows rooms' states, holders, the line and the epochs."""

    loop: asyncio.AbstractEventLoop
    store: Store

    def __init__(self) -> None:
        super().__init__()
        self.do(self.store.call("FLUSHALL"))
        self.pool = Pool(self.store, FleetName("arena"))
        self.sessions = Sessions(self.pool)
        self.now_ms = 1_000_000
        self.free: list[RoomId] = []
        self.ranks: dict[RoomId, int] = {}
        self.held: dict[MatchId, tuple[RoomId, int]] = {}
        self.aside: set[RoomId] = set()
        self.line: list[MatchId] = []
        self.epochs: dict[MatchId, int] = {}
        self.orphans: dict[MatchId, tuple[RoomId, int]] = {}
        self.ended: set[MatchId] = set()

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 - whatever the work gives
        self.now_ms = getattr(self, "now_ms", 0) + 1  # no two steps at one millisecond
        return self.loop.run_until_complete(work)

    # The model's own moves.

    def serve(self) -> None:
        while self.free and self.line:
            match, room = self.line.pop(0), self.next_free()[0]
            self.free.remove(room)
            self.epochs[match] = self.epochs.get(match, 0) + 1
            self.held[match] = (room, self.epochs[match])

    def next_free(self) -> list[RoomId]:
        """By rank; among equals the longest free, so nothing changes where all are alike."""
        return sorted(self.free, key=lambda room: self.ranks[room])

    def give_back(self, match: MatchId, *, aside: bool) -> None:
        self.orphans.pop(match, None)
        if match in self.held:
            room, _ = self.held.pop(match)
            if aside:
                self.aside.add(room)
            else:
                self.free.append(room)

    def finish(self, match: MatchId) -> None:
        self.ended.add(match)
        if match in self.line:
            self.line.remove(match)

    def at(self, match: MatchId) -> tuple[RoomId, int] | None:
        return self.held.get(match) or self.orphans.get(match)

    def pick(self, n: int) -> tuple[MatchId, RoomId, int]:
        """One of the matches that have a room, also one whose server is gone."""
        placed = sorted({**self.held, **self.orphans}.items())
        match, (room, epoch) = placed[n % len(placed)]
        return match, room, epoch

    def somebody_plays(self) -> bool:
        return bool(self.held or self.orphans)

    # Steps.

    @initialize(rooms=integers(0, 4))
    def begin(self, rooms: int) -> None:
        for n in range(rooms):
            self.add_room(SERVERS[n // 2], n % 2)

    @rule(server=sampled_from(SERVERS), n=integers(0, 1), rank=integers(0, 8))
    def add_room(self, server: ServerUid, n: int, rank: int = 0) -> None:
        known = self.rooms()
        room = room_id(server, n)
        if n and room_id(server, 0) not in known:
            return  # rooms are added from 0 upwards
        new = NewRoom(room, server, "h", 1, "v", rank=rank)
        added = self.do(self.pool.add_room(new, now_ms=self.now_ms))
        assert added == (room not in known)
        if added:
            self.ranks[room] = rank
            self.free.append(room)
            self.serve()

    @rule(match=sampled_from(MATCHES))
    def claim(self, match: MatchId) -> None:
        order = ClaimOrder(match, QueueName("duel"), PLAYER, self.now_ms + FAR_MS)
        got = self.do(self.pool.claim(order, now_ms=self.now_ms))
        if match not in self.ended and not self.at(match) and match not in self.line:
            self.line.append(match)
            self.serve()
        expected = self.at(match)
        assert (got and (got.room, got.epoch)) == expected

    @rule(match=sampled_from(MATCHES))
    def withdraw(self, match: MatchId) -> None:
        known = bool(self.at(match)) or match in self.line
        done = self.do(self.pool.withdraw(match, reason="closed", now_ms=self.now_ms))
        if known:
            assert done
            had_session = match in self.epochs
            self.give_back(match, aside=False)
            self.finish(match)
            if not had_session:
                self.ended.discard(match)  # it only ever stood in line: nothing is remembered
            self.serve()

    @precondition(somebody_plays)
    @rule(n=integers(0, 9), wrong=booleans())
    def ack(self, n: int, wrong: bool) -> None:
        match, room, epoch = self.pick(n)
        answer = self.do(
            self.sessions.ack(match, room, server_of(room), epoch + wrong, now_ms=self.now_ms)
        )
        assert answer.ok != wrong

    @precondition(somebody_plays)
    @rule(n=integers(0, 9), wrong=booleans())
    def release(self, n: int, wrong: bool) -> None:
        match, room, epoch = self.pick(n)
        done = self.do(
            self.sessions.release(
                match, room, server_of(room), epoch + wrong, reason="finished", now_ms=self.now_ms
            )
        )
        assert done != wrong
        if done:
            self.give_back(match, aside=False)
            self.finish(match)
            self.serve()

    @precondition(somebody_plays)
    @rule(n=integers(0, 9))
    def move(self, n: int) -> None:
        match, room, epoch = self.pick(n)
        self.do(self.pool.doubt(match, epoch, now_ms=self.now_ms))
        deadline_ms = self.now_ms + FAR_MS
        got = self.do(self.pool.move(match, epoch, deadline_ms=deadline_ms, now_ms=self.now_ms))
        self.give_back(match, aside=True)
        for other in [r for r in self.free if server_of(r) == server_of(room)]:
            self.free.remove(other)
            self.aside.add(other)
        self.line.insert(0, match)
        self.serve()
        assert (got and (got.room, got.epoch)) == self.at(match)
        assert got is None or got.epoch == epoch + 1

    @rule(match=sampled_from(MATCHES))
    def lose(self, match: MatchId) -> None:
        if match not in self.epochs or match in self.ended:
            return
        assert self.do(
            self.pool.end_session(match, self.epochs[match], reason="lost", now_ms=self.now_ms)
        )
        self.give_back(match, aside=True)
        self.finish(match)

    @precondition(lambda self: self.aside)
    @rule()
    def trust(self) -> None:
        room = min(self.aside)
        assert self.do(self.pool.trust(room, now_ms=self.now_ms))
        self.aside.remove(room)
        self.free.append(room)
        self.serve()

    @rule(server=sampled_from(SERVERS))
    def remove(self, server: ServerUid) -> None:
        on_it = {m for m, (r, _) in self.held.items() if server_of(r) == server}
        got = self.do(self.pool.remove_server(server, reason="gone", now_ms=self.now_ms))
        assert set(got) == on_it
        for match in on_it:
            self.orphans[match] = self.held.pop(match)
        self.free = [r for r in self.free if server_of(r) != server]
        self.aside = {r for r in self.aside if server_of(r) != server}

    @precondition(lambda self: self.rooms())
    @rule(n=integers(0, 9), rank=integers(0, 8))
    def rank(self, n: int, rank: int) -> None:
        room = sorted(self.rooms())[n % len(self.rooms())]
        assert self.do(self.pool.rank(room, rank))
        self.ranks[room] = rank

    # What is always true.

    def rooms(self) -> set[RoomId]:
        return {*self.free, *self.aside, *(room for room, _ in self.held.values())}

    @invariant()
    def the_store_agrees(self) -> None:
        key, rooms = self.pool.key, sorted(self.rooms())
        known, free, aside, line, live, *held = self.do(
            self.store.many(
                [
                    ("SMEMBERS", key("rooms")),
                    ("ZRANGE", key("free"), 0, -1),
                    ("ZRANGE", key("suspect"), 0, -1),
                    ("ZRANGE", key("waiting"), 0, -1),
                    ("ZRANGE", key("sessions"), 0, -1),
                    *(("HMGET", key(f"room:{room}"), "state", "match") for room in rooms),
                ]
            )
        )
        # No room is lost or made up, and the line keeps its order.
        assert set(known) == set(rooms)
        assert free == self.next_free()
        assert set(aside) == self.aside
        assert line == self.line
        # A held room has one match, which is alive; a room that is not held has none.
        assert all((state == "held") == bool(match) for state, match in held)
        holders = {match: room for room, (_, match) in zip(rooms, held, strict=True) if match}
        assert holders == {match: room for match, (room, _) in self.held.items()}
        assert set(live) == {m for m in self.epochs if m not in self.ended}
        assert set(holders) <= set(live)


PoolMachine.TestCase.settings = settings(
    max_examples=100,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def test_any_order_of_steps_agrees_with_the_model(valkey_url: str):
    loop = asyncio.new_event_loop()
    store = loop.run_until_complete(_connect(valkey_url))
    PoolMachine.loop, PoolMachine.store = loop, store
    try:
        PoolMachine.TestCase().runTest()
    finally:
        loop.run_until_complete(store.aclose())
        loop.close()


async def _connect(url: str) -> Store:
    return await Store.connect(url)
