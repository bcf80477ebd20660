"""A fleet's size by forecast: never below what is in use, within its bounds, the same twice."""

import datetime as dt
from dataclasses import replace

import numpy as np
from hypothesis import given, settings, strategies as st

from core.buckets import bucket_of
from fleets.capacity.decision import Inputs
from fleets.capacity.events import Event
from fleets.capacity.sizer import Facts, Limits, Sizer, Target
from fleets.capacity.survival import survival

LIMITS = Limits(size_min=0, size_max=200, rooms=1, free_min=1, reserve_min=1, cold_cost=1000.0)
EIGHT = dt.datetime(2026, 12, 24, 20, tzinfo=dt.UTC)

limits = st.builds(
    lambda low, more, rooms, free, cost: Limits(low, low + more, rooms, free, free, cost),
    st.integers(0, 50),
    st.integers(0, 300),
    st.integers(1, 8),
    st.integers(1, 20),
    st.floats(0.1, 1e6),
)
facts = st.builds(
    lambda size, ages, servers, waiting: Facts(
        size=size,
        in_use=min(servers, len(ages)),
        waiting=waiting,
        ages_s=np.array(ages),
        survival=survival({bucket_of(60.0): 40, bucket_of(600.0): 3}, ages),
    ),
    st.integers(0, 400),
    st.lists(st.floats(0, 1e4), max_size=40),
    st.integers(0, 40),
    st.integers(0, 60),
)
counts = st.lists(st.integers(0, 30), max_size=40)


def fed(bounds: Limits, counts: list[int], *, lead_s: float = 8.0) -> Sizer:
    sizer = Sizer(bounds, lead_s=lead_s)
    sizer.observe([float(count) for count in counts])
    return sizer


@settings(max_examples=60, deadline=None)
@given(limits, counts, facts)
def test_never_below_what_is_in_use_nor_beyond_its_bounds(
    bounds: Limits, counts: list[int], seen: Facts
):
    target = fed(bounds, counts).target(seen)
    needed = max(seen.in_use, -(-len(seen.ages_s) // bounds.rooms))

    assert target.replicas >= needed
    assert target.replicas <= max(bounds.size_max, needed)
    assert target.replicas >= min(bounds.size_min, bounds.size_max)
    assert 0 <= target.reserve_rooms <= target.replicas * bounds.rooms - len(seen.ages_s)
    assert target.ready >= 0


@settings(max_examples=30, deadline=None)
@given(limits, counts, facts)
def test_the_same_past_and_facts_are_the_same_size(bounds: Limits, counts: list[int], seen: Facts):
    assert fed(bounds, counts).target(seen) == fed(bounds, counts).target(seen)


def with_one_room(target: Target, seen: Facts) -> int:
    return seen.in_use + target.reserve_rooms + target.ready


@settings(max_examples=30, deadline=None)
@given(counts, facts)
def test_the_size_is_in_use_and_reserve_and_ready(counts: list[int], seen: Facts):
    seen = replace(seen, in_use=len(seen.ages_s))
    target = fed(replace(LIMITS, size_max=1000), counts).target(seen)

    assert target.replicas == with_one_room(target, seen)


def test_a_fleet_without_a_past_keeps_some_free_and_answers_a_burst_at_once():
    sizer = fed(LIMITS, [])

    empty = sizer.target(Facts(size=0, in_use=0))
    burst = sizer.target(Facts(size=empty.replicas, in_use=0, waiting=50))

    assert 1 <= empty.replicas <= 15
    assert burst.replicas >= 50


def test_matches_that_end_soon_need_fewer_new_servers():
    sizer = fed(LIMITS, [1] * 60)
    short = survival({bucket_of(10.0): 100})
    ages = np.full(20, 9.0)

    unknown = sizer.target(Facts(size=0, in_use=20, ages_s=ages))
    known = sizer.target(Facts(size=0, in_use=20, ages_s=ages, survival=short))

    assert known.replicas < unknown.replicas


def test_an_announced_size_is_kept_within_the_bounds():
    cup = Event(at=EIGHT, servers=150)
    sizer = fed(LIMITS, [])

    assert sizer.target(Facts(size=0, in_use=0, event=cup)).replicas == 150
    beyond = Facts(size=0, in_use=0, event=replace(cup, servers=900))
    assert sizer.target(beyond).replicas == 200


def test_a_decision_is_a_sentence():
    cup = Event(at=EIGHT, servers=60, for_s=7200, note="winter cup")
    seen = Facts(size=0, in_use=2, waiting=3, ages_s=np.array([5.0, 9.0]), event=cup)
    sizer = fed(LIMITS, [1, 2, 0, 1])

    said = Inputs(sizer.target(seen), seen, 8.0, sizer.horizon_s).sentence()

    assert said.startswith("60 servers: 2 in use, 3 matches wait, ")
    assert "2.0 of 2 sessions will still run in 9 s" in said
    assert said.endswith("at least 60 from 2026-12-24 20:00 UTC for 2 h (winter cup)")
