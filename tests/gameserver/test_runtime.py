"""A game server's process: it says ready, keeps its line, and leaves in good order."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest

from core import dice
from core.errors import Unreachable
from gameserver.environment import Environment
from gameserver.pinning import Pinned
from gameserver.runtime import FORSAKEN_S, Runtime
from tests.gameserver.fakes import (
    MATCH,
    FakeAllocator,
    FakeGame,
    FakeSdk,
    FakeWitness,
    HandClock,
    assign,
    environment,
)

PINNED = Pinned((1,), "core 1 of 2")


@dataclass
class Process:
    game: FakeGame
    sdk: FakeSdk
    witness: FakeWitness
    clock: HandClock
    stop: asyncio.Event
    task: asyncio.Task[str]

    async def left(self) -> str:
        async with asyncio.timeout(5):
            return await asyncio.shield(self.task)


@contextlib.asynccontextmanager
async def process(where: Environment) -> AsyncIterator[Process]:
    game, sdk, witness, clock = FakeGame(), FakeSdk(), FakeWitness(), HandClock()
    runtime = Runtime(where, game, sdk, witness, clock, dice.stream(1, "back-off"))
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(runtime.run(stop, PINNED))
        yield Process(game, sdk, witness, clock, stop, task)
        stop.set()


async def test_an_idle_server_that_is_stopped_leaves_and_says_so():
    async with (
        FakeAllocator().serve() as allocator,
        process(environment(allocator.url)) as server,
    ):
        await allocator.hears("heartbeat")
        server.stop.set()
        reason = await server.left()

    assert reason == "stopping"
    assert server.sdk.calls == ["ready", "shutdown"]
    assert server.game.calls == [("open",), ("close",)]
    assert server.game.ticks > 0
    assert server.witness.events[0][1]["pinned"] == "core 1 of 2"
    assert allocator.all("heartbeat")[-1]["tick"].keys() >= {
        "p50_ms",
        "p99_ms",
        "p999_ms",
        "instability",
    }


async def test_a_server_that_only_agones_knows_publishes_its_key_and_its_cores_before_ready():
    async with FakeAllocator().serve() as allocator:
        where = replace(environment(allocator.url), key_known=False)
        allocator.key = where.public_hex()
        async with process(where) as server:
            await allocator.until(lambda: bool(allocator.hellos))

    assert server.sdk.calls[:4] == [
        f"readyup-key={where.public_hex()}",
        "readyup-pinned=core 1 of 2",
        "readyup-pinned:false",
        "ready",
    ]
    assert allocator.proofs == [True]


async def test_a_retired_server_finishes_its_match_first():
    async with (
        FakeAllocator().serve() as allocator,
        process(environment(allocator.url)) as server,
    ):
        await allocator.until(lambda: bool(allocator.hellos))
        await allocator.say(**assign())
        await allocator.hears("ack")
        await allocator.say(type="retire")
        await server.game.started.wait()
        server.clock.now_s += 30  # nobody joins by the deadline
        release = await allocator.hears("release")
        reason = await server.left()

    assert release["reason"] == "no-join"
    assert reason == "retired"
    assert server.sdk.calls[-1] == "shutdown"


async def test_a_server_that_lost_its_line_comes_back_and_says_what_it_holds():
    async with FakeAllocator().serve() as allocator:
        allocator.answers = False
        async with process(environment(allocator.url)):
            await allocator.until(lambda: bool(allocator.hellos))
            await allocator.say(**assign())
            await allocator.hears("ack")
            await allocator.hang_up()
            allocator.answers = True
            again = await allocator.hears("ack", 2)

    assert [hello["holding"] for hello in allocator.hellos] == [
        [],
        [{"room": "uid-1/0", "match": MATCH, "epoch": 1}],
    ]
    assert again["match"] == MATCH


async def test_a_forsaken_server_in_reserve_shuts_down():
    async with process(environment("ws://127.0.0.1:9/nobody")) as server:
        await asyncio.sleep(0)
        server.clock.now_s += FORSAKEN_S + 1
        reason = await server.left()

    assert reason == "forsaken"
    assert server.sdk.calls == ["ready", "shutdown"]


async def test_a_frame_of_a_newer_allocator_is_passed_over():
    async with (
        FakeAllocator().serve() as allocator,
        process(environment(allocator.url)) as server,
    ):
        await allocator.until(lambda: bool(allocator.hellos))
        await allocator.say(type="confetti")
        await allocator.say(**assign())
        await allocator.hears("ack")

    assert len(allocator.hellos) == 1
    assert server.task.done()


async def test_an_sdk_server_that_is_gone_does_not_keep_us():
    async with (
        FakeAllocator().serve() as allocator,
        process(environment(allocator.url)) as server,
    ):

        async def gone() -> None:
            raise Unreachable("the SDK server is gone")

        server.sdk.shutdown = gone
        server.stop.set()
        reason = await server.left()

    assert reason == "stopping"


async def test_what_the_game_raises_ends_the_process():
    async with FakeAllocator().serve() as allocator:
        with pytest.raises(ExceptionGroup) as failed:
            async with process(environment(allocator.url)) as server:
                server.game.tick = lambda _: 1 // 0
                await server.left()

    assert failed.group_contains(ZeroDivisionError)
    assert server.game.calls[-1] == ("close",)
