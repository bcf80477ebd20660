"""The rivals: their formulas by table, and the oracle against everything that could be tried."""

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from core.errors import Invalid
from fleets.capacity.rivals import Buffer, HoltWinters, PlayFab, names, oracle, rival
from fleets.capacity.yard import Seen, World


def world(claims: list[float], *, lead_s: float = 10, session_s: float = 20, end_s: float = 1000):
    return World(np.array(sorted(claims), dtype=float), lead_s, session_s, 0.0, end_s)


def seen(*, in_session: int, size: int = 0, waiting: int = 0, now_s: float = 600, claimed: int = 0):
    return Seen(now_s, max(size, in_session), in_session, waiting, claimed)


@pytest.mark.parametrize(
    ("name", "in_session", "replicas"),
    [
        ("buffer:10", 0, 10),
        ("buffer:10", 7, 17),
        ("buffer:20%", 8, 10),
        ("buffer:20%", 9, 12),
        ("buffer:50%", 3, 6),
        ("buffer:99%", 1, 100),
        ("buffer:20%", 0, 1),
    ],
)
def test_a_buffer_is_sized_as_agones_does(name: str, in_session: int, replicas: int):
    policy = rival(name, world([]))

    assert policy is not None
    assert policy.every_s == 30
    assert policy.replicas(seen(in_session=in_session)) == replicas


@pytest.mark.parametrize(
    ("left", "standby"), [(20, 20), (10, 20), (9, 30), (5, 30), (4, 60), (1, 60), (0, 80)]
)
def test_playfab_raises_its_standby_as_it_runs_low(left: int, standby: int):
    # 120 claims in ten minutes are 0.2 in a second; over 100 s of lead time, 20.
    there = world(np.linspace(1, 600, 120).tolist(), lead_s=100)
    now = seen(in_session=50, size=50 + left, claimed=120)

    assert PlayFab(there).replicas(now) == 50 + standby


def test_holt_winters_follows_a_slope_and_never_goes_below_what_is_in_use():
    policy = HoltWinters(world([], lead_s=120))
    rising = [policy.replicas(seen(in_session=n, now_s=60.0 * n)) for n in range(1, 200)]
    flat = HoltWinters(world([]))

    assert rising[-1] >= 199 + 2  # a claim a minute, two minutes ahead
    assert [flat.replicas(seen(in_session=5, now_s=60.0 * n)) for n in range(5)] == [6] * 5


@pytest.mark.parametrize(
    "name",
    ["", "buffer", "buffer:x", "buffer:5@", "buffer:5@0", "playfab@x", "buffer:0%", "prophet"],
)
def test_a_policy_that_is_none_is_refused_with_its_name(name: str):
    with pytest.raises(Invalid, match=r"polic.*write"):
        rival(name, world([]))


def test_a_rival_keeps_the_name_it_was_given():
    asked = names("buffer:10@1.5, playfab@30,,oracle")

    assert asked == ["buffer:10@1.5", "playfab@30", "oracle"]
    assert rival(asked[0], world([])) == Buffer(10, 0, 1.5, "buffer:10@1.5")
    assert rival("oracle", world([])) is None


def least_idle_s(there: World) -> float:
    """Every way to give each claim a server of its own or one that a session left."""
    begins = np.maximum(there.claims, there.lead_s).tolist()
    ends = [begin_s + there.session_s for begin_s in begins]

    def idle_s(from_s: float, to_s: float) -> float:
        return max(0.0, min(to_s, there.end_s) - max(from_s, there.scored_from_s()))

    def least(claim: int, left: frozenset[int]) -> float:
        if claim == len(begins):
            return 0.0
        begin_s = begins[claim]
        after = left | {claim}
        best = idle_s(begin_s - there.lead_s, begin_s) + least(claim + 1, after)
        for other in left:
            if ends[other] <= begin_s:
                cost_s = idle_s(ends[other], begin_s)
                best = min(best, cost_s + least(claim + 1, after - {other}))
        return best

    return least(0, frozenset())


@settings(max_examples=80, deadline=None)
@given(
    claims=st.lists(st.integers(0, 160), max_size=6),
    lead_s=st.sampled_from([1, 10, 40]),
    session_s=st.sampled_from([1, 15, 60]),
)
def test_the_oracle_is_the_best_of_all_there_is(claims: list[int], lead_s: int, session_s: int):
    there = world([float(at) for at in claims], lead_s=lead_s, session_s=session_s, end_s=170)

    score = oracle(there)

    assert score.idle_server_hours * 3600 == pytest.approx(least_idle_s(there))
    assert score.cold == 0


def test_the_oracle_counts_its_servers():
    score = oracle(world([100.0, 101.0, 125.0, 500.0]))

    # Two at once; the third takes the one that is free at 121; the last needs a new one.
    assert (score.claims, score.peak_servers) == (4, 2)
    assert score.idle_server_hours * 3600 == pytest.approx(10 + 10 + 4 + 10)
    assert score.scale_actions == 3 + 3
    assert math.isclose(score.wait_s(99), 0.0)
