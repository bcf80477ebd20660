"""Players who are kept apart: whoever looks for matches, no match has both."""

import random

import numpy as np
import pytest

from core.ids import PlayerId, TicketId
from matchmaker.engine.apart import Apart, without_pairs
from matchmaker.engine.batch import Batch
from matchmaker.engine.columns import Columns
from matchmaker.engine.engine import Engine
from matchmaker.engine.passes import passes
from matchmaker.engine.pool import PoolView
from matchmaker.rules import files
from matchmaker.rules.asked import Asked
from matchmaker.rules.members import Party, Player
from matchmaker.rules.model import RatingWindow, Rules
from matchmaker.tickets import WaitingTicket

DUEL = files.load("teams: {red: 1, blue: 1}\n")
WINDOW = Rules(("red", "blue"), 1, RatingWindow(1000, 0, 1000))


def solo(name: str, *avoids: str) -> Party:
    return Party(name, (Player(name),), 0.0, frozenset(avoids))


def waiting(name: str, at_s: float = 0, **apart: int) -> WaitingTicket:
    who = {PlayerId(one): until for one, until in apart.items()}
    return WaitingTicket(TicketId(name), (PlayerId(name),), 1500.0, round(at_s * 1000), apart=who)


def made(rules: Asked, now_s: float, *tickets: WaitingTicket) -> list[set[str]]:
    done = passes(rules).matches(
        PoolView.of(list(tickets)), now_ms=round(now_s * 1000), matches_max=100
    )
    return [{one.id for team in match.teams for one in team} for match in done.found]


@pytest.mark.parametrize("rules", [DUEL, WINDOW])
def test_who_avoids_somebody_is_matched_with_somebody_else(rules: Asked):
    pair = [waiting("a", 0, b=0), waiting("b", 1)]

    assert made(rules, 9, *pair) == []
    assert made(rules, 9, *pair, waiting("c", 2)) == [{"a", "c"}]


@pytest.mark.parametrize("rules", [DUEL, WINDOW])
def test_it_holds_as_long_as_it_was_said(rules: Asked):
    pair = [waiting("a", 0, b=8000), waiting("b", 0, a=8000)]

    assert made(rules, 7.999, *pair) == []
    assert made(rules, 8, *pair) == [{"a", "b"}]


def test_the_passes_of_one_engine_see_it_end():
    ours = passes(DUEL)
    view = PoolView.of([waiting("a", 0, b=8000), waiting("b", 0)])

    found = [
        len(ours.matches(view, now_ms=now_ms, matches_max=9).found)
        for now_ms in (1000, 7999, 8000, 1000)
    ]

    assert found == [0, 0, 1, 0]


def test_a_party_is_kept_from_everybody_whom_one_of_it_avoids():
    trio = files.load("teams: {red: 2, blue: 1}\n")
    engine = Engine(trio)
    engine.add(Party("pair", (Player("a"), Player("b")), 0.0, frozenset({"x"})))
    engine.add(solo("x"))

    assert not len(engine.pass_(1.0))
    engine.add(solo("y"))
    assert len(engine.pass_(1.0)) == 1


def test_pairs_are_kept_up_as_parties_come_change_and_go():
    dice, columns = random.Random(3), Columns()
    apart = Apart(columns)
    there: dict[str, Party] = {}
    for _ in range(600):
        name = f"p{dice.randrange(30)}"
        if (old := there.pop(name, None)) is not None:
            apart.remove(old)
            columns.remove(name)
        if dice.random() < 0.7:
            party = solo(name, *(f"p{dice.randrange(40)}" for _ in range(dice.randrange(3))))
            columns.add(party)
            apart.add(party)
            there[name] = party

        found, anew = (
            [frozenset(columns.party(row).id for row in pair) for pair in one.pairs().T.tolist()]
            for one in (apart, Apart(columns))
        )

        wanted = {
            frozenset({one.id, other.id})
            for one in there.values()
            for other in there.values()
            if one is not other and one.keeps_from(other)
        }
        assert set(found) == set(anew) == wanted
        assert len(found) == len(anew) == len(wanted)


def test_matches_of_a_batch_fall_only_where_both_play():
    columns = Columns()
    for name in "abcd":
        columns.add(solo(name))
    a, b, c, d = (columns.row(name) for name in "abcd")
    seats = np.zeros((2, 2), np.int16)
    batch = Batch(columns, np.array([[a, b], [c, d]]), seats)

    assert without_pairs(batch, np.array([[a, a], [c, b]])).tolist() == [False, True]
    assert without_pairs(batch, np.zeros((2, 0), np.int64)).tolist() == [True, True]


def test_in_a_crowd_nobody_meets_again_and_nearly_everybody_plays():
    rules = files.load("teams: {red: 1, blue: 1}\nskill: {attribute: mmr, within: 200}\n")
    engine = Engine(rules)
    for n in range(1000):
        met = frozenset({f"p{n ^ 1}"})
        player = Player(f"p{n}", {"mmr": 1500 + n // 2})
        engine.add(Party(f"t{n}", (player,), n / 100, met))

    found = engine.pass_(20.0, seed=1)

    for match in found:
        one, other = (party.players[0].id for party in match.lineup.parties())
        assert int(one[1:]) ^ 1 != int(other[1:])
    assert len(found) >= 480


def test_of_a_large_match_those_are_left_out_who_are_kept_from_somebody_older():
    royale = files.load("teams: {squad: 21 of 2}\nbalance: mmr\ndefaults: {mmr: 1500}\n")
    engine = Engine(royale)
    for n in range(43):
        avoids = frozenset({"p0"}) if n == 1 else frozenset()
        engine.add(Party(f"t{n}", (Player(f"p{n}", {"mmr": 1500}),), n / 10, avoids))

    (made,) = engine.pass_(9.0)

    assert {"t0", "t1"} - {party.id for party in made.lineup.parties()} == {"t1"}
