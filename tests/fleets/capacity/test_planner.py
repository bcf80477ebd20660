"""The planner: never below what is in use, within its bounds, and it says why."""

import math

from hypothesis import given, strategies as st

from fleets.capacity.forecast import Demand
from fleets.capacity.planner import LOOKS, Bounds, Sizing, critical_ratio, size_fleet

counts = st.integers(0, 500)


def sized(demand: Demand, *, size: int, in_use: int, waiting: int = 0, **bounds: int) -> Sizing:
    running = [in_use] * LOOKS
    return size_fleet(
        demand, running, size=size, in_use=in_use, waiting=waiting, bounds=Bounds(**bounds)
    )


def demand(mean: float, deviations: float = 3.0) -> Demand:
    return Demand(mean, mean * 1.5 + 0.25, deviations, 0.999)


@given(
    mean=st.floats(0, 300), size=counts, in_use=counts, waiting=counts, least=counts, most=counts
)
def test_a_fleet_keeps_to_its_bounds_but_never_below_what_is_in_use(
    mean: float, size: int, in_use: int, waiting: int, least: int, most: int
):
    least, most = sorted([least, most])
    sizing = sized(
        demand(mean), size=size, in_use=in_use, waiting=waiting, size_min=least, size_max=most
    )

    assert max(least, in_use) <= sizing.replicas <= max(most, in_use)
    assert sizing.wanted <= sizing.replicas


@given(mean=st.floats(0, 300), z=st.floats(0, 6), size=counts, in_use=counts)
def test_more_certainty_never_means_fewer_servers(mean: float, z: float, size: int, in_use: int):
    low = sized(demand(mean, z), size=size, in_use=in_use)
    high = sized(demand(mean, z + 0.5), size=size, in_use=in_use)

    assert low.replicas <= high.replicas


def test_a_claim_that_waits_is_worth_a_server():
    calm = sized(demand(5), size=0, in_use=10)
    crowded = sized(demand(5), size=0, in_use=10, waiting=7)

    assert crowded.replicas == calm.replicas + 7


def test_what_is_free_is_kept_a_little_longer_than_it_would_be_ordered():
    wanted = sized(demand(20), size=0, in_use=10).wanted
    kept = sized(demand(20), size=wanted + 2, in_use=10)
    far_too_many = sized(demand(20), size=wanted + 100, in_use=10)

    assert kept.replicas == wanted + 2
    assert kept.wanted == wanted < far_too_many.replicas < wanted + 20


def test_sessions_that_end_in_time_need_no_new_servers():
    stays = size_fleet(demand(5), [30] * LOOKS, size=0, in_use=30, waiting=0, bounds=Bounds())
    ends = size_fleet(
        demand(5), [30, 25, 20, 15, 10, 5], size=0, in_use=30, waiting=0, bounds=Bounds()
    )

    assert stays.replicas == 30 + math.ceil(demand(5).enough())
    assert ends.replicas == 30
    assert ends.still_running == 5


def test_the_critical_ratio_grows_with_the_price_of_a_cold_start():
    assert critical_ratio(1) == 0.5
    assert math.isclose(critical_ratio(999), 0.999)


def test_a_decision_says_why():
    why = sized(demand(20), size=0, in_use=12).why()

    assert "12 of 12 in use" in why
    assert "20.0 claims are expected" in why
    assert "99.90%" in why
