"""When the matches in line can expect a room."""

import pytest
from hypothesis import given, strategies as st

from core.buckets import bucket_of
from fleets.capacity.line import Coming, expected_waits_s
from fleets.capacity.survival import Survival, survival


def test_what_is_ready_comes_first_then_what_started_first_then_what_is_not_begun():
    waits_s = expected_waits_s(
        5,
        Coming(
            ready=1,
            starting_s=[1.0, 8.0],
            ages_s=[],
            curve=Survival(),
            lead_s=10.0,
            refill_s=0.5,
        ),
    )

    assert waits_s == [0.5, 2.5, 9.5, 10.5, 10.5]


def test_a_session_that_is_about_to_end_is_a_room():
    waits_s = expected_waits_s(
        2,
        Coming(
            ready=0,
            starting_s=[],
            ages_s=[295.0, 10.0],
            curve=survival({bucket_of(300.0): 50}),
            lead_s=60.0,
            refill_s=0.5,
        ),
    )

    assert waits_s[0] < 40
    assert waits_s[1] == pytest.approx(60.5)


def test_where_few_start_at_a_time_the_others_come_in_waves():
    world = Coming(
        ready=0,
        starting_s=[0.0, 0.0],
        ages_s=[],
        curve=Survival(),
        lead_s=10.0,
        refill_s=1.0,
        rooms=2,
        starting_max=2,
    )

    assert expected_waits_s(9, world) == [11.0] * 4 + [21.0] * 4 + [31.0]


@given(
    st.integers(0, 30),
    st.integers(0, 5),
    st.lists(st.floats(0, 100), max_size=9),
    st.lists(st.floats(0, 400), max_size=9),
)
def test_everybody_in_line_is_told_in_order(
    waiting: int, ready: int, starting_s: list[float], ages_s: list[float]
):
    waits_s = expected_waits_s(
        waiting,
        Coming(
            ready=ready,
            starting_s=starting_s,
            ages_s=ages_s,
            curve=survival({bucket_of(200.0): 9}),
            lead_s=50.0,
            refill_s=1.0,
            rooms=2,
        ),
    )

    assert len(waits_s) == waiting
    assert waits_s == sorted(waits_s)
    assert all(0 <= wait_s <= 51 for wait_s in waits_s)
