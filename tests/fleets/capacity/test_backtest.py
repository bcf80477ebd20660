"""Ours beside its rivals: nobody looks ahead, and the bargain is better."""

from dataclasses import asdict, replace

import numpy as np
import pytest

from core.errors import Invalid
from fleets.capacity.backtest import OURS, Ours, Try, backtest, frontier_costs
from fleets.capacity.rivals import rival
from fleets.capacity.yard import Policy, Seen, World, run


def steady(rate: float = 0.4, lasts_s: float = 4 * 3600.0, *, seed: int = 1) -> World:
    dice = np.random.default_rng(seed)
    claims = np.sort(dice.uniform(0, lasts_s, dice.poisson(rate * lasts_s)))
    return World(claims, 90.0, 900.0, 0.0, lasts_s)


class Watched:
    """A policy whose decisions are written down."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.name, self.every_s = policy.name, policy.every_s
        self.decisions: list[tuple[Seen, int]] = []

    def replicas(self, seen: Seen) -> int:
        replicas = self._policy.replicas(seen)
        self.decisions.append((seen, replicas))
        return replicas


@pytest.mark.parametrize("name", [OURS, "buffer:20@30", "buffer:20%@30", "playfab", "holtwinters"])
def test_another_future_changes_no_decision_of_the_past(name: str):
    there = steady()
    now_s = 2 * 3600.0
    past = there.claims[there.claims < now_s]
    other = replace(there, claims=np.concatenate([past, np.linspace(now_s, there.end_s, 9000)]))

    decisions = []
    for one in (there, other):
        policy = Ours(one) if name == OURS else rival(name, one)
        assert policy is not None
        watched = Watched(policy)
        run(watched, one)
        decisions.append([each for each in watched.decisions if each[0].now_s < now_s])

    assert len(decisions[0]) > 100
    assert decisions[0] == decisions[1]


def test_a_higher_price_of_a_cold_start_buys_fewer_with_more_idle_time():
    scores = backtest(steady(), [Try(OURS, cost) for cost in (1.0, 30.0, 1000.0)])
    shares = [score.cold_share() for score in scores]
    hours = [score.idle_server_hours for score in scores]

    assert shares == sorted(shares, reverse=True)
    assert hours == sorted(hours)


def test_ours_has_a_tenth_of_the_cold_starts_of_a_buffer_that_idles_as_much():
    buffer, ours, best = backtest(steady(), [Try("buffer:20"), Try(OURS, 30.0), Try("oracle")])

    assert ours.idle_server_hours <= buffer.idle_server_hours * 1.02
    assert ours.cold_share() <= buffer.cold_share() / 10
    assert best.idle_server_hours < ours.idle_server_hours


def test_a_new_fleet_is_warm_after_two_lead_times():
    ours = backtest(steady(2.0, 1800.0), [Try(OURS)])[0]

    assert ours.claims > 2000
    assert ours.cold_share() < 0.02


def test_rows_keep_the_order_and_the_names_they_were_asked_in():
    tries = [Try(OURS), Try("playfab@30"), Try("oracle"), Try("buffer:5@1")]
    scores = backtest(steady(lasts_s=1200.0), tries)

    assert [score.name for score in scores] == ["readyup", "playfab@30", "oracle", "buffer:5@1"]
    assert len({score.claims for score in scores}) == 1


def test_an_unknown_policy_is_refused_before_anything_runs():
    with pytest.raises(Invalid, match="prophet"):
        backtest(steady(lasts_s=600.0), [Try(OURS), Try("prophet")])


def test_an_empty_load_costs_a_server_and_nothing_else():
    there = World(np.empty(0), 90.0, 900.0, 0.0, 3600.0)
    ours, best = backtest(there, [Try(OURS), Try("oracle")])

    assert (ours.claims, ours.cold_share(), ours.wait_s(99)) == (0, 0.0, 0.0)
    assert ours.idle_server_hours < 5
    assert best.idle_server_hours == 0


def test_the_frontier_goes_from_cheap_to_dear():
    costs = frontier_costs()

    assert costs == sorted(set(costs))
    assert (costs[0], costs[-1]) == (1, 100_000)


@pytest.mark.slow
def test_several_processes_come_to_the_same_scores(monkeypatch: pytest.MonkeyPatch):
    there = steady(lasts_s=3600.0)
    tries = [Try(OURS), Try("buffer:20"), Try("oracle")]
    alone = backtest(there, tries)
    monkeypatch.setattr("fleets.capacity.backtest.WORTH_PROCESSES", 0)

    together = backtest(there, tries, jobs=2)

    for one, other in zip(alone, together, strict=True):
        assert asdict(one).keys() == asdict(other).keys()
        assert all(np.array_equal(asdict(one)[key], asdict(other)[key]) for key in asdict(one))
