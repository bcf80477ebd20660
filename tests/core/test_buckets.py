"""Buckets of durations: right within a bucket, and merged by adding."""

from collections import Counter

from hypothesis import given, strategies as st

from core.buckets import bucket_of, edge_s, merged, quantile_s, took_commands

durations = st.lists(st.floats(0.02, 1e5), min_size=1, max_size=200)


@given(durations, st.floats(0.01, 1.0))
def test_a_quantile_is_right_within_a_bucket(durations_s: list[float], share: float):
    counts = Counter(map(bucket_of, durations_s))

    said = quantile_s(counts, share)

    ranked = sorted(durations_s)
    true_s = ranked[max(0, -int(-share * len(ranked) // 1) - 1)]
    assert said is not None
    assert true_s * 0.9999 <= said <= true_s * 1.0906


@given(durations, durations)
def test_merging_is_adding(one: list[float], other: list[float]):
    apart = merged([Counter(map(bucket_of, one)), Counter(map(bucket_of, other))])

    assert apart == Counter(map(bucket_of, one + other))


def test_nothing_has_no_quantile():
    assert quantile_s({}, 0.9) is None


def test_what_is_shorter_than_the_first_bucket_is_in_it():
    assert bucket_of(0.0) == bucket_of(0.01) == 0
    assert edge_s(8) == 0.02


def test_durations_are_sent_as_one_increment_for_each_bucket():
    day_ms = 86_400_000 * 5 + 17

    commands = took_commands("{f:arena}", "start", [1.0, 1.01, 9.0], now_ms=day_ms)

    key = "{f:arena}:took:start:5"
    assert commands == [
        ("HINCRBY", key, bucket_of(1.0), 2),
        ("HINCRBY", key, bucket_of(9.0), 1),
        ("EXPIRE", key, 259_200),
    ]
    assert took_commands("{f:arena}", "start", [], now_ms=day_ms) == []
