"""Sizes known beforehand: when they ask, for how long, and which of them counts."""

import datetime as dt

from hypothesis import given, strategies as st

from fleets.capacity.events import AHEAD_S, Event, ahead_s, announced

EIGHT = dt.datetime(2026, 12, 24, 20, tzinfo=dt.UTC)
AT_MS = round(EIGHT.timestamp() * 1000)
DAY_MS = 86_400_000


def event(**changes: object) -> Event:
    return Event(**{"at": EIGHT, "servers": 400, "for_s": 7200.0, **changes})


def test_servers_are_asked_for_a_little_ahead_and_kept_to_the_end():
    cup = event()
    asked = [
        cup.asks(AT_MS + round(after_s * 1000), ahead_s=60.0)
        for after_s in (-61, -60, 0, 7199, 7200)
    ]

    assert asked == [False, True, True, True, False]
    assert not cup.over(AT_MS + 7_199_999)
    assert cup.over(AT_MS + 7_200_000)


def test_a_slow_fleet_is_asked_earlier():
    assert ahead_s(1.0) == AHEAD_S
    assert ahead_s(300.0) == 900.0


def test_the_largest_of_those_that_ask_counts():
    small, large = event(servers=50), event(servers=80)
    later = event(servers=900, at=EIGHT + dt.timedelta(days=1))

    assert announced([small, large, later], now_ms=AT_MS, lead_s=1.0) is large
    assert announced([later], now_ms=AT_MS, lead_s=1.0) is None


@given(st.integers(0, 400), st.integers(-60, 7199))
def test_what_comes_every_day_asks_every_day(days: int, second: int):
    daily = event(every="day")

    now_ms = AT_MS + days * DAY_MS + second * 1000
    assert daily.asks(now_ms, ahead_s=60.0)
    assert not daily.asks(now_ms + 3 * 3_600_000, ahead_s=60.0)
    assert not daily.over(now_ms)
