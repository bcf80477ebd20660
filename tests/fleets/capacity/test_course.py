"""The past as bins, and forecasts that go through it: now or later, they come to the same."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from fleets.capacity.course import A_STEP, AT_ONCE, Course
from fleets.capacity.history import History
from fleets.capacity.sizer import Facts, Limits, Sizer, lead_step_s

LIMITS = Limits(size_min=0, size_max=500, rooms=1, free_min=1, reserve_min=1, cold_cost=1000.0)
NOW_S = 1_800_000_000


def test_minutes_and_seconds_make_one_line():
    past = History.begin({NOW_S - 600: 60, NOW_S - 480: 6}, NOW_S - 120)
    whole = past.then(NOW_S - 120, np.full(120, 2.0))

    assert whole.end_s() == NOW_S
    assert whole.bins((NOW_S - 600) // 60, 10, 60.0).tolist() == [60, 0, 6, 0, 0, 0, 0, 0, 120, 120]


@given(st.lists(st.integers(0, 9), min_size=1, max_size=60), st.floats(1.0, 7.0))
def test_no_claim_is_lost_between_bins(counts: list[int], width_s: float):
    past = History.begin({}, NOW_S).then(NOW_S, np.array(counts, dtype=float))
    first, last = int(NOW_S // width_s), int(past.end_s() // width_s) + 1

    assert past.bins(first, last - first, width_s).sum() == pytest.approx(sum(counts))


def test_a_past_that_was_cut_gives_the_same_bins():
    past = History.begin({}, NOW_S).then(NOW_S, np.arange(100.0))

    cut = past.since(NOW_S + 50)

    assert cut.bins(NOW_S + 60, 30, 1.0).tolist() == past.bins(NOW_S + 60, 30, 1.0).tolist()


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 6), max_size=120), st.integers(0, 120))
def test_two_that_began_at_different_moments_come_to_the_same(counts: list[int], at: int):
    counts_ = np.array(counts, dtype=float)
    begin = History.begin({}, NOW_S)
    early = Course(LIMITS, begin, lead_s=8.0)
    for count in counts_:
        early.go_on(np.array([count]))
    late = Course(LIMITS, begin.then(NOW_S, counts_[:at]), lead_s=8.0)
    late.go_on(counts_[at:])

    facts = Facts(size=20, in_use=3, waiting=2, ages_s=np.array([1.0, 2.0, 3.0]))
    assert early.sizer.target(facts) == late.sizer.target(facts)


def test_a_long_past_is_gone_through_at_leisure():
    dice = np.random.default_rng(1)
    counts = dice.poisson(0.5, AT_ONCE + 3 * A_STEP).astype(float)
    begin = History.begin({}, NOW_S)
    course = Course(LIMITS, begin.then(NOW_S, counts), lead_s=4.0)
    at_first = course.sizer

    steps = 1
    while course.catch_up():
        assert course.sizer is at_first
        steps += 1
    patient = Sizer(LIMITS, lead_s=4.0)
    patient.observe(counts)

    assert steps == AT_ONCE // A_STEP + 3
    assert not course.catch_up()
    facts = Facts(size=5, in_use=1)
    assert course.sizer.target(facts) == patient.target(facts)


def test_lead_times_are_planned_with_in_steps():
    assert [lead_step_s(s) for s in (0.2, 1.0, 1.3, 2.0, 3.0, 90.0)] == [
        1.0,
        1.0,
        pytest.approx(2**0.5),
        2.0,
        4.0,
        pytest.approx(90.51, abs=0.01),
    ]


def test_a_lead_time_on_the_edge_of_a_step_keeps_to_one():
    before_s = lead_step_s(2.05)
    for measured_s in (1.95, 2.05, 1.8):
        assert lead_step_s(measured_s, before_s) == before_s

    assert lead_step_s(1.6, before_s) == 2.0
    assert lead_step_s(3.0, before_s) == 4.0
