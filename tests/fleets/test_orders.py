"""Orders: obeyed at once where they may be, in order where they must be, and never lost."""

import asyncio
import random
from dataclasses import dataclass, field

import pytest

from core.errors import Conflict
from core.ids import FleetName, ServerUid
from core.lua import as_json
from core.redis import Store
from fleets.orders import Orders
from fleets.ports import BackendAway

ARENA = FleetName("arena")
SEEN = "{f:arena}:orders-seen"


@dataclass
class Hands:
    """Notes what was done, and how much of it at once."""

    done: list[str] = field(default_factory=list)
    busy: int = 0
    busiest: int = 0
    fail: dict[str, Exception] = field(default_factory=dict)

    async def take(self, uid: ServerUid, claim: str) -> bool:
        await self._do(claim)
        return True

    async def tell(self, uid: ServerUid, letter: str) -> None:
        await self._do(f"{letter}@{uid}")

    async def give_up(self, uid: ServerUid) -> None:
        assert self.busy == 0, "nothing else is under way"
        await self._do(f"-{uid}")

    async def _do(self, what: str) -> None:
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        await asyncio.sleep(0)
        self.busy -= 1
        if what in self.fail:
            raise self.fail[what]
        self.done.append(what)


async def order(store: Store, kind: str, **fields: str) -> str:
    said = ("XADD", "{f:arena}:orders", "*", "k", kind, "d", as_json(fields))
    return str(await store.call(*said))


def orders(hands: Hands, store: Store, *, at_once: int = 4) -> Orders:
    return Orders(ARENA, hands, store, chance=random.Random(1), at_once=at_once)


async def test_orders_are_obeyed_once_across_a_restart(store: Store):
    hands = Hands()
    await order(store, "take", uid="u1", claim="refill-1")
    await order(store, "take", uid="u2", claim="refill-2")
    noted = await orders(hands, store).step("0", block_ms=1)

    assert hands.done == ["refill-1", "refill-2"]
    assert await store.call("GET", SEEN) == noted
    assert await orders(hands, store).step(noted, block_ms=1) == noted
    assert len(hands.done) == 2


async def test_takes_in_a_row_go_together_within_a_bound_and_each_claim_once(store: Store):
    hands = Hands()
    for n in range(10):
        await order(store, "take", uid=f"u{n}", claim=f"refill-{n}")
        await order(store, "take", uid=f"u{n}", claim=f"refill-{n}")
    await orders(hands, store).step("0", block_ms=1)

    assert hands.busiest == 4
    assert sorted(hands.done) == [f"refill-{n}" for n in range(10)]


async def test_a_server_is_given_up_between_what_came_before_and_what_came_after(store: Store):
    hands = Hands()
    await order(store, "take", uid="u1", claim="a")
    await order(store, "take", uid="u2", claim="b")
    await order(store, "give_up", uid="u3")
    await order(store, "take", uid="u4", claim="c")
    await orders(hands, store).step("0", block_ms=1)

    assert [set(hands.done[:2]), *hands.done[2:]] == [{"a", "b"}, "-u3", "c"]


async def test_orders_wait_for_a_backend_that_is_away_and_those_obeyed_are_not_repeated(
    store: Store,
):
    hands = Hands(fail={"b": BackendAway("the API server is away")})
    for claim in "abc":
        await order(store, "take", uid="u", claim=claim)
    obeying = orders(hands, store, at_once=1)
    with pytest.raises(BackendAway):
        await obeying.step("0", block_ms=1)
    assert hands.done == ["a"]
    assert await store.call("GET", SEEN) is None
    hands.fail.clear()
    await obeying.step("0", block_ms=1)

    assert hands.done == ["a", "b", "c"]


async def test_an_order_that_can_never_be_obeyed_does_not_hold_up_the_others(store: Store):
    hands = Hands(fail={"a": Conflict("another life")})
    await order(store, "take", uid="u", claim="a")
    await order(store, "take", uid="u")
    await store.call("XADD", "{f:arena}:orders", "*", "k", "take", "d", "no json")
    await order(store, "dance", uid="u")
    last = await order(store, "take", uid="u", claim="b")

    assert await orders(hands, store).step("0", block_ms=1) == last
    assert hands.done == ["b"]


async def test_the_loop_goes_on_when_the_backend_is_back(store: Store):
    hands = Hands(fail={"a": BackendAway("busy", retry_after_s=0.01)})
    await order(store, "take", uid="u", claim="a")
    async with asyncio.TaskGroup() as group:
        running = group.create_task(orders(hands, store).run())
        while not hands.busiest:
            await asyncio.sleep(0.005)
        hands.fail.clear()
        async with asyncio.timeout(5):
            while not hands.done:
                await asyncio.sleep(0.005)
        running.cancel()

    assert hands.done == ["a"]


async def test_matches_are_told_side_by_side_and_the_last_word_to_a_server_counts(store: Store):
    hands = Hands()
    await order(store, "tell", uid="u1", letter="old")
    await order(store, "take", uid="u3", claim="refill-3")
    await order(store, "tell", uid="u2", letter="m2")
    await order(store, "tell", uid="u1", letter="m1")
    await order(store, "give_up", uid="u1")
    await orders(hands, store).step("0", block_ms=1)

    assert sorted(hands.done[:3]) == ["m1@u1", "m2@u2", "refill-3"]
    assert hands.done[3:] == ["-u1"]
    assert hands.busiest == 3
