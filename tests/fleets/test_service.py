"""The whole role against a real store: size, mirror, orders, deaths, and the end."""

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from allocator.pool import Pool
from core.clock import SystemClock
from core.errors import Conflict, StoreUnreachable
from core.game_server import ServerView, State
from core.ids import FleetName, MatchId, QueueName, ServerUid
from core.lua import as_json
from core.placement import ClaimOrder
from core.redis import Store
from fleets.capacity.settings import CapacitySettings
from fleets.in_use import servers_in_use
from fleets.local.orphans import Registry
from fleets.local.recipe import LocalSettings
from fleets.mirror import RedisMirror
from fleets.ports import Reason
from fleets.service import LocalFleets
from fleets.spec import FleetSpec
from tests.fleets.fakes import MemoryStates, game

ARENA, DUEL = FleetName("arena"), QueueName("duel")
SETTLE_S = 10.0


async def mirror(store: Store) -> list[ServerView]:
    return [
        msgspec.json.decode(text, type=ServerView)
        for text in await store.call("HVALS", "{f:arena}:backend")
    ]


async def deleted(store: Store) -> list[dict[str, object]]:
    entries = await store.call("XRANGE", "{f:arena}:log", "-", "+")
    assert all(fields["k"] == "server.deleted" for _, fields in entries)
    return [msgspec.json.decode(fields["d"]) for _, fields in entries]


async def until(seen: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(SETTLE_S):
        while not await seen():
            await asyncio.sleep(0.01)


async def until_state(store: Store, state: State, count: int) -> list[ServerView]:
    found: list[ServerView] = []

    async def seen() -> bool:
        found[:] = [one for one in await mirror(store) if one.state is state]
        return len(found) == count

    await until(seen)
    return found


async def order(store: Store, kind: str, **fields: str) -> None:
    await store.call("XADD", "{f:arena}:orders", "*", "k", kind, "d", as_json(fields))


async def hold_a_room(store: Store, server: ServerUid, state: str = "held") -> None:
    room = f"{server}/0"
    await store.call("SADD", "{f:arena}:rooms", room)
    await store.call("HSET", f"{{f:arena}}:room:{room}", "server", server, "state", state)


@contextlib.asynccontextmanager
async def role(
    spec: FleetSpec, store: Store, tmp_path: Path, states: MemoryStates
) -> AsyncIterator[None]:
    fleets = LocalFleets(
        [spec],
        store,
        states,
        LocalSettings(tmp_path, "ws://127.0.0.1:1/x"),
        clock=SystemClock(),
        chance=random.Random(7),
    )
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(fleets.run(stop), name="fleets")
        await until(lambda: store.call("HGET", "{f:arena}:plan", "t"))
        yield
        stop.set()


def ready_at_once() -> MemoryStates:
    states = MemoryStates()
    states.ready_at_once = True
    return states


async def test_a_fleet_comes_up_heals_and_goes(store: Store, tmp_path: Path):
    async with role(game(replicas=6), store, tmp_path, ready_at_once()):
        servers = await until_state(store, State.READY, 6)
        pids = {one.pid for one in servers}
        os.kill(servers[0].pid, signal.SIGKILL)
        await until(lambda: deleted(store))
        healed = await until_state(store, State.READY, 6)
        pids |= {one.pid for one in healed}

        async def told() -> bool:
            why = await store.call("HGET", "{f:arena}:plan", "why")
            return "6 wanted (replicas); 6 there" in why

        await until(told)
        plan = await store.call("HMGET", "{f:arena}:plan", "replicas", "in_use")

    assert [event["reason"] for event in (await deleted(store))[:1]] == ["exited"]
    assert servers[0].uid not in {one.uid for one in healed}
    assert plan == ["6", "0"]
    assert await mirror(store) == []
    assert [event["reason"] for event in (await deleted(store))[1:]] == ["stop"] * 6
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_an_unhealthy_server_is_replaced_and_one_that_shut_down_too(
    store: Store, tmp_path: Path
):
    states = ready_at_once()
    async with role(game(replicas=2), store, tmp_path, states):
        sick, done = await until_state(store, State.READY, 2)
        states.become(sick.uid, State.UNHEALTHY)
        states.become(done.uid, State.SHUTDOWN)

        async def replaced() -> bool:
            return len(await deleted(store)) == 2

        await until(replaced)
        await until_state(store, State.READY, 2)
        told = {event["server"]: event["reason"] for event in await deleted(store)}

    assert told == {sick.uid: "unhealthy", done.uid: "shutdown"}


async def test_the_allocator_takes_servers_and_gives_them_up_unless_in_use(
    store: Store, tmp_path: Path
):
    async with role(game(replicas=3), store, tmp_path, ready_at_once()):
        used, spare, _ = await until_state(store, State.READY, 3)
        await order(store, "take", uid="of-an-earlier-life", claim="refill-0")
        await order(store, "nonsense", uid=spare.uid)
        await order(store, "take", uid=used.uid, claim="refill-1")
        await order(store, "take", uid=spare.uid, claim="refill-2")
        taken = await until_state(store, State.ALLOCATED, 2)
        await hold_a_room(store, used.uid)
        await order(store, "give_up", uid=used.uid)
        await order(store, "give_up", uid=spare.uid)
        await until(lambda: deleted(store))
        assert [one.uid for one in await until_state(store, State.ALLOCATED, 1)] == [used.uid]
        await until_state(store, State.READY, 2)

    claims = {one.uid: one.labels["readyup/claim"] for one in taken}
    assert claims == {used.uid: "refill-1", spare.uid: "refill-2"}


async def test_a_fleet_by_demand_follows_what_is_in_use(store: Store, tmp_path: Path):
    spec = game(replicas=None, buffer=1, scale_down_after_s=0.0)
    async with role(spec, store, tmp_path, ready_at_once()):
        (only,) = await until_state(store, State.READY, 1)
        await order(store, "take", uid=only.uid, claim="refill-1")
        await hold_a_room(store, only.uid)
        await until_state(store, State.READY, 1)
        assert await servers_in_use(store, ARENA) == {only.uid}

        await hold_a_room(store, only.uid, "free")
        assert await servers_in_use(store, ARENA) == frozenset()


async def test_a_burst_has_its_first_server_begun_within_a_second_by_forecast(
    store: Store, tmp_path: Path
):
    spec = game(replicas=None, reserve=1, starting_max=40, capacity=CapacitySettings())
    pool, took_s = Pool(store, ARENA), []
    async with role(spec, store, tmp_path, MemoryStates()):
        for burst in range(3):  # the machine may have been busy elsewhere

            async def calm() -> bool:
                wanted = await store.call("HGET", "{f:arena}:plan", "replicas")
                return len(await mirror(store)) == int(wanted)

            await until(calm)
            known = {one.uid for one in await mirror(store)}
            asked_ms = SystemClock().wall_ms()
            for n in range(10):
                order = ClaimOrder(MatchId(f"duel.{burst}{n}"), DUEL, ("ann",), asked_ms + 60_000)
                await pool.claim(order, now_ms=asked_ms)

            async def begun(known: set[ServerUid] = known) -> bool:
                return any(one.uid not in known for one in await mirror(store))

            await until(begun)
            new = [one.created_ms for one in await mirror(store) if one.uid not in known]
            took_s.append((min(new) - asked_ms) / 1000)
            if took_s[-1] < 1.0:
                break
        why = await store.call("HGET", "{f:arena}:plan", "why")

    assert min(took_s) < 1.0
    assert "matches wait" in why


async def test_what_a_dead_predecessor_showed_is_removed_with_its_events(
    store: Store, tmp_path: Path
):
    old = ServerView("arena-old", ServerUid("0" * 32), ARENA, State.READY, "127.0.0.1", 7000)
    await store.call("HSET", "{f:arena}:backend", old.name, as_json(old))
    await store.call("HSET", "{f:arena}:backend", "arena-odd", "not json")
    async with role(game(replicas=1), store, tmp_path, ready_at_once()):
        await until_state(store, State.READY, 1)
        names = {one.name for one in await mirror(store)}
        (event,) = await deleted(store)

    assert not names & {"arena-old", "arena-odd"}
    assert (event["server"], event["name"], event["reason"]) == (old.uid, old.name, "stop")


async def test_a_second_role_in_the_same_folder_is_refused(store: Store, tmp_path: Path):
    async with role(game(replicas=0), store, tmp_path, MemoryStates()):
        await asyncio.sleep(0)
        with pytest.raises(Conflict):
            Registry(tmp_path / "servers")


async def test_a_command_that_cannot_start_is_told_in_the_plan(store: Store, tmp_path: Path):
    spec = game(command=("no-such-game",))
    async with role(spec, store, tmp_path, MemoryStates()):

        async def told() -> bool:
            why = await store.call("HGET", "{f:arena}:plan", "why")
            return "no-such-game" in (why or "")

        await until(told)
        assert await mirror(store) == []


async def test_a_removal_is_told_once_and_only_of_that_life(store: Store):
    shown = RedisMirror(store, SystemClock())
    view = ServerView("arena-a", ServerUid("1" * 32), ARENA, State.READY, "127.0.0.1", 7000)
    later = replace(view, uid=ServerUid("2" * 32))
    stop = asyncio.Event()
    stop.set()
    for news in (
        lambda: shown.put(view),
        lambda: shown.remove(view, Reason.EXITED),
        lambda: shown.remove(view, Reason.EXITED),
        lambda: shown.put(later),
        lambda: shown.remove(view, Reason.EXITED),
    ):
        news()
        await shown.run(stop)

    assert [one.uid for one in await mirror(store)] == [later.uid]
    assert [event["server"] for event in await deleted(store)] == [view.uid]


class Deaf:
    """A store that does not answer until it is told to."""

    reign = 0

    def __init__(self, store: Store) -> None:
        self.store = store
        self.deaf = True

    async def call(self, *command: str | float) -> object:
        return await self._through().call(*command)

    def _through(self) -> Store:
        if self.deaf:
            raise StoreUnreachable("gone")
        return self.store


async def test_what_changes_while_the_store_is_away_is_shown_when_it_is_back(store: Store):
    away = Deaf(store)
    shown = RedisMirror(away, SystemClock())  # type: ignore[arg-type]  # as much as is used
    view = ServerView("arena-a", ServerUid("1" * 32), ARENA, State.READY, "127.0.0.1", 7000)
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(shown.run(stop), name="mirror")
        shown.put(view)
        await asyncio.sleep(0)
        shown.put(replace(view, state=State.ALLOCATED))
        away.deaf = False
        await until_state(store, State.ALLOCATED, 1)
        stop.set()
