"""The role for fleets of pods, whole, against a real store and an API server of this process."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable
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
from core.game_server import PINNED_LABEL, ServerView, State
from core.ids import FleetName
from core.lua import as_json
from core.redis import Store
from fleets.agones.backend import allocation
from fleets.agones.kube import Kube
from fleets.agones.manifests import apply
from fleets.agones.metrics import AgonesMetrics
from fleets.agones.service import AgonesFleets
from fleets.agones.settings import KubernetesSettings
from fleets.agones.view import VERSION_LABEL
from fleets.metrics import FleetMetrics
from fleets.pod import PodSpec
from fleets.spec import FleetSpec, PortRange
from readyup.wiring.mirrored_servers import MirroredServers
from tests.allocator.worlds import FakeMatches, order as claim_order
from tests.fleets.agones.api_server import FLEETS, SERVERS, FakeApi, game_server, kube_of

ARENA = FleetName("arena")


def arena(**changes: Any) -> FleetSpec:  # noqa: ANN401 - fields of a spec
    spec: dict[str, Any] = {
        "name": ARENA,
        "command": (),
        "ports": PortRange(7000, 8000),
        "reserve": 2,
        "buffer": 1,
        "size_max": 20,
        "scale_down_after_s": 0.2,
        "pod": PodSpec("game:1", priority_class=""),
    }
    return FleetSpec(**{**spec, **changes})


class World:
    """A cluster whose controller keeps each fleet's size, and a store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.api = FakeApi()
        self.metrics = AgonesMetrics(CollectorRegistry(), FleetMetrics(CollectorRegistry()))
        self.made = 0

    async def control(self) -> None:
        """As Agones' controller does: only what is not Allocated is deleted for the size."""
        while True:
            await asyncio.sleep(0.05)  # Agones thinks in several steps, each in its own time
            fleet = self.api.objects.get(FLEETS, {}).get(ARENA)
            if fleet is None:
                continue
            there = self.api.objects.setdefault(SERVERS, {})
            missing = int(fleet["spec"].get("replicas", 0)) - len(there)
            for _ in range(missing):
                self.made += 1
                self.api.put(SERVERS, game_server(f"arena-{self.made}"))
            idle = [name for name, one in there.items() if one["status"]["state"] == "Ready"]
            for name in idle[: max(0, -missing)]:
                self.api.delete(SERVERS, name)

    def replicas(self) -> int:
        fleet = self.api.objects.get(FLEETS, {}).get(ARENA, {"spec": {}})
        return int(fleet["spec"].get("replicas", -1))

    def claims(self) -> dict[str, str]:
        """Server to the claim that it carries."""
        return {
            name: one["metadata"]["labels"]["readyup/claim"]
            for name, one in self.api.objects.get(SERVERS, {}).items()
            if "readyup/claim" in one["metadata"]["labels"]
        }

    async def mirror(self) -> dict[str, ServerView]:
        shown = await self.store.call("HVALS", "{f:arena}:backend")
        views = [_view(text) for text in shown if text.startswith("{")]
        return {view.name: view for view in views}

    async def deleted(self) -> dict[str, str]:
        entries = await self.store.call("XRANGE", "{f:arena}:log", "-", "+")
        events = [(f["k"], msgspec.json.decode(f["d"])) for _, f in entries]
        return {one["name"]: one["reason"] for k, one in events if k == "server.deleted"}

    async def order(self, kind: str, **fields: str) -> None:
        said = ("XADD", "{f:arena}:orders", "*", "k", kind, "d", as_json(fields))
        await self.store.call(*said)


_view = msgspec.json.Decoder(ServerView).decode


@pytest.fixture
async def world(store: Store, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    world = World(store)
    async with kube_of(world.api) as kube, asyncio.TaskGroup() as group:
        kube._metrics = world.metrics

        @contextlib.asynccontextmanager
        async def opened(settings: KubernetesSettings, metrics: AgonesMetrics) -> Any:  # noqa: ANN401
            yield kube

        monkeypatch.setattr(Kube, "open", opened)
        controlling = group.create_task(world.control())
        yield world
        controlling.cancel()


@contextlib.asynccontextmanager
async def role(
    world: World, spec: FleetSpec, *, holder: str = "one", seed: int = 1
) -> AsyncIterator[AgonesFleets]:
    fleets = AgonesFleets(
        [spec],
        world.store,
        KubernetesSettings(),
        holder=holder,
        clock=SystemClock(),
        chance=random.Random(seed),
        metrics=world.metrics,
    )
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(fleets.run(stop))
        try:
            yield fleets
        finally:
            stop.set()
            if asyncio.current_task().cancelling():  # type: ignore[union-attr]  # there is one
                running.cancel()


async def until(seen: Callable[[], Awaitable[object] | object]) -> None:
    async with asyncio.timeout(10):
        while True:
            found = seen()
            if await found if isinstance(found, Awaitable) else found:
                return
            await asyncio.sleep(0.01)


def reserve_of(world: World, *, rooms: int = 2) -> Reserve:
    settings = AllocatorSettings(ARENA, reserve_rooms=rooms, surplus_patience_ms=100)
    pool = Pool(world.store, ARENA)
    metrics = AllocatorMetrics(CollectorRegistry())
    handover = Handover(Sessions(pool), FakeMatches(), settings, metrics)
    return Reserve(pool, MirroredServers(world.store, ARENA), handover, settings, metrics)


@contextlib.asynccontextmanager
async def refilled(world: World, *, rooms: int = 2) -> AsyncIterator[Pool]:
    """An allocator that keeps the reserve."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        reserve = reserve_of(world, rooms=rooms)
        group.create_task(reserve.run(SystemClock(), stop))
        try:
            yield Pool(world.store, ARENA)
        finally:
            stop.set()


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


async def test_a_lost_answer_costs_a_look_and_no_server(world: World):
    async with role(world, arena(reserve=0, buffer=4, size_min=4)):
        await until(lambda: len(world.api.objects.get(SERVERS, {})) == 4)
        world.api.lose_answers = 1
        await world.order("take", uid="any", claim="refill-x")
        await until(lambda: len(world.claims()) == 1)
        await until(lambda: _seen(world))
        await world.order("take", uid="any", claim="refill-x")
        await world.order("take", uid="any", claim="refill-y")
        await until(lambda: len(world.claims()) == 2)

    assert sorted(world.claims().values()) == ["refill-x", "refill-y"]


async def test_orders_wait_for_an_api_server_that_refuses_and_none_is_lost(world: World):
    async with role(world, arena(reserve=0, buffer=3, size_min=3)):
        await until(lambda: len(world.api.objects.get(SERVERS, {})) == 3)
        world.api.request_faults.extend([500, 429, 503, 409, 500])
        for n in range(3):
            await world.order("take", uid="any", claim=f"refill-{n}")
        await until(lambda: len(world.claims()) == 3)

    assert sorted(world.claims().values()) == ["refill-0", "refill-1", "refill-2"]


async def _seen(world: World) -> bool:
    return not await world.store.call("XLEN", "{f:arena}:orders") or bool(
        await world.store.call("GET", "{f:arena}:orders-seen")
    )


async def test_a_server_in_use_or_of_another_life_is_never_deleted(world: World):
    async with role(world, arena(reserve=0, buffer=2, size_min=2)):
        await until(lambda: len(world.api.objects.get(SERVERS, {})) == 2)
        await until(lambda: _shows(world, 2))
        used = next(iter(await world.mirror()))
        await world.store.call("SADD", "{f:arena}:rooms", f"uid-{used}/0")
        room = f"{{f:arena}}:room:uid-{used}/0"
        await world.store.call("HSET", room, "server", f"uid-{used}", "state", "held")
        await world.order("give_up", uid=f"uid-{used}")
        await world.order("give_up", uid="uid-of-nobody")
        await until(lambda: _noted(world))

    assert used in world.api.objects[SERVERS]
    assert world.api.asked["DELETE gameservers"] == 0


async def _noted(world: World) -> bool:
    return not await world.store.call("XRANGE", "{f:arena}:orders", "(" + await _last(world), "+")


async def _last(world: World) -> str:
    return await world.store.call("GET", "{f:arena}:orders-seen") or "0-0"


async def _shows(world: World, count: int) -> bool:
    return len(await world.mirror()) == count


async def test_two_processes_share_the_work_and_only_one_acts(world: World):
    spec = arena(reserve=0, buffer=2)
    async with role(world, spec, holder="two", seed=2):
        await until(lambda: _shows(world, 2))
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
        await until(lambda: _shows(world, 2))
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
        await until(lambda: _shows(world, 3))
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


def test_agones_is_asked_for_the_version_then_for_proven_cores_then_for_any():
    spec = arena(version="2")
    _, *selectors = allocation(spec, "refill-1")["spec"]["selectors"]

    version, proven = {VERSION_LABEL: "2"}, {PINNED_LABEL: "true"}
    assert [one["matchLabels"] for one in selectors] == [
        {"agones.dev/fleet": "arena", **more}
        for more in ({**version, **proven}, version, proven, {})
    ]


async def test_a_server_is_told_its_match_by_one_patch_in_this_life_of_it(world: World):
    async with role(world, arena(buffer=2)):
        await until(lambda: len(world.api.objects.get(SERVERS, {})) == 4)
        await until(lambda: _seen_all(world, 4))
        one, *_ = (await world.mirror()).values()
        before = world.api.writes()
        await world.order("tell", uid="gone", letter="{}")
        await world.order("tell", uid=one.uid, letter="{}")

        async def told() -> bool:
            return (await world.mirror())[one.name].annotations.get("readyup/match") == "{}"

        await until(told)
        await world.order("tell", uid=one.uid, letter="{}")
        await world.order("take", uid="any", claim="refill-x")
        await until(lambda: len(world.claims()) == 1)

    assert world.api.writes() - before == 2, "one patch, one allocation"


async def _seen_all(world: World, count: int) -> bool:
    return len(await world.mirror()) == count


async def test_with_an_address_for_webhooks_the_role_has_the_cluster_ask_them(
    world: World, tmp_path: Path
):
    authority = tmp_path / "ca.crt"
    authority.write_text("-----BEGIN CERTIFICATE-----\n")
    hooks = {"webhook_at": "ready/up:8443", "webhook_ca": str(authority)}
    async with kube_of(world.api, **hooks) as kube:
        await apply(kube, arena(buffer=2))
    made = {kind.rpartition("/")[2]: list(there) for kind, there in world.api.objects.items()}

    assert made["fleetautoscalers"] == ["arena"]
    (hook,) = _named(world, "readyup-pods")["webhooks"]
    where = hook["clientConfig"]
    assert where["service"] == {
        "name": "up", "namespace": "ready", "path": "/v1/webhooks/pods", "port": 8443
    }  # fmt: skip
    assert where["caBundle"]


async def test_a_fleet_that_is_somebody_elses_to_make_is_sized_all_the_same(world: World):
    """With the right to scale alone, as where a chart holds the Fleets."""
    async with kube_of(world.api) as kube:
        made = await apply(kube, arena(buffer=2))
        world.api.request_faults.append(403)
        found = await apply(kube, arena(buffer=3))

    assert found == made


def _named(world: World, name: str) -> Any:  # noqa: ANN401
    """The object of that name, whatever its kind."""
    return next(
        one for there in world.api.objects.values() for n, one in there.items() if n == name
    )
