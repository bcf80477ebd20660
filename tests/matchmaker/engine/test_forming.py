"""What the search finds, beside a search that looks at everything."""

import json
import random
from itertools import product

import pytest

from matchmaker.engine.forming import Former
from matchmaker.rules import flexmatch
from matchmaker.rules.judge import meets_all
from matchmaker.rules.members import Lineup, Party, Player
from matchmaker.rules.ruleset import RuleSet

SKILLS = "flatten(teams[*].players.attributes[skill])"
MAPS = "flatten(teams[*].players.attributes[maps])"
RULES = (
    {"type": "distance", "measurements": ["avg(teams[*].players.attributes[skill])"],
     "referenceValue": f"avg({SKILLS})", "maxDistance": 1},
    {"type": "distance", "measurements": [SKILLS],
     "referenceValue": f"avg({SKILLS})", "maxDistance": 2},
    {"type": "batchDistance", "batchAttribute": "skill", "maxDistance": 3},
    {"type": "batchDistance", "batchAttribute": "mode"},
    {"type": "comparison", "measurements": ["count(teams[red].players)"],
     "referenceValue": "count(teams[blue].players)", "operation": "="},
    {"type": "comparison", "measurements": [SKILLS], "operation": "!="},
    {"type": "comparison", "measurements": ["teams[red].players.attributes[skill]"],
     "referenceValue": "max(teams[blue].players.attributes[skill])", "operation": ">="},
    {"type": "collection", "measurements": [MAPS], "operation": "intersection", "minCount": 1},
    {"type": "collection", "measurements": [MAPS], "operation": "contains",
     "referenceValue": "a", "minCount": 1, "maxCount": 2},
    {"type": "collection", "measurements": ["teams[red].players.attributes[maps]"],
     "operation": "reference_intersection_count", "minCount": 1,
     "referenceValue": "set_intersection(teams[blue].players.attributes[maps])"},
    {"type": "latency", "maxLatency": 50},
    {"type": "latency", "maxLatency": 60, "maxDistance": 20, "distanceReference": "min"},
)  # fmt: skip


def any_rules(dice: random.Random) -> RuleSet:
    chosen = dice.sample(RULES, dice.randint(0, 3))
    declared = {"skill": "number", "mode": "string", "maps": "string_list"}
    return flexmatch.load(
        json.dumps(
            {
                "ruleLanguageVersion": "1.0",
                "playerAttributes": [
                    {"name": name, "type": kind} for name, kind in declared.items()
                ],
                "teams": [
                    {"name": name, "minPlayers": 1, "maxPlayers": dice.randint(1, 3)}
                    for name in ("red", "blue")
                ],
                "rules": [{"name": f"r{n}", **rule} for n, rule in enumerate(chosen)],
            }
        )
    )


def any_party(n: int, dice: random.Random) -> Party:
    players = [
        Player(
            f"p{n}.{k}",
            {
                "skill": dice.randint(0, 6),
                "mode": dice.choice("xxy"),
                "maps": dice.sample("abc", dice.randint(1, 2)),
            },
            {region: dice.choice((20, 40, 70)) for region in ("eu", "us")},
        )
        for k in range(dice.choice((1, 1, 1, 2)))
    ]
    return Party(f"t{n}", tuple(players), float(n))


def largest(parties: list[Party], rules: RuleSet, anchor: Party) -> int:
    """Players of the fullest match with the anchor and nobody older; 0 when there is none."""
    younger = [party for party in parties if party.at_s > anchor.at_s]
    best = 0
    for seats in product((None, "red", "blue"), repeat=len(younger)):
        for seat in ("red", "blue"):
            lineup = Lineup.empty(rules.teams)
            lineup.seated[seat].append(anchor)
            for party, team in zip(younger, seats, strict=True):
                if team is not None:
                    lineup.seated[team].append(party)
            if lineup.players() > best and meets_all(lineup, rules):
                best = lineup.players()
    return best


@pytest.mark.parametrize("block", range(8))
def test_the_oldest_who_can_play_gets_the_fullest_match_there_is(block: int):
    for seed in range(block * 20, block * 20 + 20):
        dice = random.Random(seed)
        rules = any_rules(dice)
        parties = [any_party(n, dice) for n in range(dice.randint(2, 5))]

        formed = Former(rules).form(parties, 10.0)

        sizes = {party.id: largest(parties, rules, party) for party in parties}
        anchor = next((party.id for party in parties if sizes[party.id]), None)
        assert all(meets_all(made.lineup, rules) for made in formed), seed
        if anchor is None:
            assert formed == [], seed
        else:
            assert formed[0].lineup.players() == sizes[anchor], seed
            assert anchor in {party.id for party in formed[0].lineup.parties()}, seed


@pytest.mark.parametrize("block", range(4))
def test_whoever_comes_one_by_one_finds_what_a_fresh_search_finds(block: int):
    for seed in range(block * 25, block * 25 + 25):
        dice = random.Random(seed)
        rules = any_rules(dice)
        parties = [any_party(n, dice) for n in range(6)]
        former, waiting = Former(rules), list[Party]()

        for n, party in enumerate(parties):
            waiting.append(party)
            fresh = [made.lineup.players() for made in Former(rules).form(waiting, float(n))]
            formed = former.form(waiting, float(n))

            assert [made.lineup.players() for made in formed] == fresh, seed
            gone = {one.id for made in formed for one in made.lineup.parties()}
            waiting = [one for one in waiting if one.id not in gone]


def crowd(*skills: float) -> list[Party]:
    return [
        Party(f"t{n}", (Player(f"t{n}", {"skill": s, "mode": "x", "maps": ["a"]}),))
        for n, s in enumerate(skills)
    ]


def ruled(*rules: dict[str, object], **more: object) -> RuleSet:
    declared = {"skill": "number", "mode": "string", "maps": "string_list"}
    return flexmatch.load(
        json.dumps({
            "ruleLanguageVersion": "1.0",
            "playerAttributes": [{"name": name, "type": of} for name, of in declared.items()],
            "teams": [{"name": n, "minPlayers": 1, "maxPlayers": 8} for n in ("red", "blue")],
            "rules": [{"name": f"r{n}", **rule} for n, rule in enumerate(rules)],
            **more,
        })
    )  # fmt: skip


def test_hopeless_full_matches_do_not_starve_a_smaller_one():
    # No full match has this sum, which no rule tells before it is full.
    rules = ruled(
        {"type": "comparison", "measurements": [f"sum({SKILLS})"], "operation": "=",
         "referenceValue": 3}
    )  # fmt: skip

    formed = Former(rules).form(crowd(*[1] * 24), 0.0)

    assert [made.lineup.players() for made in formed] == [3] * 8


def test_a_search_that_stopped_early_is_known():
    rules = ruled(
        {"type": "comparison", "measurements": [f"sum({SKILLS})"], "operation": "=",
         "referenceValue": 3.5}
    )  # fmt: skip
    hard, easy = Former(rules), Former(rules)

    hard.form(crowd(*[1] * 24), 0.0)
    easy.form(crowd(1, 1), 0.0)

    assert not hard.settled()
    assert easy.settled()


def test_teams_of_one_quantity_are_not_alike_once_a_rule_names_one():
    rules = ruled(
        {"type": "comparison", "measurements": ["teams[side_2].players.attributes[skill]"],
         "operation": ">=", "referenceValue": 5},
        teams=[{"name": "side", "minPlayers": 1, "maxPlayers": 1, "quantity": 2}],
    )  # fmt: skip

    formed = Former(rules).form(crowd(9, 1), 0.0)

    assert [made.teams() for made in formed] == [{"side_1": ["t1"], "side_2": ["t0"]}]
