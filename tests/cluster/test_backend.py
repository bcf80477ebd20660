"""Fleets of pods on a real API server with the real Agones, through everything that goes wrong.

The servers are simulated, so nobody plays; matches are claimed from the pool and ended in
it as their sessions would be.
"""

import asyncio
import contextlib
import os
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from allocator.handover import Handover
from allocator.metrics import AllocatorMetrics
from allocator.pool import Pool
from allocator.reserve import Reserve
from allocator.sessions import Sessions
from allocator.settings import AllocatorSettings
from core.clock import SystemClock
from core.game_server import ServerView, State
from core.ids import FleetName
from core.placement import Placement
from core.redis import Store
from fleets.agones.metrics import AgonesMetrics
from fleets.agones.service import AgonesFleets
from fleets.agones.settings import KubernetesSettings
from fleets.metrics import FleetMetrics
from fleets.pod import PodSpec
from fleets.spec import FleetSpec, PortRange
from readyup.wiring.mirrored_servers import MirroredServers
from tests.allocator.worlds import FakeMatches, order
from tests.cluster.gameservers import delete_fleet, servers
from tests.cluster.meddler import Meddler, meddling
from tests.cluster.plane.api import FLEETS, GAME_SERVERS, Api
from tests.cluster.plane.plane import Plane

ARENA = FleetName("arena-g")
CLOCK = SystemClock()
SPEC = FleetSpec(
    ARENA,
    (),
    PortRange(7000, 8000),
    reserve=4,
    buffer=2,
    size_max=60,
    scale_down_after_s=1.0,
    pod=PodSpec("game:1", node_labels={}, tolerations=(), arch=""),
)


class World:
    """The role for pods and an allocator for its fleet, beside a cluster."""

    def __init__(self, plane: Plane, api: Api, store: Store, meddler: Meddler) -> None:
        self.plane = plane
        self.api = api
        self.store = store
        self.meddler = meddler
        self.pool = Pool(store, ARENA)
        self.metrics = AgonesMetrics(CollectorRegistry(), FleetMetrics(CollectorRegistry()))
        self.matches = 0

    @contextlib.asynccontextmanager
    async def running(self, spec: FleetSpec = SPEC, *, holder: str = "one") -> AsyncIterator[None]:
        fleets = AgonesFleets(
            [spec],
            self.store,
            KubernetesSettings(kubeconfig=str(self.meddler.kubeconfig), request_timeout_s=5.0),
            holder=holder,
            clock=CLOCK,
            chance=random.Random(holder),
            metrics=self.metrics,
        )
        settings = AllocatorSettings(
            ARENA, reserve_rooms=spec.reserve, surplus_patience_ms=1_000, take_patience_ms=3_000
        )
        metrics = AllocatorMetrics(CollectorRegistry())
        handover = Handover(Sessions(self.pool), FakeMatches(), settings, metrics)
        mirrored = MirroredServers(self.store, ARENA)
        reserve = Reserve(self.pool, mirrored, handover, settings, metrics)
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(fleets.run(stop))
            group.create_task(reserve.run(CLOCK, stop))
            try:
                yield
            finally:
                stop.set()

    async def claim(self) -> Placement | None:
        self.matches += 1
        now_ms = CLOCK.wall_ms()
        asked = order(f"m{self.matches}", deadline_ms=now_ms + 60_000)
        return await self.pool.claim(asked, now_ms=now_ms)

    async def end(self, placement: Placement) -> None:
        """As a server that ended its match cleanly and is there for the next."""
        sessions, now_ms = Sessions(self.pool), CLOCK.wall_ms()
        match, server, epoch = placement.match, placement.server, placement.epoch
        await sessions.ack(match, placement.room, server, epoch, now_ms=now_ms)
        await sessions.joined(match, server, epoch, now_ms=now_ms)
        await sessions.release(
            match, placement.room, server, epoch, reason="finished", now_ms=now_ms
        )

    async def free(self) -> int:
        return len((await self.pool.census()).free)

    async def mirror(self) -> dict[str, ServerView]:
        shown = await self.store.call("HVALS", f"{{f:{ARENA}}}:backend")
        views = [msgspec.json.decode(text, type=ServerView) for text in shown]
        return {view.name: view for view in views}

    async def states(self) -> Counter[str]:
        return Counter(one["status"]["state"] for one in await self.there())

    async def there(self) -> list[dict[str, Any]]:
        return [one for one in await servers(self.api, ARENA) if "status" in one]

    async def replicas(self) -> int:
        fleet = await self.api.get(f"{FLEETS.format('default')}/{ARENA}")
        return int(fleet["spec"].get("replicas", 0))

    async def deleted(self) -> Counter[str]:
        entries = await self.store.call("XRANGE", f"{{f:{ARENA}}}:log", "-", "+")
        events = [msgspec.json.decode(f["d"]) for _, f in entries if f["k"] == "server.deleted"]
        return Counter(event["reason"] for event in events)

    async def full(self, rooms: int = SPEC.reserve) -> None:
        try:
            await until(lambda: self._has_free(rooms))
        except TimeoutError:
            shown = Counter(str(view.state) for view in (await self.mirror()).values())
            free, there = await self.free(), await self.states()
            pytest.fail(f"{free} free; the mirror has {shown}, the API server {there}")

    async def _has_free(self, rooms: int) -> bool:
        return await self.free() == rooms

    async def agrees(self) -> bool:
        """Whether the mirror shows what the API server has."""
        there = {(one["metadata"]["name"], one["status"]["state"]) for one in await self.there()}
        shown = await self.mirror()
        return there == {(view.name, str(view.state)) for view in shown.values()}


async def until(seen: Callable[[], Awaitable[object]], *, timeout_s: float = 90.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not await seen():
            await asyncio.sleep(0.05)


@pytest.fixture
async def world(plane: Plane, store: Store, tmp_path: Path) -> AsyncIterator[World]:
    async with (
        plane.api() as api,
        meddling(plane, tmp_path) as meddler,
        asyncio.TaskGroup() as group,
    ):
        restarting = group.create_task(restart_what_ends(plane))
        yield World(plane, api, store, meddler)
        await delete_fleet(api, ARENA)
        restarting.cancel()


async def restart_what_ends(plane: Plane) -> None:
    """As the kubelet of Agones' own pods: 1.60's controller panics at a Fleet that was deleted
    while the API server was away.
    """
    while True:
        for name in ("agones-controller", "agones-extensions"):
            if plane.program(name).pid is None:
                plane.restart(name)
        await asyncio.sleep(0.5)


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
        away = asyncio.create_task(world.plane.away("kube-apiserver", 30.0))
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


async def test_agones_controller_may_be_restarted(world: World):
    async with world.running():
        await world.full()
        world.plane.kill("agones-controller")  # and started again, as any pod is
        claimed = [await world.claim() for _ in range(4)]
        await world.full()
        await until(world.agrees)

        assert None not in claimed


async def test_an_api_server_that_forgot_our_version_is_listed_anew(world: World):
    async with world.running():
        await world.full()
        before = len(await world.there())
        world.plane.kill("kube-apiserver")
        await asyncio.sleep(0.5)
        world.plane.restart("kube-apiserver")
        await world.plane.ready()
        for one in (await world.there())[:1]:
            await world.api.delete(f"{GAME_SERVERS.format('default')}/{one['metadata']['name']}")
        await until(lambda: _is_count(world, before))
        await until(world.agrees)
        await world.full()


async def _is_count(world: World, wanted: int) -> bool:
    states = await world.states()
    return states["Ready"] + states["Allocated"] == wanted


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
