"""An outage is told twice: when it begins, and when it is over."""

from core.outage import Outage
from tests.core.clocks import HandClock


def test_an_outage_begins_once_and_ends_once_with_how_long_it_took():
    clock = HandClock()
    outage = Outage(clock)
    told = [outage.begins(), outage.begins()]
    clock.now_ms += 2_340
    told.append(outage.begins())

    assert told == [True, False, False]
    assert outage.ends() == 2.3
    assert outage.ends() is None
    assert outage.begins(), "the next one is another"


def test_what_was_never_away_does_not_come_back():
    assert Outage(HandClock()).ends() is None
