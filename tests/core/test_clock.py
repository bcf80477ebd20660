"""Clocks: the machine's, and the loop's, which is virtual in simulation."""

import asyncio

from core.clock import LoopClock, SystemClock
from tests.virtual_loop import run


def test_the_machines_clocks_agree_with_themselves():
    clock = SystemClock()
    before_us, before_s = clock.wall_us(), clock.elapsed_s()

    assert before_us // 1000 <= clock.wall_ms() <= clock.wall_us() // 1000
    assert clock.wall_ms() > 1_700_000_000_000
    assert clock.elapsed_s() >= before_s


def test_the_loops_clock_follows_the_loop_and_counts_from_its_epoch():
    async def main() -> list[float]:
        clock = LoopClock(epoch_ms=5_000)
        began = [clock.wall_ms(), clock.wall_us(), clock.elapsed_s()]
        await asyncio.sleep(86_400.25)
        return [*began, clock.wall_ms(), clock.wall_us(), clock.elapsed_s()]

    day = 86_400_250
    assert run(main(), seed=0) == [
        5_000, 5_000_000, 0.0, 5_000 + day, (5_000 + day) * 1000, day / 1000,
    ]  # fmt: skip
