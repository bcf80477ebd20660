"""The parts of a large match: how sizes fill teams, and how even the teams become."""

import random
from dataclasses import replace
from itertools import product
from statistics import fmean

import pytest

from matchmaker.engine.evening import evened
from matchmaker.engine.filling import Places, Sizes, fullest, players
from matchmaker.engine.forming import Former
from matchmaker.rules import flexmatch
from matchmaker.rules.members import Party, Player
from tests.matchmaker.tried import number, rule_set, teams


def most(there: Sizes, must: Sizes, places: tuple[Places, ...]) -> int | None:
    """Players of the fullest match, from every way to seat everybody."""
    parties = [size for size, count in enumerate(there, start=1) for _ in range(count)]
    found = []
    for seats in product((None, *range(len(places))), repeat=len(parties)):
        totals = [0] * len(places)
        played = [0] * len(must)
        for size, team in zip(parties, seats, strict=True):
            if team is not None:
                totals[team] += size
                played[size - 1] += 1
        sized = zip(totals, places, strict=True)
        if all(one.low <= total <= one.high for total, one in sized) and all(
            count >= needed for count, needed in zip(played, must, strict=True)
        ):
            found.append(sum(totals))
    return max(found, default=None)


def test_teams_are_filled_as_full_as_can_be():
    for seed in range(60):
        dice = random.Random(seed)
        there = tuple(dice.randint(0, 2) for _ in range(4))
        must = tuple(min(count, dice.choice((0, 0, 1))) for count in there)
        lows = [dice.randint(0, 5) for _ in range(dice.randint(1, 3))]
        places = tuple(Places(low, low + dice.randint(0, 3)) for low in lows)

        found = fullest(there, must, places)

        assert (None if found is None else sum(map(players, found))) == most(there, must, places)


def test_what_cannot_be_filled_is_known_soon():
    threes_and_few_others = (10, 0, 40, 0)

    assert fullest(threes_and_few_others, (0, 0, 0, 0), (Places(4, 4),) * 25) is None


SQUADS = flexmatch.load(
    rule_set(
        playerAttributes=[number("skill")],
        algorithm={"strategy": "balanced", "balancedAttribute": "skill"},
        teams=[{"name": "squad", "minPlayers": 4, "maxPlayers": 4, "quantity": 20}],
    )
)
SIDES = flexmatch.load(
    rule_set(
        playerAttributes=[number("skill")],
        algorithm={"strategy": "balanced", "balancedAttribute": "skill"},
        teams=teams((30, 30), (15, 15)),
    )
)


def party(n: int, size: int, dice: random.Random) -> Party:
    players = (Player(f"p{n}.{k}", {"skill": dice.gauss(1500, 300)}) for k in range(size))
    return Party(f"t{n}", tuple(players))


@pytest.mark.parametrize(
    ("rules", "seated", "apart"),
    [(SQUADS, [(0, 2)] * 20, 0.5), (SIDES, [(30,), (15,)], 0.02)],
)
def test_teams_are_as_even_in_the_balanced_attribute_as_swaps_make_them(rules, seated, apart):
    dice = random.Random(4)
    size = len(seated[0])
    count = sum(sizes[-1] for sizes in seated)
    chosen = [party(n, size, dice) for n in range(count)]

    lineup = evened(chosen, seated, rules)

    means = [
        fmean(one for held in lineup.seated[team.name] for one in held.values("skill"))
        for team in rules.teams
    ]
    by_chance = [
        fmean(one for held in chosen[n :: len(rules.teams)] for one in held.values("skill"))
        for n in range(len(rules.teams))
    ]
    assert sorted(held.id for held in lineup.parties()) == sorted(held.id for held in chosen)
    assert [lineup.size(team.name) for team in rules.teams] == [players(one) for one in seated]
    assert max(means) - min(means) < apart * (max(by_chance) - min(by_chance))


FREE_FOR_ALL = flexmatch.load(
    rule_set(
        playerAttributes=[number("skill")],
        algorithm={"strategy": "balanced", "balancedAttribute": "skill"},
        teams=teams((10, 41)),
    )
)


def test_who_avoids_the_anchor_makes_no_match_with_it_possible():
    former, dice = Former(FREE_FOR_ALL), random.Random(1)
    there = [replace(party(n, 1, dice), at_s=float(n)) for n in range(11)]
    there[9] = replace(there[9], avoids=frozenset({"p0.0"}))

    assert former.form(there[:9], 8.0) == []
    assert former.form(there[:10], 9.0) == []
    found = former.form(there, 10.0)

    assert [sorted(one.teams()["red"]) for one in found] == [
        sorted(f"t{n}" for n in (0, 1, 2, 3, 4, 5, 6, 7, 8, 10))
    ]
