"""Waits are estimated as by the slow, obvious way, and as often right as they say."""

import random

import pytest
from hypothesis import given, settings, strategies as st

from matchmaker.waits import (
    AT_RISK_MIN,
    BINS,
    EVERY,
    MATCHED_MIN,
    Waits,
    bin_of,
    edge_ms,
    remaining,
    strata,
    survival,
)

waits_of = st.lists(st.tuples(st.integers(0, BINS - 1), st.booleans()), max_size=150)


def counted(each: list[tuple[int, bool]]) -> Waits:
    waits = Waits()
    for n, matched in each:
        waits.add(n, 1, matched=matched)
    return waits


def slowly(each: list[tuple[int, bool]], at: int) -> float:
    """Kaplan-Meier from one ticket after the other."""
    share = 1.0
    for n in range(at + 1):
        at_risk = sum(1 for end, _ in each if end >= n)
        matched = sum(1 for end, was in each if end == n and was)
        if at_risk:
            share *= 1 - matched / at_risk
    return share


@settings(max_examples=40)
@given(waits_of)
def test_the_curve_is_that_of_the_slow_reference(each: list[tuple[int, bool]]):
    curve = survival(counted(each))

    if sum(matched for _, matched in each) < MATCHED_MIN:
        assert curve == []
    known = [n for n in range(BINS) if sum(end >= n for end, _ in each) >= AT_RISK_MIN]
    assert len(curve) in (0, len(known))
    for n, share in enumerate(curve):
        assert share == pytest.approx(slowly(each, n))


@given(st.floats(0, 2e7))
def test_a_wait_lies_within_its_bin(wait_ms: float):
    n = bin_of(wait_ms)

    assert wait_ms <= edge_ms(n) * (1 + 1e-6) or n == BINS - 1
    assert n == 0 or wait_ms >= edge_ms(n - 1) * (1 - 1e-6)


@settings(max_examples=30)
@given(waits_of, waits_of)
def test_histograms_of_two_slots_add_up_to_that_of_both(one, other):
    def slot(each: list[tuple[int, bool]]) -> dict[str, str]:
        fields: dict[str, int] = {}
        for n, matched in each:
            field = f"1:{n}:{'m' if matched else 'g'}"
            fields[field] = fields.get(field, 0) + 1
        return {field: str(count) for field, count in fields.items()}

    apart, together = strata([slot(one), slot(other)], ()), strata([slot(one + other)], ())
    assert survival(apart[EVERY]) == survival(together[EVERY])


def evening(chance: random.Random, many: int) -> list[tuple[float, float]]:
    """When a match would come for each ticket, and when it loses patience; in milliseconds."""
    return [
        (1000 * chance.lognormvariate(2.5, 0.8), 1000 * chance.expovariate(1 / 40))
        for _ in range(many)
    ]


@pytest.mark.parametrize("waited_s", [0, 5, 20])
def test_as_many_are_matched_within_the_interval_as_it_says(waited_s: int):
    chance = random.Random(7)
    waits = Waits()
    for match_ms, patience_ms in evening(chance, 4_000):
        waits.add(bin_of(min(match_ms, patience_ms)), 1, matched=match_ms <= patience_ms)
    estimate = remaining(survival(waits), waited_s * 1000)
    assert estimate is not None
    assert estimate.p90 is not None

    later = [ms / 1000 for ms, _ in evening(chance, 8_000) if ms / 1000 > waited_s]
    for share, within_s in ((0.5, estimate.p50), (0.9, estimate.p90)):
        covered = sum(match_s <= waited_s + within_s for match_s in later) / len(later)
        assert covered == pytest.approx(share, abs=0.04)


def test_who_gave_up_makes_a_queue_look_slower_and_not_quicker():
    chance = random.Random(3)
    honest, naive = Waits(), Waits()
    for match_ms, patience_ms in evening(chance, 2_000):
        matched = match_ms <= patience_ms / 4
        honest.add(bin_of(min(match_ms, patience_ms / 4)), 1, matched=matched)
        if matched:
            naive.add(bin_of(match_ms), 1, matched=True)
    true_s = sorted(ms / 1000 for ms, _ in evening(chance, 8_000))[4_000]
    ours, theirs = remaining(survival(honest), 0), remaining(survival(naive), 0)

    assert ours is not None
    assert theirs is not None
    assert ours.p50 == pytest.approx(true_s, rel=0.15)
    assert theirs.p50 < 0.7 * true_s


def test_nothing_is_said_where_too_little_is_known():
    waits = Waits()
    waits.add(bin_of(4_000), MATCHED_MIN - 1, matched=True)
    assert remaining(survival(waits), 0) is None

    waits.add(bin_of(4_000), 1, matched=True)
    waits.add(bin_of(90_000), 15, matched=False)
    estimate = remaining(survival(waits), 0)
    assert estimate is not None
    assert estimate.p90 is None, "nobody was seen to wait that out"
    assert remaining(survival(waits), 3_600_000) is None


def test_who_waits_now_counts_as_long_as_it_has_waited():
    found = strata([{"1:5:m": "30"}], [(1, 60_000)] * 60)
    quick, now = strata([{"1:5:m": "30"}], ())["1"], found["1"]

    assert survival(quick)[-1] == 0.0
    assert survival(now)[bin_of(60_000)] == pytest.approx(60 / 90)
