"""A recorded load: what is wrong in one is named with its line and the cure."""

import numpy as np
import pytest

from core.errors import Invalid
from fleets.capacity.trace import read_trace


def read(text: str):
    return read_trace("t.csv", text.splitlines())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "line 1: 0 columns are called 'at_s'"),
        ("time,claims\n0,1", "line 1: 0 columns are called 'at_s'"),
        ("at_s,claims,claims\n0,1,1", "line 1: 2 columns are called 'claims'"),
        ("at_s,claims\n", "no row follows line 1"),
        ("at_s,claims\n0,1\nx,2", "line 3: at_s 'x' is no number; write seconds"),
        ("at_s,claims\n0,1\n60", "line 3: claims '' is no number; write a whole number"),
        ("at_s,claims\n0,1\n60,nan", "line 3: claims 'nan' is out of range"),
        ("at_s,claims\n0,-1", "line 2: claims -1 is no count"),
        ("at_s,claims\n0,1.5", "line 2: claims 1.5 is no count"),
        ("at_s,claims\n60,1\n60,2", "line 3: at_s 60 is not after 60; sort the rows"),
        ("at_s,claims\n0,1\n1e10,2", "are too many; cut it"),
        ("at_s,claims\n0,1\n60," + "1" * 200_000, "line 3: field larger than field limit"),
    ],
)
def test_what_is_wrong_is_named_with_file_line_and_cure(text: str, told: str):
    with pytest.raises(Invalid) as refused:
        read(text)

    assert str(refused.value).startswith("t.csv")
    assert told in str(refused.value)


def test_columns_may_come_in_any_order_with_others_between():
    trace = read("\ufeffclaims , note, at_s\n3,x,0\n4,y,30\n\n5,z,90\n")

    assert trace.at_s.tolist() == [0, 30, 90]
    assert trace.claims.tolist() == [3, 4, 5]
    assert trace.end_s() == 150


def test_claims_are_spread_evenly_within_their_interval():
    trace = read("at_s,claims\n0,2\n60,0\n120,3")

    assert trace.instants().tolist() == [15, 45, 130, 150, 170]


def test_a_seed_spreads_claims_by_chance_and_always_alike():
    trace = read("at_s,claims\n0,500\n60,0\n120,300")
    times = trace.instants(7)

    assert np.array_equal(times, trace.instants(7))
    assert not np.array_equal(times, trace.instants(8))
    assert (np.diff(times) >= 0).all()
    assert np.histogram(times, [0, 60, 120, 180])[0].tolist() == [500, 0, 300]
