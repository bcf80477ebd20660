"""When a drained node will be empty."""

import pytest
from hypothesis import given, strategies as st

from core.buckets import bucket_of
from fleets.capacity.survival import Survival, survival
from fleets.drain import all_ended, empty_in_s

TEN_MINUTES = survival({bucket_of(600.0): 100})

ages = st.lists(st.floats(0, 2_000), max_size=5)


def test_an_empty_node_is_empty_now():
    assert empty_in_s(TEN_MINUTES, []) == 0.0


def test_a_session_half_through_is_waited_for_half_its_length():
    assert empty_in_s(TEN_MINUTES, [300.0]) == pytest.approx(300, rel=0.1)


def test_the_youngest_says_when_the_node_is_empty():
    assert empty_in_s(TEN_MINUTES, [500.0, 100.0]) == pytest.approx(500, rel=0.1)


def test_what_would_last_longer_is_handed_over_at_the_deadline():
    assert empty_in_s(TEN_MINUTES, [100.0], by_s=60.0) == 60.0
    assert empty_in_s(TEN_MINUTES, [590.0], by_s=600.0) < 60.0
    assert empty_in_s(TEN_MINUTES, [100.0], by_s=-5.0) == 0.0


def test_without_a_past_only_the_deadline_is_known():
    assert empty_in_s(Survival(), [10.0]) is None
    assert empty_in_s(Survival(), [10.0], by_s=90.0) == 90.0


def test_a_session_older_than_any_before_it_says_nothing_of_its_end():
    assert empty_in_s(TEN_MINUTES, [5_000.0]) is None


@given(ages, st.floats(0, 1_000), st.floats(0, 1_000))
def test_the_longer_one_waits_the_likelier_it_is_over(old, first_s, more_s):
    sooner = all_ended(TEN_MINUTES, old, first_s)

    assert 0.0 <= sooner <= all_ended(TEN_MINUTES, old, first_s + more_s) + 1e-9


@given(ages.filter(bool), st.floats(-10, 1_000))
def test_nobody_expects_it_to_last_beyond_the_deadline(old, by_s):
    expected_s = empty_in_s(TEN_MINUTES, old, by_s=by_s)

    assert expected_s is not None
    assert 0.0 <= expected_s <= max(0.0, by_s)
