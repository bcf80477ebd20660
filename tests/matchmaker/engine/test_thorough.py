"""The engine of tools: exact where that ends, and the director's engine for whom it does not."""

import random

from matchmaker.engine import thorough
from matchmaker.engine.forming import Former
from matchmaker.engine.thorough import Search
from matchmaker.rules.members import Party
from readyup.bench.crowds import GAMES

SQUADS = next(game for game in GAMES if game.name == "squads")


def everybody(tickets: int) -> dict[str, Party]:
    return {party.id: party for party in SQUADS.crowd(tickets, seed=3)}


def test_a_small_crowd_is_searched_to_the_end():
    waiting = {party.id: party for party in GAMES[0].crowd(20, seed=3)}
    exact = Former(GAMES[0].rules()).form(waiting.values(), 10.0)

    found = Search(GAMES[0].rules(), seed=1).matches(waiting, 10.0, last=False)

    assert [made.teams() for made in found] == [made.teams() for made in exact]


def test_whom_the_steps_do_not_reach_the_engine_looks_at(monkeypatch):
    monkeypatch.setattr(thorough, "STEPS", 300)
    waiting = everybody(150)
    search = Search(SQUADS.rules(), seed=1)

    found = search.matches(waiting, 30.0, last=True)

    playing = [party.id for made in found for party in made.lineup.parties()]
    assert len(playing) == len(set(playing))
    assert sum(waiting[ticket].size() for ticket in playing) > 0.6 * sum(
        party.size() for party in waiting.values()
    )


def test_the_same_crowd_and_seed_give_the_same_matches_in_any_order(monkeypatch):
    monkeypatch.setattr(thorough, "STEPS", 300)
    waiting = everybody(120)
    names = list(waiting)
    random.Random(5).shuffle(names)
    mixed = {name: waiting[name] for name in names}

    one = Search(SQUADS.rules(), seed=1).matches(waiting, 30.0, last=True)
    other = Search(SQUADS.rules(), seed=1).matches(mixed, 30.0, last=True)

    assert [made.teams() for made in one] == [made.teams() for made in other]
