"""Slots move from one primary of a Cluster to another while tickets come."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import readyup.demo.stack
from core.ensemble import Ensemble, embedded_ensemble
from core.errors import StoreUnreachable
from core.eventlog import tail
from core.lua import LuaScript
from core.redis import Store
from readyup.demo.stack import Stack
from tests.failover.moving import move_key_by_key, move_whole, owner
from tests.failover.test_demo import play

TAG = "{q:duel}"
BOTH = """
local n = redis.call('INCR', KEYS[1] .. ':count')
redis.call('SET', KEYS[1] .. ':' .. n, n)
redis.call('XADD', KEYS[1] .. ':log', '*', 'k', 'counted', 'd', cjson.encode({ t = 0, n = n }))
return n
"""
COUNT = LuaScript("count", BOTH, "c" * 40, ("base",), ())


@pytest.fixture
async def cluster() -> AsyncIterator[Ensemble]:
    async with embedded_ensemble("cluster") as running:
        yield running


@contextlib.asynccontextmanager
async def counting(store: Store, counted: list[int], refused: list[str]) -> AsyncIterator[None]:
    """A script of several keys runs again and again, durably, by eight callers."""

    async def count() -> None:
        while True:
            try:
                counted.append(await store.durably.run(COUNT, [TAG], []))
            except StoreUnreachable as lost:
                refused.append(str(lost))
            await asyncio.sleep(0.002)

    tasks = [asyncio.ensure_future(count()) for _ in range(8)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


@pytest.mark.parametrize("how", ["key by key", "whole"])
async def test_a_script_sees_all_of_a_slot_or_waits(cluster: Ensemble, how: str):
    store = await Store.connect(cluster.url, durability="replica")
    counted: list[int] = []
    refused: list[str] = []
    read: list[int] = []
    stop = asyncio.Event()

    async def follow() -> None:
        async for event in tail(store, f"{TAG}:log", "0-0", stop):
            read.append(int(event["n"]))  # noqa: PERF401 - those before an end count too

    try:
        following = asyncio.ensure_future(follow())
        before, reign = await owner(cluster, TAG), store.reign
        async with counting(store, counted, refused):
            await asyncio.sleep(0.5)
            async with asyncio.timeout(20):
                if how == "whole":
                    await move_whole(cluster, TAG)
                else:
                    assert await move_key_by_key(cluster, TAG, pause_s=0.005) > 20
            at_move = len(counted)
            await asyncio.sleep(1.0)
        await asyncio.sleep(0.5)
        stop.set()
        await following

        assert await owner(cluster, TAG) != before
        assert len(counted) > at_move, "it goes on where the slot is now"
        assert len(set(counted)) == len(counted)
        assert set(counted) <= set(read), "nobody was told what is not there"
        assert read == sorted(read)
        assert int(await store.call("GET", f"{TAG}:count")) == read[-1]
        assert not refused
        assert store.reign == reign
    finally:
        await store.aclose()


async def moves(stack: Stack) -> None:
    assert stack.ensemble is not None
    queues = {f"{{q:{queue.group or queue.name}}}" for queue in stack.config.queues.values()}
    fleets = {f"{{f:{name}}}" for name in stack.config.fleet_names()}
    for tag in sorted(queues | fleets):
        await asyncio.sleep(3.0)
        moved = await move_key_by_key(stack.ensemble, tag, pause_s=0.002)
        print(f"{tag}: {moved} keys")
        await asyncio.sleep(1.0)
        await move_whole(stack.ensemble, tag)


async def test_no_promise_is_broken_while_slots_move(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(readyup.demo.stack, "UP_S", 90)  # other tests run beside this one
    outcome = await play("cluster", tmp_path / "run", moves)

    assert not outcome.verdict.breaches
    assert not outcome.verdict.missing
    assert not outcome.unexpected
    assert outcome.report["matches"]["made"] > 50
