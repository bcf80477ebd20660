"""What a store keeps, and what it forgets, when a primary is killed, stopped or cut off."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from core.address import Endpoint
from core.clock import SystemClock
from core.ensemble import Ensemble, embedded_ensemble
from core.errors import StoreUnreachable
from core.lease import Lease
from core.lua import LuaScript
from core.redis import Store
from core.slots import slot_of
from tests.failover import network

TAGS = ("{q:duel}", "{f:arena}", "{p:ann}")
CLOCK = SystemClock()
ECHO = LuaScript("echo", "redis.call('SET', KEYS[1], ARGV[1]) return ARGV[1]", "e" * 40, (), ())


@contextlib.asynccontextmanager
async def connected(ensemble: Ensemble) -> AsyncIterator[Store]:
    store = await Store.connect(ensemble.url, durability="replica")
    try:
        yield store
    finally:
        await store.aclose()


async def owner(ensemble: Ensemble, key: str) -> Endpoint:
    found = await ensemble.slots()
    slot = slot_of(key)
    return next(one for one, ranges in found.items() if any(a <= slot <= z for a, z in ranges))


class Writer:
    """Writes and writes, one key after the other, and remembers what was acknowledged."""

    def __init__(self, store: Store, tag: str, *, durably: bool) -> None:
        self._call = store.durably.call if durably else store.call
        self._tag = tag
        self.acknowledged: list[str] = []
        self.gap_s = 0.0

    async def run(self) -> None:
        n, last_s = 0, CLOCK.elapsed_s()
        while True:
            n += 1
            key = f"{self._tag}:{n}"
            with contextlib.suppress(StoreUnreachable):
                await self._call("SET", key, n)
                self.acknowledged.append(key)
                now_s = CLOCK.elapsed_s()
                self.gap_s, last_s = max(self.gap_s, now_s - last_s), now_s
            await asyncio.sleep(0.005)

    async def lost(self, store: Store) -> int:
        """How much of what was acknowledged is not there."""
        return sum(
            found is None for found in await store.many([("GET", k) for k in self.acknowledged])
        )


async def until(what, patience_s: float = 25.0) -> None:
    async with asyncio.timeout(patience_s):
        while True:
            with contextlib.suppress(StoreUnreachable):
                if await what():
                    return
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("fault", ["kill", "stop"])
async def test_what_was_answered_durably_survives_its_primary(ensemble: Ensemble, fault: str):
    async with connected(ensemble) as store:
        writers = [Writer(store, tag, durably=True) for tag in TAGS]
        victim = await owner(ensemble, TAGS[0])
        async with asyncio.TaskGroup() as group:
            writing = [group.create_task(writer.run()) for writer in writers]
            await asyncio.sleep(0.5)
            if fault == "kill":
                await ensemble.kill(victim)
            else:
                ensemble.pause(victim)
            await asyncio.sleep(3.5)
            if fault == "kill":
                await ensemble.start(victim)
            else:
                ensemble.go_on(victim)
            await until(lambda: _writes(store))
            await asyncio.sleep(1.0)
            for task in writing:
                task.cancel()

        assert await owner(ensemble, TAGS[0]) != victim
        assert [await writer.lost(store) for writer in writers] == [0, 0, 0]
        print(f"gap {max(writer.gap_s for writer in writers):.2f} s")


async def test_a_script_is_sent_again_to_a_primary_that_does_not_know_it(ensemble: Ensemble):
    async with connected(ensemble) as store:
        assert await store.durably.run(ECHO, ["{q:duel}:x"], ["one"]) == "one"
        await ensemble.kill(await owner(ensemble, "{q:duel}"))

        async def answers() -> bool:
            return await store.run(ECHO, ["{q:duel}:x"], ["two"]) == "two"

        # A Cluster's promoted replica serves alone; with Sentinels there is a third server.
        await until(answers)


async def test_a_shard_that_lost_its_other_server_keeps_promises_alone_once_it_may():
    async with embedded_ensemble("cluster") as cluster, connected(cluster) as strict:
        willing = await Store.connect(cluster.url, durability="replica", alone_after_s=2.0)
        try:
            victim = await owner(cluster, TAGS[0])
            await cluster.kill(victim)
            await until(lambda: _writes(willing))
            with pytest.raises(StoreUnreachable, match="no replica"):
                await strict.durably.call("SET", f"{TAGS[0]}:strict", 1)
            while_alone = willing.alone()
            await cluster.start(victim)
            await until(lambda: _writes(strict))
            async with asyncio.timeout(10):
                while willing.alone():
                    await asyncio.sleep(0.1)

            assert while_alone == 1
            assert await willing.call("GET", f"{TAGS[0]}:probe") == "1"
        finally:
            await willing.aclose()


async def test_a_primary_that_is_cut_off_takes_writes_and_answers_none_of_them_durably(
    own_network: None, ensemble: Ensemble
):
    async with connected(ensemble) as store:
        durable = Writer(store, TAGS[0], durably=True)
        plain = Writer(store, f"{TAGS[0]}:plain", durably=False)
        victim = await owner(ensemble, TAGS[0])
        async with asyncio.TaskGroup() as group:
            writing = [group.create_task(one.run()) for one in (durable, plain)]
            await asyncio.sleep(0.5)
            network.cut(ensemble, victim)
            await asyncio.sleep(8)
            network.heal(ensemble, victim)
            await until(lambda: _writes(store))
            await asyncio.sleep(1.0)
            for task in writing:
                task.cancel()

        assert await owner(ensemble, TAGS[0]) != victim
        assert await durable.lost(store) == 0
        lost = await plain.lost(store)
        print(f"gap {durable.gap_s:.2f} s; plain lost {lost} of {len(plain.acknowledged)}")


async def test_an_epoch_that_a_failover_forgot_led_nobody(own_network: None, ensemble: Ensemble):
    """Two candidates get one and the same number, and only one of them ever led with it."""
    async with connected(ensemble) as old, connected(ensemble) as new:
        key, log = "{q:duel}:leader", "{q:duel}:log"
        victim = await owner(ensemble, key)
        network.cut(ensemble, victim)
        # To its last breath this one believes the primary it knows.
        old._watch.cancel()
        ann = Lease(old, key, log, "ann", CLOCK)
        with pytest.raises(StoreUnreachable):
            await ann.renew()

        bo = Lease(new, key, log, "bo", CLOCK)

        async def leads() -> bool:
            if (await owner(ensemble, key)) == victim:
                return False
            return bool(await bo.renew())

        healed = asyncio.get_running_loop().call_later(8, network.heal, ensemble, victim)
        await until(leads)
        assert not ann.leads()
        assert bo.epoch >= 1
        assert not healed.cancelled()
        await asyncio.sleep(max(0.0, healed.when() - asyncio.get_running_loop().time()) + 0.1)


async def _writes(store: Store) -> bool:
    for tag in TAGS:
        await store.durably.call("SET", f"{tag}:probe", 1)
    return True
