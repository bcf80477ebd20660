"""The forecast: it knows a steady load, learns what the clock brings, and never looks ahead."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from fleets.capacity.forecast import Demand, Forecast
from fleets.capacity.level import Level
from fleets.capacity.seasons import Seasons
from fleets.capacity.surprises import Surprises

HORIZON = 19


def fed(counts, *, chance: float = 0.999, horizon: int = HORIZON) -> Forecast:
    forecast = Forecast(bin_s=5.0, horizon=horizon, chance=chance)
    for count in counts:
        forecast.observe(float(count))
    return forecast


def test_before_anything_is_known_one_claim_is_thought_possible():
    demand = fed([]).demand()

    assert 0 < demand.mean < 1
    assert demand.enough() > 1


def test_a_steady_load_is_known_nearly_as_well_as_it_can_be():
    dice = np.random.default_rng(1)

    demand = fed(dice.poisson(1.5, 6000)).demand()

    assert demand.mean == pytest.approx(1.5 * HORIZON, rel=0.25)
    # Poisson of 28.5: 99.9 % are below 46. No margin is much wider than that.
    assert 40 <= demand.enough() <= 56


def test_a_rising_load_is_followed_upwards():
    level = Level(HORIZON)
    for n in range(1000):
        level.observe(n / 100)

    # The next horizon begins at 10 a bin, and rises by a hundredth with each.
    assert level.mean == pytest.approx(HORIZON * (10 + HORIZON / 200), rel=0.02)


def test_a_burst_is_believed_within_a_few_bins():
    level = Level(HORIZON)
    for count in [1.0] * 1000 + [10.0] * 4:
        level.observe(count)

    assert level.mean > 3 * HORIZON


def test_what_came_every_hour_is_expected_the_next_time():
    hour, burst = 720, 60
    counts = np.full(7 * hour - 4, 0.5)
    for n in range(1, 7):
        counts[n * hour : n * hour + burst] = 8.0
    dice = np.random.default_rng(2)

    before_burst = fed(dice.poisson(counts))
    calm = fed(dice.poisson(counts[: -4 * HORIZON]))

    assert before_burst.demand().mean > 4 * HORIZON
    assert calm.demand().mean < 1.5 * HORIZON


def test_only_what_was_more_than_chance_is_repeated():
    seasons = Seasons(bin_s=900.0, horizon=1)  # an hour is four bins
    missed = np.array([0.0, 50.0, 2.0, 0.0, 0.0, 0.0])
    seasons.learn(missed, missed / 10)
    hour = seasons.periods.tolist().index(4)

    corrections, known = seasons.corrections(4, 3)

    assert known[hour]
    assert corrections[hour].tolist() == [0.0, 50.0, 0.0]


def test_a_margin_is_what_experience_asks_for():
    surprises = Surprises(forecasters=2, horizon=1, chance=0.99)
    errors = np.zeros((100, 2))
    errors[:3, 1] = 8.0  # the second is badly wrong in three of a hundred
    for _ in range(20):
        surprises.learn(np.full(100, 9.0), errors, np.array([True, True]))

    calm, wild = surprises.margins(9.0)
    elsewhere = surprises.margins(500.0)

    assert calm < 2.4
    assert wild > 7.5
    assert elsewhere == pytest.approx([2.326, 2.326], abs=0.1)


@given(
    mean=st.floats(0, 1e5),
    factor=st.floats(1, 50),
    deviations=st.floats(0, 30),
    share=st.floats(0.01, 1),
)
def test_more_certainty_and_more_time_need_more_servers(
    mean: float, factor: float, deviations: float, share: float
):
    demand = Demand(mean, mean * factor, deviations, 0.9)
    surer = Demand(mean, mean * factor, deviations + 0.5, 0.95)

    assert 0 <= demand.enough(share) <= surer.enough(share) * (1 + 1e-9)
    if deviations >= 1:
        assert demand.enough(share) <= demand.enough() * (1 + 1e-9)
        assert demand.enough(share) <= demand.enough(share, 1.25) * (1 + 1e-9)


def test_no_surprise_leads_beyond_the_highest_demand_of_late():
    calm = Demand(10.0, 12.0, deviations=20.0, chance=0.99, highest=50.0)
    busy = Demand(49.0, 60.0, deviations=20.0, chance=0.99, highest=50.0)

    assert calm.enough() == pytest.approx(50.0)
    assert 49 + 2 * 60**0.5 < busy.enough() < 49 + 3 * 60**0.5


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=300), st.sampled_from([2, 3, 7]))
def test_whatever_comes_a_forecast_is_a_number(counts: list[int], horizon: int):
    forecast = Forecast(bin_s=60.0, horizon=horizon, chance=0.9999)

    for count in counts:
        forecast.observe(count)
        demand = forecast.demand()
        assert np.isfinite([demand.mean, demand.variance, demand.enough()]).all()
        assert demand.mean >= 0
