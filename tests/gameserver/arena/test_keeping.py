"""A match of the arena that goes on at another server."""

import pytest

from core.errors import Invalid
from gameserver.arena import world as rules
from gameserver.arena.arena import KEEP_TICKS
from gameserver.arena.keeping import keep, restored
from gameserver.arena.match import TICK_HZ
from tests.gameserver.arena.table import AWAY, RUN, Table

WORLD = rules.World(2.5, (rules.Player(0, 1.5, 2.0, 3, 0.25), rules.Player(1, 50.0, 60.0)))


def test_what_is_kept_comes_back_as_it_was():
    back = restored(keep(150, WORLD), players=2)

    assert (back.ticks, back.world) == (150, WORLD)


@pytest.mark.parametrize(
    ("state", "players"), [(b"", 2), (b"{}", 2), (keep(1, WORLD), 3), (keep(1, WORLD)[:-1], 2)]
)
def test_what_is_none_of_ours_is_refused(state: bytes, players: int):
    with pytest.raises(Invalid, match="snapshot"):
        restored(state, players=players)


def test_a_hundred_players_stay_far_below_what_is_kept():
    crowd = rules.World(1.0, tuple(rules.Player(0, 1.1, 2.2, 65_535, 0.3) for _ in range(100)))

    assert len(keep(10**6, crowd)) < 6_000


def test_the_next_server_goes_on_where_this_one_was():
    before = Table()
    before.hear(before.join("ann").input())
    before.join("bob", AWAY)
    before.tick(2 * TICK_HZ)
    after = Table(snapshot=before.host.kept)
    at_first = (after.match.ticks, after.match.world)
    after.tick(TICK_HZ)
    waits = after.match.ticks
    ann = after.join("ann")
    after.hear(ann.input(RUN))
    after.join("bob", AWAY)
    after.tick(8 * TICK_HZ + KEEP_TICKS)

    assert before.match.ticks - at_first[0] < KEEP_TICKS
    assert at_first[1].players != rules.begin([0, 1]).players
    assert waits == at_first[0]  # nobody is back yet
    assert ("finished", after.host.result["winner"]) in after.host.said
    assert after.host.result["seconds"] == pytest.approx(10.0, abs=0.1)
    assert before.match.seats[ann.seat].player == "ann"
