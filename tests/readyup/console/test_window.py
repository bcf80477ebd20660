"""The sliding window and its percentiles."""

from hypothesis import given, strategies as st

from readyup.console.window import KEPT_S, PER_SECOND_MAX, Window, quantile, quantiles

SAMPLES = st.lists(st.floats(0, 1e6), min_size=1, max_size=200)


@given(SAMPLES, st.floats(0.01, 1.0))
def test_a_quantile_is_the_smallest_sample_that_covers_its_share(samples: list[float], q: float):
    found = quantile(sorted(samples), q)

    assert found in samples
    assert sum(s <= found for s in samples) >= q * len(samples)
    assert sum(s < found for s in samples) < q * len(samples) + 1e-6


def test_quantiles_of_nothing_are_unknown():
    found = quantiles([], (0.5, 0.95))

    assert found == (None, None)


def test_a_window_counts_only_the_seconds_asked_for():
    window = Window()
    for second in range(100, 110):
        window.add(second * 1000 + 5, float(second))

    assert window.count(110, 3) == 3
    assert sorted(window.samples(110, 3)) == [107.0, 108.0, 109.0]


def test_a_window_forgets_what_is_older_than_it_keeps():
    window = Window()
    window.add(1_000_000, 1.0)
    window.add(1_000_000 + KEPT_S * 1000, 2.0)
    window.add(1_000_500, 3.0)

    assert window.oldest_s() == 1000 + KEPT_S


def test_a_flood_within_one_second_is_counted_whole_and_kept_in_bounds():
    window = Window()
    for n in range(PER_SECOND_MAX + 10):
        window.add(5_000, float(n))

    assert window.count(6, 1) == PER_SECOND_MAX + 10
    assert len(window.samples(6, 1)) == PER_SECOND_MAX
