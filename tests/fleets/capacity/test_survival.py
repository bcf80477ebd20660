"""How long sessions last, told from those that ended and those that run."""

import math
import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, strategies as st

from core.buckets import bucket_of
from fleets.capacity.survival import Survival, survival


def counted(durations_s: list[float]) -> Counter[int]:
    return Counter(map(bucket_of, durations_s))


def test_nobody_is_expected_to_end_before_anybody_has():
    mean, variance = Survival().still_running(np.array([0.0, 500.0]), 1e6)

    assert (mean, variance) == (2.0, 0.0)


def test_sessions_of_one_length_are_known_to_end_then():
    curve = survival(counted([900.0] * 50))

    young, _ = curve.still_running(np.full(10, 100.0), 90.0)
    about_to_end, _ = curve.still_running(np.full(10, 880.0), 90.0)

    assert young == pytest.approx(10.0)
    assert about_to_end == pytest.approx(0.0, abs=1e-6)
    assert curve.median_s() == pytest.approx(900.0, rel=0.1)


def test_varying_sessions_leave_a_doubt():
    dice = random.Random(3)
    curve = survival(counted([dice.expovariate(1 / 600) for _ in range(20_000)]))

    mean, variance = curve.still_running(np.full(100, 200.0), 300.0)

    # The exponential forgets: e^(-300/600) of them, whatever their age.
    assert mean == pytest.approx(100 * math.exp(-0.5), rel=0.03)
    assert variance == pytest.approx(100 * math.exp(-0.5) * (1 - math.exp(-0.5)), rel=0.05)


def test_sessions_that_still_run_are_not_taken_for_short_ones():
    ended = [60.0] * 10
    without = survival(counted(ended))
    with_them = survival(counted(ended), [300.0] * 30)

    assert without.share(np.array([200.0]))[0] == pytest.approx(0.0)
    assert with_them.share(np.array([200.0]))[0] == pytest.approx(0.75)


def test_a_session_older_than_any_before_goes_on():
    mean, _ = survival(counted([60.0] * 10)).still_running(np.array([500.0]), 60.0)

    assert mean == 1.0


@given(
    st.lists(st.floats(0.1, 5e3), max_size=60),
    st.lists(st.floats(0.0, 5e3), max_size=60),
    st.floats(0, 1e4),
)
def test_a_share_never_rises_with_age(ended: list[float], running: list[float], after_s: float):
    curve = survival(counted(ended), running)
    shares = curve.share(np.linspace(0, 6e3, 200))
    mean, variance = curve.still_running(np.array(running or [0.0]), after_s)

    assert np.all(np.diff(shares) <= 1e-12)
    assert np.all((shares >= 0) & (shares <= 1))
    assert 0 <= mean <= max(len(running), 1) + 1e-9
    assert 0 <= variance <= max(len(running), 1) / 4 + 1e-9
