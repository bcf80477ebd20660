"""Counters and lists alone: what fits, what is cut, what is refused."""

import pytest
from hypothesis import given, strategies as st

from core.errors import Conflict, Invalid, NotFound
from gameserver.sidecar.counts import LIST_CAPACITY_MAX, Counter, Names, OutOfRange

ROOMS = Counter(1, 10)
PLAYERS = Names(("a", "b", "c"), 3)
NUMBERS = st.integers(-(2**63), 2**63 - 1)


def updated(
    counter: Counter, *, capacity: int | None = None, count: int | None = None, diff: int = 0
) -> Counter:
    return counter.updated(capacity=capacity, count=count, diff=diff)


def test_one_request_changes_the_capacity_first():
    assert updated(ROOMS, diff=-1, capacity=42) == Counter(0, 42)
    assert updated(ROOMS, count=40, capacity=42) == Counter(40, 42)
    assert updated(ROOMS, count=40, capacity=42, diff=2) == Counter(42, 42)


def test_a_capacity_below_the_count_takes_the_count_with_it():
    assert updated(Counter(8, 10), capacity=5) == Counter(5, 5)


@pytest.mark.parametrize(
    "asked",
    [
        {"diff": 10},
        {"diff": -2},
        {"count": 11},
        {"count": -1},
        {"capacity": -1},
        {"capacity": 0, "diff": 1},
        {"count": 11, "diff": -1},
    ],
)
def test_a_count_that_does_not_fit_is_refused(asked):
    with pytest.raises(OutOfRange, match=r"^out of range\."):
        updated(ROOMS, **asked)


def test_a_request_for_nothing_is_refused():
    with pytest.raises(Invalid, match=r"^invalid argument"):
        updated(ROOMS)


@given(capacity=NUMBERS | st.none(), count=NUMBERS | st.none(), diff=NUMBERS)
def test_a_counter_is_always_within_its_range(capacity, count, diff):
    try:
        after = updated(ROOMS, capacity=capacity, count=count, diff=diff)
    except Invalid:
        after = ROOMS.clamped(capacity=capacity, diff=diff)

    assert 0 <= after.count <= after.capacity < 2**63


def test_a_full_list_and_a_value_that_is_there_are_refused():
    with pytest.raises(OutOfRange, match="No available capacity"):
        PLAYERS.added("d", name="players")
    with pytest.raises(Conflict, match=r"^already exists"):
        PLAYERS.sized(9).added("a", name="players")
    with pytest.raises(NotFound, match=r"^not found"):
        PLAYERS.removed("d", name="players")


@pytest.mark.parametrize("capacity", [-1, LIST_CAPACITY_MAX + 1])
def test_a_list_has_room_for_so_many_and_no_more(capacity):
    with pytest.raises(OutOfRange):
        PLAYERS.sized(capacity)


def test_a_smaller_list_keeps_its_first_values():
    assert PLAYERS.sized(2) == Names(("a", "b"), 2)
    assert PLAYERS.filled(["x", "y", "x", "z", "w"]) == Names(("x", "y", "z"), 3)
