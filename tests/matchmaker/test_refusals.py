"""A store that answers and says no: that is load or a machine, and nobody's mistake."""

import contextlib
from collections.abc import AsyncIterator

import pytest

from core.errors import Exhausted, StoreUnreachable
from core.redis import Store
from matchmaker.tickets import Status
from tests.matchmaker.rooms import FewRooms
from tests.matchmaker.test_director import director, enqueue, queue, running, until_status
from tests.matchmaker.test_store import NOW, A, B, new

__all__ = ["queue"]  # the fixture


@contextlib.asynccontextmanager
async def configured(store: Store, name: str, value: str | int) -> AsyncIterator[None]:
    """The server, with something to refuse for."""
    await store.call("CONFIG", "SET", name, value)
    try:
        yield
    finally:
        await store.call("CONFIG", "SET", name, 0)


async def test_without_memory_nobody_may_come_and_everybody_may_go(store: Store, queue):
    await queue.enqueue(new(A), now_ms=NOW)
    async with configured(store, "maxmemory", "1mb"):
        with pytest.raises(Exhausted, match="out of memory"):
            await queue.enqueue(new(B), now_ms=NOW)
        with pytest.raises(Exhausted, match="out of memory"):
            await store.call("SET", "k", "v")
        assert await queue.cancel(A, now_ms=NOW) is Status.CANCELLED


async def test_a_director_outlives_a_store_that_takes_no_writes(store: Store, queue):
    async with running(director(queue, FewRooms(1))):
        await enqueue(queue, "ann")
        async with configured(store, "min-replicas-to-write", 1):
            with pytest.raises(StoreUnreachable, match="good replicas"):
                await enqueue(queue, "bo")
        await enqueue(queue, "bo")
        await until_status(queue, "bo", Status.COMPLETED)


async def test_a_replica_that_lost_its_primary_is_waited_for(store: Store):
    await store.call("REPLICAOF", "127.0.0.1", 1)
    try:
        with pytest.raises(StoreUnreachable, match="read only"):
            await store.call("SET", "k", "v")
        await store.call("CONFIG", "SET", "replica-serve-stale-data", "no")
        with pytest.raises(StoreUnreachable, match="MASTER is down"):
            await store.read_stream("s", "0", block_ms=1)
    finally:
        await store.call("CONFIG", "SET", "replica-serve-stale-data", "yes")
        await store.call("REPLICAOF", "NO", "ONE")
