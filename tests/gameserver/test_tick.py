"""The tick loop does not drift, does not spiral, and tells the truth about its lateness."""

import asyncio

import pytest
from hypothesis import given, strategies as st

from gameserver.tick import Lateness, Pace, TickFigures, TickLoop, instability_ratio
from tests.virtual_loop import VirtualLoop, run


def ticked(busy_s: dict[int, float], *, seconds: float) -> tuple[TickLoop, list[tuple[int, float]]]:
    """Run a 10 Hz loop under virtual time; tick ``n`` takes ``busy_s[n]`` (else no time)."""
    loop = TickLoop(10.0)
    began: list[tuple[int, float]] = []

    async def main() -> None:
        virtual = asyncio.get_running_loop()
        assert isinstance(virtual, VirtualLoop)
        stop = asyncio.Event()

        def tick(n: int) -> None:
            began.append((n, round(virtual.time(), 6)))
            virtual.advance(busy_s.get(n, 0.0))

        virtual.call_later(seconds, stop.set)
        await loop.run(tick, stop)

    run(main(), seed=1)
    return loop, began


def test_ticks_are_due_at_multiples_of_the_period_for_ever():
    loop, began = ticked(dict.fromkeys(range(0, 1000, 3), 0.03), seconds=100)

    assert began == [(n, round(n / 10, 6)) for n in range(len(began))]
    assert len(began) == 1000
    assert loop.skipped == 0


def test_a_tick_that_is_late_by_less_than_a_period_delays_only_itself():
    loop, began = ticked({2: 0.15}, seconds=0.65)

    assert began == [(0, 0.0), (1, 0.1), (2, 0.2), (3, 0.35), (4, 0.4), (5, 0.5), (6, 0.6)]
    assert loop.skipped == 0


def test_after_a_stall_the_missed_ticks_are_skipped_and_counted():
    loop, began = ticked({2: 1.03}, seconds=1.5)

    assert began[:5] == [(0, 0.0), (1, 0.1), (2, 0.2), (12, 1.23), (13, 1.3)]
    assert loop.skipped == 9


def test_a_stall_hides_behind_no_single_tick():
    loop, _ = ticked({2: 1.03}, seconds=1.9)
    figures = loop.figures()

    assert figures.p50_ms == pytest.approx(30, abs=1)  # half of all ticks due were late
    assert figures.p999_ms == pytest.approx(930, abs=1)
    assert figures.skipped == 9


def test_what_a_tick_raises_ends_the_loop():
    async def main() -> None:
        await TickLoop(10.0).run(lambda _: 1 // 0, asyncio.Event())

    with pytest.raises(ZeroDivisionError):
        run(main(), seed=1)


@given(st.floats(0, 1e6), st.integers(0, 10**6), st.floats(0, 100))
def test_the_next_tick_is_a_later_one_and_never_overdue_by_a_period(start_s, tick, late_s):
    pace = Pace(start_s, 60.0)
    now_s = pace.due_s(tick) + late_s
    after = pace.after(tick, now_s)

    assert after > tick
    assert now_s - pace.due_s(after) <= 1 / 60 + 1e-6


def test_figures_are_quantiles_of_the_window_only():
    lateness = Lateness(1000)
    for n in range(5000):
        lateness.late(n / 1e6)

    figures = lateness.figures(60.0, skipped=3)
    assert figures == TickFigures(4.499, 4.989, 4.998, 0.0, 60.0, 3)


def test_no_ticks_give_no_figures():
    assert TickLoop(60.0).figures() == TickFigures(0.0, 0.0, 0.0, 0.0, 60.0, 0)


def test_instability_grows_with_the_change_from_tick_to_tick():
    steady = instability_ratio([0.02] * 100, 0.02)
    wavering = instability_ratio([0.01, 0.03] * 50, 0.02)
    one_stall = instability_ratio([0.02] * 50 + [1.0] + [0.02] * 50, 0.02)
    worst = instability_ratio([0.0, 2.0, 0.0], 0.02)

    assert steady == 0
    assert wavering == pytest.approx(0.495)
    assert one_stall == pytest.approx(0.327, abs=0.001)
    assert worst == pytest.approx(1.0)


def test_instability_of_a_window_that_went_round_is_read_in_order():
    lateness = Lateness(4)
    for interval_s in (9.0, 0.1, 0.1, 0.2, 0.2):
        lateness.began(interval_s)

    expected = instability_ratio([0.1, 0.1, 0.2, 0.2], 0.1)
    assert lateness.figures(10.0, 0).instability == pytest.approx(expected, abs=1e-5)
