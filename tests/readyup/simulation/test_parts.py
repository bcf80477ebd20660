"""The loop, the process, the way to the store, the wire: each does what its name says."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from core.clock import LoopClock
from core.errors import StoreUnreachable
from core.lua import LuaScript
from readyup.simulation.accidents import Accidents
from readyup.simulation.engine import Engine, on_virtual_time
from readyup.simulation.faults import Fault
from readyup.simulation.game import Doors
from readyup.simulation.loop import run
from readyup.simulation.process import Process, SkewedClock
from readyup.simulation.servers import Ground
from readyup.simulation.store import Road, VirtualStore
from readyup.simulation.wire import Network
from tests.readyup.simulation.dice import fixed

Story = Callable[[VirtualStore, Process, Engine], Awaitable[None]]


def with_store(story: Story, *faults: Fault) -> list[tuple[str, str]]:
    """Tell a story in a process with a store; returns the stream entries that were written."""
    entries: list[tuple[str, str]] = []

    async def main() -> None:
        clock = LoopClock()
        with on_virtual_time(clock):
            engine = Engine(clock, lambda key, entry, _: entries.append((key, entry)))
            road = Road(engine, fixed(1), faults, lambda process, _: process.kill())
            process = Process("director-a", SkewedClock())
            process.start(story(VirtualStore(road, process), process, engine))  # type: ignore[arg-type]
            await asyncio.wait([process.ended])
            if (wrong := process.ended.result()) is not None:
                raise wrong
            await asyncio.sleep(10.0)

    run(main(), seed=1)
    return entries


def test_stream_ids_come_from_virtual_time():
    async def story(store: VirtualStore, *_: object) -> None:
        await asyncio.sleep(60.0)
        await store.call("XADD", "log", "*", "k", "v")

    [(key, entry)] = with_store(story)

    assert key == "log"
    assert entry.startswith("17000000600")


def test_a_reader_is_woken_by_the_entry_it_waits_for_and_not_before():
    async def story(store: VirtualStore, _: Process, engine: Engine) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(0.1, engine.command, "XADD", "log", "*", "k", "v")
        [entry] = await store.read_stream("log", "0-0", block_ms=250)
        assert loop.time() == pytest.approx(0.1, abs=0.01)
        assert entry.fields == {"k": "v"}
        assert await store.read_stream("log", entry.id, block_ms=250) == []
        assert loop.time() == pytest.approx(0.35, abs=0.01)

    with_store(story)


def test_a_lost_reply_means_done_and_a_refusal_means_not_done():
    async def story(store: VirtualStore, _: Process, engine: Engine) -> None:
        for key, done in (("lost", "1"), ("refused", None)):
            with pytest.raises(StoreUnreachable):
                await store.call("SET", key, 1)
            assert engine.command("GET", key) == done
        assert await store.call("GET", "lost") == "1"

    with_store(story, Fault(kind="reply-lost", call=1), Fault(kind="refused", call=2))


def test_a_reply_that_is_too_late_is_a_lost_one_and_holds_up_those_behind_it():
    async def story(store: VirtualStore, *_: object) -> None:
        loop = asyncio.get_running_loop()
        with pytest.raises(StoreUnreachable, match="within 5 s"):
            await store.call("SET", "a", 1)
        assert loop.time() == pytest.approx(5.0, abs=0.01)
        async with asyncio.TaskGroup() as group:
            late = group.create_task(store.call("SET", "b", 1))
            await asyncio.sleep(0)
            behind = group.create_task(store.call("GET", "b"))
        assert (late.result(), behind.result()) == (True, "1")
        assert loop.time() == pytest.approx(7.0, abs=0.01)

    faults = (
        Fault(kind="reply-late", call=1, by_s=9.0),
        Fault(kind="reply-late", call=2, by_s=2.0),
    )
    with_store(story, *faults)


@pytest.mark.parametrize(("kind", "written"), [("crash-before", 0), ("crash-after", 1)])
def test_a_crash_before_a_call_leaves_it_undone_and_one_after_it_done(kind: str, written: int):
    async def story(store: VirtualStore, *_: object) -> None:
        try:
            await store.call("XADD", "log", "*", "k", "v")
            raise AssertionError("nobody lives to hear the reply")
        finally:  # kill -9 knows no last words
            await store.call("XADD", "log", "*", "k", "farewell")

    entries = with_store(story, Fault(kind=kind, call=1))  # type: ignore[arg-type]

    assert len(entries) == written


def test_a_store_that_is_away_refuses_until_it_is_back():
    async def story(store: VirtualStore, *_: object) -> None:
        store._road.away_until_s = 1.0
        with pytest.raises(StoreUnreachable):
            await store.call("PING")
        await asyncio.sleep(1.0)
        await store.call("PING")

    with_store(story)


def test_a_frozen_process_does_nothing_and_then_goes_on():
    ticks: list[float] = []

    async def tick() -> None:
        while True:
            ticks.append(asyncio.get_running_loop().time())
            await asyncio.sleep(1.0)

    async def main() -> None:
        process = Process("server-1", SkewedClock())
        process.start(tick())
        await asyncio.sleep(2.5)
        process.freeze()
        await asyncio.sleep(4.0)
        process.thaw()
        await asyncio.sleep(1.2)
        process.kill()
        await asyncio.sleep(5.0)

    run(main(), seed=1)
    assert ticks == pytest.approx([0.0, 1.0, 2.0, 6.5, 7.5])


def test_a_thread_s_work_is_done_in_place():
    async def main() -> int:
        return await asyncio.to_thread(lambda: 42)

    assert run(main(), seed=1) == 42


def test_the_death_of_a_process_breaks_its_connections():
    heard: list[object] = []

    async def main() -> None:
        network = Network(fixed(1))
        process = Process("api-a", SkewedClock())

        async def serve(end) -> None:
            await end.send_str("hello")
            await asyncio.sleep(60.0)

        process.start(asyncio.sleep(60.0))
        network.listen("api", process, serve)
        line = await network.dial("api", "bot-1", owner=None)
        heard.append((await line.receive()).data)
        process.kill()
        heard.append((await line.receive()).type.name)
        heard.append(line.closed)

    run(main(), seed=1)
    assert heard == ["hello", "CLOSED", True]


def test_a_writer_waits_for_a_reader_who_does_not_read():
    async def main() -> int:
        network = Network(fixed(1))
        process = Process("api-a", SkewedClock())
        sent = 0

        async def serve(end) -> None:
            nonlocal sent
            while True:
                await end.send_str("news")
                sent += 1

        process.start(asyncio.sleep(60.0))
        network.listen("api", process, serve)
        await network.dial("api", "bot-1", owner=None)
        await asyncio.sleep(5.0)
        process.kill()
        return sent

    assert run(main(), seed=1) == 64


def test_whoever_hung_up_hears_nothing_more_though_it_read_slowly():
    heard: list[object] = []

    async def main() -> None:
        network = Network(fixed(1))
        process = Process("api-a", SkewedClock())

        async def serve(end) -> None:
            await end.send_str("old news")
            await asyncio.sleep(60.0)

        process.start(asyncio.sleep(60.0))
        network.listen("api", process, serve)
        line = await network.dial("api", "bot-1", owner=None)
        network.stall("bot-1", 9.0)
        asyncio.get_running_loop().call_later(3.0, line.cut)
        heard.append((await line.receive()).type.name)
        heard.append(round(asyncio.get_running_loop().time()))
        process.kill()

    run(main(), seed=1)
    assert heard == ["CLOSED", 3]


def test_a_clog_stops_half_of_the_lines_and_lets_them_go_one_after_the_other():
    heard: dict[str, float] = {}
    told: list[str] = []

    async def main() -> None:
        network = Network(fixed(1))
        process = Process("api-a", SkewedClock())

        async def serve(end) -> None:
            await asyncio.sleep(1.0)
            await end.send_str("news")
            await asyncio.sleep(60.0)

        async def listen(name: str) -> None:
            line = await network.dial("api", name, owner=None)
            await line.receive()
            heard[name] = asyncio.get_running_loop().time()

        process.start(asyncio.sleep(60.0))
        network.listen("api", process, serve)
        accidents = Accidents(network, fixed(2), LoopClock())
        ground = Ground(
            network, Doors(), lambda kind, *_, **__: told.append(kind), fixed(3), (1.0, 1.0)
        )
        accidents.begin((), ground, road=None)  # type: ignore[arg-type]  # no store is struck
        async with asyncio.TaskGroup() as group:
            for n in range(6):
                group.create_task(listen(f"bot-{n}"))
            await accidents.bring([Fault(kind="clog", at_s=0.5, who="bot", for_s=30.0)])
        process.kill()
        assert accidents.happened == {"clog": 1}

    run(main(), seed=1)
    assert told == ["bot.stalled"] * 3
    late = [at_s for at_s in heard.values() if at_s > 1.1]
    assert len(heard) == 6
    assert len(late) == len({round(at_s, 2) for at_s in late}) == 3


@pytest.mark.parametrize("package", ["matchmaker.lua", "allocator.lua", "fleets.lua", "core"])
def test_every_script_is_plain_lua_5_1(package: str):
    from importlib import resources

    from lupa import lua51

    runtime = lua51.LuaRuntime(encoding=None)
    for file in sorted(resources.files(package).iterdir(), key=lambda one: one.name):
        if file.name.endswith(".lua") and file.read_text().startswith("--[["):
            assert runtime.compile(LuaScript.load(package, file.name[:-4]).source.encode())
