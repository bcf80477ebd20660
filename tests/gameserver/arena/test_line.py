"""Matches of the arena over lines that delay, lose, double and reorder, marked all the way."""

from collections import Counter

import pytest

from tests.gameserver.arena import line
from tests.gameserver.arena.playing import DSCP, QUALITIES, Played, Quality, play, share

SECONDS, MATCHES = 1.5, 4

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(line.missing()), reason=line.missing() or "there can be a line"),
]


@pytest.mark.parametrize("quality", QUALITIES, ids=str)
async def test_matches_end_as_they_should_over(quality: Quality):
    played = await play(quality, seconds=SECONDS, matches=MATCHES)

    everybody_stayed(played)
    both_ends_know_the_same(played)
    assert set(played.line.far.marks) == {DSCP}, "what the game sends is marked, all of it"
    assert set(played.line.near.marks) == {0}
    the_line_was(quality, played)


def everybody_stayed(played: Played) -> None:
    counted = Counter(played.events)

    assert played.refusals == []
    assert counted["player.joined"] == 2 * MATCHES
    assert counted["player.left"] == 0
    assert counted["match.finished"] == MATCHES
    assert {how.reason for _, _, how in played.endings} == {"finished"}


def both_ends_know_the_same(played: Played) -> None:
    for match, player, how in played.endings:
        told = played.results[match]
        own = told["players"][player]

        assert how.result == {
            "winner": told["winner"],
            "teams": told["teams"],
            "team": own["team"],
            "score": own["score"],
        }
        assert own["joins"] == 1


def the_line_was(quality: Quality, played: Played) -> None:
    carried = played.line
    late = sum(kept.late for kept in played.samples)

    # A packet that overtakes is not delayed: then most round trips are late in one direction.
    ways = 1.0 if quality.early_share else 1.5
    assert share(played.round_trips_ms(), 0.5) >= ways * (quality.delay_ms - quality.jitter_ms)
    if not carried.by_netem:
        assert carried.lost == pytest.approx(quality.lost_share * carried.sent, rel=0.6)
    assert (late > 0) == (quality.early_share > 0)
