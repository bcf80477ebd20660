"""Fleets of pods on a real API server with the real Agones, through everything that goes wrong.

Nobody plays here; what happens to players meanwhile is in test_evenings.py.
"""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from allocator.sessions import Sessions
from core.game_server import State
from core.placement import Placement
from core.redis import Store
from tests.cluster.plane.api import GAME_SERVERS
from tests.cluster.plane.plane import Plane
from tests.cluster.seen import until
from tests.cluster.world import ARENA, CLOCK, SPEC, World


@pytest.fixture
async def world(plane: Plane, store: Store, tmp_path: Path) -> AsyncIterator[World]:
    async with World.beside(plane, store, tmp_path) as beside:
        yield beside


async def test_a_fleet_is_made_and_its_reserve_is_claimed(world: World):
    async with world.running():
        await world.full()
        await until(world.agrees)
        claims = [view.labels.get("readyup/claim") for view in (await world.mirror()).values()]
        taken = [claim for claim in claims if claim]
        states = await world.states()

        assert await world.replicas() == 6
        assert len(taken) == len(set(taken)) == 4
        assert states["Allocated"] == 4
        assert {view.address for view in (await world.mirror()).values()} <= {
            node.address for node in world.plane.nodes
        }
    assert len(await world.there()) == 6, "the servers outlive the role"


async def test_a_server_that_speaks_only_an_agones_sdk_carries_its_match(world: World):
    async with world.running():
        await world.full()
        taken = [one for one in (await world.mirror()).values() if "readyup/claim" in one.labels]
        for uid in (taken[0].uid, "no-such-server"):
            order = msgspec.json.encode({"uid": uid, "letter": '{"match": "duel.m"}'}).decode()
            await world.store.call("XADD", f"{{f:{ARENA}}}:orders", "*", "k", "tell", "d", order)

        async def carried() -> bool:
            view = (await world.mirror())[taken[0].name]
            return view.annotations.get("readyup/match") == '{"match": "duel.m"}'

        await until(carried)
        there = [one["metadata"].get("annotations", {}) for one in await world.there()]

    assert sum("readyup/match" in one for one in there) == 1


async def test_claims_and_reuse_write_nothing_to_kubernetes(world: World):
    # Nothing is Ready, so what a running match takes from the reserve is not refilled meanwhile.
    fixed = replace(SPEC, buffer=0, replicas=4)
    async with world.running(fixed):
        await world.full()
        await asyncio.sleep(1.0)
        before = world.meddler.writes()
        for _ in range(50):
            placement = await world.claim()
            assert placement is not None
            await world.end(placement)

        assert await world.free() == 4
        assert world.meddler.writes() == before


async def test_demand_makes_the_fleet_grow_and_its_end_makes_it_small_again(world: World):
    async with world.running():
        await world.full()
        began_s = CLOCK.elapsed_s()
        placements = [await world.claim() for _ in range(12)]
        await until(lambda: _is(world.replicas, 18))
        grown_s = CLOCK.elapsed_s() - began_s
        await until(lambda: _is(world.free, 4))
        held = [one for one in await _held(world) if one is not None]
        assert len(held) == 12
        for placement in held:
            await world.end(placement)
        await until(lambda: _is(world.replicas, 6))
        await until(world.agrees)

        assert grown_s < 5.0, "a second, on a machine that does nothing else"
        assert sum(one is None for one in placements) == 8, "the others waited in line"
    assert set(await world.deleted()) == {"scale"}


async def _is(read: Callable[[], Awaitable[int]], wanted: int) -> bool:
    return await read() == wanted


async def _held(world: World) -> list[Placement | None]:
    sessions = Sessions(world.pool)
    found = []
    for match in await sessions.live():
        session = await sessions.get(match)
        found.append(session.placement() if session and session.room else None)
    return found


async def test_players_are_served_while_the_api_server_is_away(world: World):
    async with world.running():
        await world.full()
        away = asyncio.create_task(world.plane.away("kube-apiserver", 8.0))
        await asyncio.sleep(1.0)
        first = [await world.claim() for _ in range(4)]
        for placement in first:
            assert placement is not None
            await world.end(placement)
        again = [await world.claim() for _ in range(4)]
        waiting = await world.claim()
        await away

        assert None not in again
        assert waiting is None
        await until(lambda: _nobody_waits(world))
        await world.full()
        await until(world.agrees)
        assert len({one.server for one in await _held(world) if one}) == 5


async def _nobody_waits(world: World) -> bool:
    return (await world.pool.census()).waiting == 0


async def test_refusals_in_between_cost_time_and_nothing_else(world: World):
    async with world.running():
        await world.full()
        world.meddler.faults.extend([409, 429, 500, 503, 504, 409, 500] * 3)
        claimed = [await world.claim() for _ in range(4)]
        await until(lambda: _is(world.free, 4))
        await until(world.agrees)
        claims = Counter(
            view.labels["readyup/claim"]
            for view in (await world.mirror()).values()
            if "readyup/claim" in view.labels
        )

        assert None not in claimed
        assert not world.meddler.faults
        assert set(claims.values()) == {1}
        assert sum(claims.values()) == 8


async def test_another_process_goes_on_where_the_first_one_ended(world: World):
    async with world.running(holder="first"):
        await world.full()
        placement = await world.claim()
    async with world.running(holder="second"):
        await world.full()
        await until(world.agrees)
        states = await world.states()

    assert placement is not None
    assert states["Allocated"] == 5
    assert await world.deleted() == Counter()


async def test_a_server_that_ends_under_a_match_is_noticed_and_replaced(world: World):
    async with world.running():
        await world.full()
        placement = await world.claim()
        assert placement is not None
        shown = await world.mirror()
        name = next(view.name for view in shown.values() if view.uid == placement.server)
        await world.api.delete(f"{GAME_SERVERS.format('default')}/{name}")
        await until(lambda: _gone(world, name))
        await world.full()
        await until(world.agrees)

    assert (await world.deleted())["exited"] == 1


async def _gone(world: World, name: str) -> bool:
    return name not in await world.mirror()


async def test_a_server_given_up_though_it_is_wanted_is_replaced(world: World):
    async with world.running():
        await world.full()
        view = next(v for v in (await world.mirror()).values() if "readyup/claim" in v.labels)
        order = msgspec.json.encode({"uid": view.uid}).decode()
        await world.store.call("XADD", world.key("orders"), "*", "k", "give_up", "d", order)
        await until(lambda: _gone(world, view.name))
        await world.full()
        await until(world.agrees)

        assert await world.replicas() == 6
    assert set(await world.deleted()) == {"scale"}


async def test_claims_go_by_counters_and_lists_too(world: World):
    assert SPEC.pod is not None
    pod = replace(
        SPEC.pod,
        extra_server={
            "counters": {"load": {"count": 3, "capacity": 10}},
            "lists": {"maps": {"capacity": 4, "values": ["forest"]}},
        },
        extra_selector={
            "counters": {"load": {"minAvailable": 2}},
            "lists": {"maps": {"containsValue": "forest"}},
        },
        extra_allocation={
            "priorities": [{"type": "Counter", "key": "load", "order": "Descending"}],
            "counters": {"load": {"action": "Increment", "amount": 1}},
            "lists": {"maps": {"addValues": ["desert"]}},
        },
    )
    async with world.running(replace(SPEC, pod=pod)):
        await world.full()
        there = [one["status"] for one in await world.there()]

    taken = [one for one in there if one["state"] == "Allocated"]
    assert [one["counters"]["load"]["count"] for one in taken] == [4] * 4
    assert [sorted(one["lists"]["maps"]["values"]) for one in taken] == [["desert", "forest"]] * 4
    free = [one for one in there if one["state"] == "Ready"]
    assert {one["counters"]["load"]["count"] for one in free} <= {3}


async def test_states_are_agones_own(world: World):
    async with world.running():
        await until(world.agrees)
        await world.full()

        assert {view.state for view in (await world.mirror()).values()} <= set(State)


async def test_serve_keeps_a_fleet_from_a_kubeconfig(world: World, valkey_url: str, tmp_path: Path):
    config = tmp_path / "readyup.toml"
    config.write_text(f"""
        [queues.duel]
        teams = ["red", "blue"]
        team_size = 1
        fleet = "{ARENA}"
        [fleets.{ARENA}]
        buffer = 3
        [fleets.{ARENA}.pod]
        image = "game:1"
        arch = ""
        node_labels = {{}}
        tolerations = []
        [kubernetes]
        kubeconfig = "{world.plane.kubeconfig}"
    """)
    serving = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "readyup", "serve", "--role", "fleets", "--config", str(config)),
        env={**os.environ, "READYUP_STORE_URL": valkey_url},
    )
    try:
        await until(lambda: _shows_ready(world, 3))
    finally:
        serving.terminate()
        ended = await serving.wait()

    assert ended == 0
    assert (await world.states())["Ready"] == 3


async def _shows_ready(world: World, count: int) -> bool:
    states = [view.state for view in (await world.mirror()).values()]
    return states == [State.READY] * count
