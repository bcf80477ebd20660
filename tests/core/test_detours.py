"""What becomes of a call that a server sent away."""

import asyncio
from importlib import resources

import pytest
from redis.exceptions import AskError, MovedError, TryAgainError

import core.detours
from core.address import Endpoint
from core.detours import HOPS_MAX, Detours
from core.errors import Invalid, StoreUnreachable
from core.line import Call
from core.lua import LuaScript
from core.slots import Owners, slot_of

A, B = Endpoint("a", 1), Endpoint("b", 2)
ASK = AskError(f"{slot_of('k')} b:2")


class House:
    """Sends calls nowhere, and remembers them."""

    def __init__(self, *, many: bool = True, patience_s: float = 5.0) -> None:
        self.sent: list[Call] = []
        self.owners = Owners(many=many)
        self.owners.become({A: [(0, 16_383)]})
        self.detours = Detours(
            self.owners, self.sent.append, trouble=lambda: None, patience_s=patience_s
        )


def call() -> Call:
    return Call(("GET", "k"), asyncio.get_running_loop().create_future())


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core.detours, "AGAIN_S", 0.001)


async def test_a_call_whose_slot_has_moved_follows_it():
    house, moved = House(), call()
    house.detours.take(A, moved, MovedError(f"{slot_of('k')} b:2"))

    assert house.sent == [moved]
    assert house.owners.of(moved.command) == B


async def test_servers_that_send_each_other_in_circles_are_left():
    house, moved = House(), call()
    for _ in range(HOPS_MAX + 1):
        house.detours.take(A, moved, MovedError(f"{slot_of('k')} b:2"))

    assert isinstance(moved.answer.exception(), StoreUnreachable)


async def test_calls_for_a_slot_on_its_way_wait_and_are_sent_again_in_order():
    house, first, second = House(), call(), call()
    house.detours.take(A, first, ASK)
    house.detours.take(A, second, TryAgainError("Multiple keys request during rehashing"))
    waiting = len(house.detours)
    await asyncio.sleep(0.01)

    assert waiting == 2
    assert house.sent == [first, second]
    assert not len(house.detours)


async def test_a_slot_that_never_arrives_is_told_as_unreachable():
    house, held = House(patience_s=0.0), call()
    house.detours.take(A, held, ASK)
    await asyncio.sleep(0.005)
    house.detours.take(A, held, ASK)

    assert "a:1 is still giving the slot" in str(held.answer.exception())


async def test_whoever_waits_is_told_when_the_store_closes_and_nobody_else_is_sent():
    house, held = House(), call()
    house.detours.take(A, held, ASK)
    house.detours.close()
    await asyncio.sleep(0.005)

    assert isinstance(held.answer.exception(), StoreUnreachable)
    assert house.sent == []


async def test_a_server_that_is_written_as_one_and_is_one_of_a_cluster_is_refused():
    house, sent_away = House(many=False), call()
    house.detours.take(A, sent_away, MovedError(f"{slot_of('k')} b:2"))

    assert isinstance(sent_away.answer.exception(), Invalid)


TOUCH_WHAT_THEY_NAME = {"lease", "remove_server"}


@pytest.mark.parametrize("package", ["core", "matchmaker.lua", "allocator.lua", "fleets.lua"])
def test_no_script_of_ours_runs_where_half_of_its_slot_is(package: str):
    """A server refuses it before it begins, as nobody writes the key that it names first."""
    files = [file.name for file in resources.files(package).iterdir()]
    scripts = [
        LuaScript.load(package, name.removesuffix(".lua"))
        for name in files
        if name.endswith(".lua")
    ]
    run = {script.name: script.keys[0] for script in scripts if script.keys}

    assert {first for name, first in run.items() if name not in TOUCH_WHAT_THEY_NAME} <= {
        "base",
        "fleet",
    }
