"""A server is retired after so many matches: in the pool first, and never one in use."""

import asyncio

from hypothesis import HealthCheck, given, settings, strategies as st

from allocator.pool import Pool
from allocator.ports import CLAIM_LABEL
from allocator.refill import plan_reserve
from allocator.sessions import Sessions
from allocator.settings import AllocatorSettings
from core.game_server import State
from core.ids import FleetName, RoomId, ServerUid, server_of
from core.placement import Placement
from core.redis import Store
from tests.allocator.worlds import FLEET, NOW, order, room, server

A, B = ServerUid("uid-a"), ServerUid("uid-b")
STEPS = st.lists(
    st.tuples(st.sampled_from(["claim", "release", "lose", "retire"]), st.integers(0, 5))
)


class Recycled:
    """Two servers of two rooms, retired after ``after`` matches."""

    def __init__(self, store: Store, after: int) -> None:
        self.pool = Pool(store, FleetName("arena"))
        self.sessions = Sessions(self.pool, retire_after=after)
        self.after = after
        self.served = {A: 0, B: 0}
        self.retired: set[ServerUid] = set()
        self.held: list[Placement] = []
        self.matches = 0

    async def begin(self) -> None:
        await self.pool.store.call("FLUSHALL")
        for uid in (A, B):
            for n in (0, 1):
                await self.pool.add_room(room(uid, n), now_ms=NOW + n)

    async def step(self, what: str, n: int) -> None:
        self.matches += 1
        now_ms = NOW + 10 * self.matches
        if what == "claim":
            at = await self.pool.claim(order(f"m{self.matches}"), now_ms=now_ms)
            if at is None:
                await self.pool.withdraw(
                    order(f"m{self.matches}").match, reason="none", now_ms=now_ms
                )
                return
            assert at.server not in self.retired
            self.held.append(at)
            await self.sessions.ack(at.match, at.room, at.server, at.epoch, now_ms=now_ms)
        elif what == "retire":
            uid = (A, B)[n % 2]
            left = await self.pool.retire(uid, now_ms=now_ms)
            assert left == sum(at.server == uid for at in self.held)
            self.retired.add(uid)
        elif self.held:
            await self.end(self.held.pop(n % len(self.held)), what, now_ms=now_ms)

    async def end(self, at: Placement, how: str, *, now_ms: int) -> None:
        if how == "lose":
            await self.pool.end_session(at.match, at.epoch, reason="lost", now_ms=now_ms)
            return
        for _ in range(2):  # whatever is said twice counts once
            assert await self.sessions.release(
                at.match, at.room, at.server, at.epoch, reason="finished", now_ms=now_ms
            )
        self.served[at.server] += 1
        if self.served[at.server] >= self.after:
            self.retired.add(at.server)

    async def check(self) -> None:
        census = await self.pool.census()
        in_use = {at.room for at in self.held}
        assert not in_use & census.retiring
        assert not {at for at in census.free if server_of(at) in self.retired}
        views = [server(name, state=State.ALLOCATED, rooms=2) for name in ("a", "b")]
        for view in views:
            view.labels[CLAIM_LABEL] = f"refill-{view.uid}"
        plan = plan_reserve(census, views, (), AllocatorSettings(FLEET), now_ms=NOW)
        busy = {server_of(at) for at in in_use}
        assert not busy & set(plan.give_up)
        aside = {server_of(RoomId(at)) for at in census.suspect}
        assert self.retired - busy - aside <= set(plan.give_up)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(after=st.integers(1, 4), steps=STEPS)
def test_no_order_of_steps_takes_a_server_in_use_or_gives_a_retired_one_a_match(
    valkey_url: str, after: int, steps: list[tuple[str, int]]
):
    async def walk() -> None:
        store = await Store.connect(valkey_url)
        recycled = Recycled(store, after)
        await recycled.begin()
        for what, n in steps:
            await recycled.step(what, n)
            await recycled.check()
        await store.aclose()

    asyncio.run(walk())


async def test_the_last_match_of_a_server_is_its_last_although_another_waits(store: Store):
    recycled = Recycled(store, after=1)
    await recycled.begin()
    for _ in range(4):
        await recycled.step("claim", 0)
    waits = order("waits")
    assert await recycled.pool.claim(waits, now_ms=NOW) is None
    await recycled.step("release", 0)

    assert await recycled.pool.claim(waits, now_ms=NOW + 99) is None
    assert await recycled.pool.store.call("ZCARD", recycled.pool.key("waiting")) == 1


async def test_without_the_setting_no_server_is_ever_retired(store: Store):
    recycled = Recycled(store, after=0)
    recycled.after = 10**6
    await recycled.begin()
    for _ in range(20):
        await recycled.step("claim", 0)
        await recycled.step("release", 0)

    assert (await recycled.pool.census()).retiring == frozenset()
