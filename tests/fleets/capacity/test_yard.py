"""The fleet on paper: held against one that is slow and plain, and by hand."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from fleets.capacity.rivals import Buffer
from fleets.capacity.yard import Policy, Seen, World, run
from tests.fleets.capacity.slow import SlowYard


class Fixed:
    """Wants what a list says, again and again; half the time beside those in session."""

    def __init__(self, sizes: list[int], every_s: float, *, beside: bool) -> None:
        self.name, self.every_s = "fixed", every_s
        self._sizes, self._beside, self._turn = sizes, beside, 0

    def replicas(self, seen: Seen) -> int:
        size = self._sizes[self._turn % len(self._sizes)]
        self._turn += 1
        return size + seen.in_session if self._beside else size


def world(claims: list[float], *, lead_s: float = 10, session_s: float = 20, end_s: float = 100):
    return World(np.array(sorted(claims), dtype=float), lead_s, session_s, 0.0, end_s)


# Quarters of a second are exact in binary, so that what happens at one instant does so in both.
quarters = st.integers(0, 399).map(lambda n: n / 4)


@settings(max_examples=120, deadline=None)
@given(
    claims=st.lists(quarters, max_size=40),
    sizes=st.lists(st.integers(0, 12), min_size=1, max_size=6),
    every_s=st.sampled_from([0.5, 1.0, 3.0, 7.25, 30.0]),
    lead_s=st.sampled_from([0.25, 2.0, 9.5, 30.0]),
    session_s=st.sampled_from([0.5, 4.0, 20.0, 60.0]),
    beside=st.booleans(),
)
def test_it_agrees_with_a_fleet_gone_through_event_by_event(
    claims: list[float],
    sizes: list[int],
    every_s: float,
    lead_s: float,
    session_s: float,
    beside: bool,
):
    there = world(claims, lead_s=lead_s, session_s=session_s)
    # Whoever waits at the end must be served one day, or both would go on for ever.
    sizes = [*sizes, 2]

    score = run(Fixed(sizes, every_s, beside=beside), there)
    slow = SlowYard(Fixed(sizes, every_s, beside=beside), there).run()

    assert (score.claims, score.cold) == (slow.claims, len(slow.waits_s))
    assert score.waits_s.tolist() == pytest.approx(slow.waits_s)
    assert score.idle_server_hours * 3600 == pytest.approx(slow.idle_s, abs=1e-6)
    assert (score.peak_servers, score.scale_actions) == (slow.peak, slow.actions)


def test_a_claim_is_warm_when_a_server_is_free_at_that_instant():
    score = run(Buffer(count=1, every_s=30, name="b"), world([35.0, 57.0]))

    # The first takes the one server at 35; at 57 that session is over.
    assert (score.claims, score.cold) == (2, 0)


def test_a_cold_claim_takes_the_first_server_free():
    score = run(Buffer(count=1, every_s=30, name="b"), world([35.0, 40.0, 41.0]))

    # One server until the tick at 60, when one more is ordered. The session ends at 55.
    assert score.cold == 2
    assert score.waits_s.tolist() == [15.0, 29.0]


def test_the_first_two_lead_times_are_not_scored():
    score = run(Buffer(count=3, every_s=30, name="b"), world([1.0, 2.0, 19.9]))

    assert (score.claims, score.cold, score.cold_share()) == (0, 0, 0.0)
    assert score.wait_s(99) == 0.0


def test_a_server_is_idle_from_its_creation_but_not_in_session():
    score = run(Buffer(count=1, every_s=100, name="b"), world([30.0]))

    # One server from 0 to 100, scored from 20 on, in session for 20 of those 80 seconds.
    assert score.idle_server_hours * 3600 == pytest.approx(60.0)


def test_a_fleet_that_never_orders_a_server_comes_to_an_end():
    score = run(Buffer(count=0, every_s=30, name="b"), world([30.0, 40.0]))

    assert (score.cold, score.peak_servers) == (2, 0)
    assert score.waits_s.tolist() == [70.0, 60.0]


def test_a_server_in_session_is_never_removed():
    class Greedy:
        name, every_s = "greedy", 1.0

        def replicas(self, seen: Seen) -> int:
            return 1 if seen.now_s < 25 else 0

    policy: Policy = Greedy()
    score = run(policy, world([21.0]))

    # Ready from 10, taken at 21, in session to 41; removed then, and idle in 20 to 21 only.
    assert score.cold == 0
    assert score.idle_server_hours * 3600 == pytest.approx(1.0)
