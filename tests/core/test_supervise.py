"""Start, pace, stop, fail: under virtual time, so a ten-minute drain takes none."""

import asyncio

import pytest

from core.supervise import every, serve_all
from tests.virtual_loop import run


def test_a_tick_under_way_is_finished_before_stopping():
    ticks: list[str] = []

    async def main() -> None:
        stop = asyncio.Event()

        async def tick() -> None:
            ticks.append("begin")
            await asyncio.sleep(0.7)
            ticks.append("end")

        asyncio.get_running_loop().call_later(2.3, stop.set)
        await every(1.0, tick, stop=stop)

    run(main(), seed=0)
    assert ticks == ["begin", "end"] * 3


def test_a_late_tick_is_followed_at_once_by_the_next_and_none_pile_up():
    began_s: list[float] = []

    async def main() -> None:
        stop = asyncio.Event()

        async def tick() -> None:
            began_s.append(asyncio.get_running_loop().time())
            await asyncio.sleep(2.5 if len(began_s) == 1 else 0)

        asyncio.get_running_loop().call_later(4.0, stop.set)
        await every(1.0, tick, stop=stop)

    run(main(), seed=0)
    assert began_s == pytest.approx([0.0, 2.5, 3.5])


def test_a_failing_tick_ends_the_loop():
    async def main() -> None:
        async def tick() -> None:
            raise ValueError("boom")

        await every(1.0, tick, stop=asyncio.Event())

    with pytest.raises(ValueError, match="boom"):
        run(main(), seed=0)


def test_services_that_end_in_time_are_waited_for_and_no_longer():
    async def main() -> float:
        stop = asyncio.Event()

        async def polite(stop: asyncio.Event) -> None:
            await stop.wait()
            await asyncio.sleep(3)

        asyncio.get_running_loop().call_later(5, stop.set)
        await serve_all({"polite": polite}, stop=stop, drain_s=600)
        return asyncio.get_running_loop().time()

    assert run(main(), seed=0) == pytest.approx(8)


def test_a_service_that_will_not_drain_is_cancelled():
    async def main() -> float:
        stop = asyncio.Event()

        async def stubborn(_: asyncio.Event) -> None:
            await asyncio.sleep(10_000)

        asyncio.get_running_loop().call_later(5, stop.set)
        await serve_all({"stubborn": stubborn}, stop=stop, drain_s=600)
        return asyncio.get_running_loop().time()

    assert run(main(), seed=0) == pytest.approx(605)


def test_a_service_that_fails_while_draining_is_heard():
    async def main() -> None:
        stop = asyncio.Event()

        async def clumsy(stop: asyncio.Event) -> None:
            await stop.wait()
            raise ValueError("tripped on the way out")

        asyncio.get_running_loop().call_later(5, stop.set)
        await serve_all({"clumsy": clumsy}, stop=stop, drain_s=600)

    with pytest.raises(ExceptionGroup) as caught:
        run(main(), seed=0)
    assert caught.group_contains(ValueError, match="tripped")


@pytest.mark.parametrize("seed", range(5))
def test_one_failure_takes_the_process_down(seed: int):
    stopped: list[str] = []

    async def main() -> None:
        async def failing(_: asyncio.Event) -> None:
            await asyncio.sleep(1)
            raise ValueError("boom")

        async def sibling(stop: asyncio.Event) -> None:
            try:
                await stop.wait()
            finally:
                stopped.append("sibling")

        await serve_all({"a": failing, "b": sibling}, stop=asyncio.Event(), drain_s=1)

    with pytest.raises(ExceptionGroup) as caught:
        run(main(), seed=seed)
    assert caught.group_contains(ValueError, match="boom")
    assert stopped == ["sibling"]


def test_tasks_bear_the_names_of_their_services():
    async def main() -> list[str]:
        stop, names = asyncio.Event(), []

        async def told(stop: asyncio.Event) -> None:
            task = asyncio.current_task()
            assert task is not None
            names.append(task.get_name())
            stop.set()

        await serve_all({"api": told, "director": told}, stop=stop, drain_s=1)
        return names

    assert sorted(run(main(), seed=0)) == ["api", "director"]
