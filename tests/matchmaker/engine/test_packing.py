"""Teams from party sizes, by the table."""

import numpy as np
from hypothesis import given, strategies as st

from matchmaker.engine.packing import pack, patterns, units


@given(st.integers(1, 10), st.integers(1, 10))
def test_every_pattern_fills_a_team_exactly(size: int, largest: int):
    found = patterns(size, largest)

    assert all(sum(pattern) == size and max(pattern) <= largest for pattern in found)
    assert len(set(found)) == len(found)


@given(
    st.lists(st.lists(st.integers(0, 9), min_size=5, max_size=5), min_size=1, max_size=4),
    st.sampled_from([(1, 1), (5, 5), (5, 1), (4, 4, 4), (25,)]),
)
def test_no_party_is_dealt_twice_and_matches_are_whole(counts, shape):
    wanted = units(shape)

    packed, matches = pack(np.array(counts), wanted)

    used = sum(one.made @ one.patterns for one in packed)
    assert (used <= np.array(counts)).all()
    for one in packed:
        assert (one.made.sum(axis=1) == matches * one.each).all()


def test_units_of_a_large_team_are_as_even_as_can_be():
    assert [(unit.size, unit.team) for unit in units((25, 4))] == [(9, 0), (8, 0), (8, 0), (4, 1)]
