"""The role for fleets of pods, whole, against a real store and an API server of this process."""

import copy

import msgspec

from allocator.drain import Drain
from core.clock import SystemClock
from core.game_server import State
from tests.allocator.worlds import order as claim_order
from tests.fleets.agones.api_server import FLEETS, SERVERS, game_server
from tests.fleets.agones.worlds import World, arena, refilled, role, until


async def test_a_fleet_is_made_sized_shown_and_claimed_from(world: World):
    async with role(world, arena()) as fleets, refilled(world) as pool:

        async def full() -> bool:
            return len((await pool.census()).free) == 2

        await until(full)
        shown = await world.mirror()
        plan = await world.store.call("HMGET", "{f:arena}:plan", "replicas", "in_use", "why")

        assert world.replicas() == 3
        assert sorted(world.claims().values()) == sorted({*world.claims().values()})
        states = sorted(view.state for view in shown.values())
        assert states == [State.ALLOCATED, State.ALLOCATED, State.READY]
        assert plan[:2] == ["3", "0"]
        assert msgspec.json.decode(plan[2])["reserve"] == 2
        assert fleets.condition().ready
    assert len(world.api.objects[SERVERS]) == 3, "the servers outlive the role"


async def test_a_claim_of_a_match_costs_no_write_and_demand_makes_the_fleet_grow(world: World):
    async with role(world, arena()), refilled(world) as pool:
        await until(lambda: len(world.claims()) == 2)

        async def full() -> bool:
            return len((await pool.census()).free) == 2

        await until(full)
        before = world.api.writes()
        now_ms = SystemClock().wall_ms()
        order = claim_order("m", deadline_ms=now_ms + 60_000)
        assert await pool.claim(order, now_ms=now_ms) is not None
        assert world.api.writes() == before
        await until(lambda: world.replicas() == 4)
        await until(lambda: len(world.claims()) == 3)


async def test_a_reserve_that_is_too_full_gives_servers_back_and_the_fleet_shrinks(world: World):
    async with role(world, arena(reserve=1)):
        async with refilled(world, rooms=3):
            # Settled: three in the reserve and the buffer's one beside them.
            await until(lambda: len(world.claims()) == 3 and world.made == 4)
        made = world.made
        async with refilled(world, rooms=1):
            await until(lambda: len(world.claims()) == 1 and world.replicas() == 2)
        deleted = await world.deleted()

    assert set(deleted.values()) == {"scale"}
    assert world.made - made <= 1, "nothing was started only to be ended"


async def test_two_processes_share_the_work_and_only_one_acts(world: World):
    spec = arena(reserve=0, buffer=2)
    async with role(world, spec, holder="two", seed=2):
        await until(lambda: world.shows(2))
        async with role(world, spec, holder="three", seed=3) as other:
            await until(lambda: other.condition().ready)
            assert "another process leads" in other.condition().says
        before = (await world.store.call("HGET", "{f:arena}:keeper", "epoch"), world.made)
    async with role(world, spec, holder="four", seed=4):
        await until(lambda: world.store.call("HGET", "{f:arena}:keeper", "holder"))

        async def led() -> bool:
            return await world.store.call("HGET", "{f:arena}:keeper", "epoch") == "2"

        await until(led)

    assert before == ("1", 2)


async def test_what_happened_while_nobody_looked_is_put_right(world: World):
    spec = arena(reserve=0, buffer=2)
    async with role(world, spec):
        await until(lambda: world.shows(2))
    gone = min(await world.mirror())
    world.api.delete(SERVERS, gone)
    await world.store.call("HSET", "{f:arena}:backend", "odd", "not json")
    async with role(world, spec, holder="next"):

        async def right() -> bool:
            names = set(await world.store.call("HKEYS", "{f:arena}:backend"))
            return names == set(world.api.objects[SERVERS])

        await until(right)
        await until(world.deleted)

    assert await world.deleted() == {gone: "exited"}


async def test_why_a_server_went_is_told(world: World):
    async with role(world, arena(reserve=0, buffer=3)):
        await until(lambda: world.shows(3))
        sick, done, taken = sorted(world.api.objects[SERVERS])
        states = {sick: "Unhealthy", done: "Shutdown", taken: "Allocated"}
        for name, state in states.items():
            claim = {"readyup/claim": "c"} if state == "Shutdown" else {}
            world.api.put(SERVERS, game_server(name, state=state, **claim))
        for name in states:
            world.api.delete(SERVERS, name)

        async def told() -> bool:
            return len(await world.deleted()) == 3

        await until(told)

    assert await world.deleted() == {sick: "unhealthy", done: "shutdown", taken: "exited"}


async def test_a_fleet_that_is_refused_is_told_in_the_plan_and_tried_again(world: World):
    world.api.request_faults.extend([0, 0])  # the two lists
    async with role(world, arena()):
        await until(lambda: world.replicas() == 3)
        world.api.request_faults.extend([422] * 2)
        world.api.delete(FLEETS, "arena")

        async def told() -> bool:
            why = msgspec.json.decode(await world.store.call("HGET", "{f:arena}:plan", "why"))
            return "correct the fleet" in why["last_failure"]

        await until(told)
        await until(lambda: world.replicas() == 3)


async def test_a_node_is_drained_and_the_server_in_use_there_goes_last(world: World):
    async with role(world, arena()), refilled(world) as pool:

        async def full(free: int = 2) -> bool:
            census = await pool.census()
            return len(census.free) == free and not census.retiring

        await until(full)
        now_ms = SystemClock().wall_ms()
        held = await pool.claim(claim_order("m", deadline_ms=now_ms + 60_000), now_ms=now_ms)
        assert held is not None
        await until(full)
        old = sorted(world.api.objects[SERVERS])
        for name in old:
            there = copy.deepcopy(world.api.objects[SERVERS][name])
            there["status"]["nodeName"] = "node-old"
            world.api.put(SERVERS, there)
        body = msgspec.json.encode(Drain("node-old", now_ms)).decode()
        await world.store.call("HSET", pool.key("drains"), "node-old", body)

        async def only_the_one_in_use() -> bool:
            left = set(old) & set(world.api.objects[SERVERS])
            return {f"uid-{name}" for name in left} == {held.server}

        await until(only_the_one_in_use)
        assert await pool.withdraw(held.match, reason="closed", now_ms=now_ms)
        await until(lambda: not set(old) & set(world.api.objects[SERVERS]))
        await until(full)
