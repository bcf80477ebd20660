"""Round trip, jitter and loss, from both ends of a path with a known delay."""

import pytest

from gameserver.arena.path import PathMeter


def exchanged(
    delays_us: list[int],
    *,
    back_us: int = 1000,
    start_us: int = 0,
    lost: frozenset[int] = frozenset(),
) -> tuple[PathMeter, PathMeter]:
    """A speaks every 100 ms, B answers 3 ms later; their clocks differ by a million µs."""
    a, b, skew_us = PathMeter(), PathMeter(), 1_000_000
    for n, delay_us in enumerate(delays_us):
        now_us = start_us + n * 100_000
        said = a.timing(now_us)
        if n in lost:
            continue
        b.heard(n + 1, said, now_us + delay_us + skew_us)
        answer_us = now_us + delay_us + 3000
        a.heard(n + 1, b.timing(answer_us + skew_us), answer_us + back_us)
    return a, b


def test_a_steady_path_is_measured_exactly_at_both_ends_whatever_their_clocks():
    for end in exchanged([4000] * 50):
        figures = end.figures()

        assert figures.rtt_ms == pytest.approx(5.0)
        assert figures.jitter_ms == 0
        assert figures.loss_share == 0


def test_clocks_that_wrap_change_nothing():
    a, b = exchanged([4000] * 50, start_us=2**32 - 2_500_000)

    assert a.figures().rtt_ms == b.figures().rtt_ms == pytest.approx(5.0)
    assert b.figures().jitter_ms == 0


def test_a_wavering_path_has_its_swing_for_jitter():
    _, b = exchanged([4000, 6000] * 100)

    assert b.figures().jitter_ms == pytest.approx(2.0, abs=0.01)
    assert b.figures().rtt_ms_max >= 7.0


def test_loss_is_the_share_that_never_came():
    _, b = exchanged([1000] * 100, lost=frozenset(range(0, 100, 4)))

    assert b.figures().loss_share == pytest.approx(0.25)


def test_before_anything_was_heard_there_are_no_figures():
    assert PathMeter().figures() == (0.0, 0.0, 0.0, 0.0)


def test_a_liars_clock_does_not_count_as_a_round_trip():
    meter = PathMeter()
    meter.heard(1, (0, 1, 2_000_000_000), 500)

    assert meter.figures().rtt_ms == 0
