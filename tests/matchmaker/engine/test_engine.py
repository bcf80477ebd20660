"""The two lanes together: what is found, who is served, what is held back."""

import json
import random

import pytest

from matchmaker.engine.dial import Dial
from matchmaker.engine.engine import SMALL, Engine
from matchmaker.engine.forming import Former
from matchmaker.engine.quality import quality
from matchmaker.rules import flexmatch
from matchmaker.rules.judge import meets_all
from matchmaker.rules.members import Party, Player
from matchmaker.rules.ruleset import RuleSet

SKILLS = "flatten(teams[*].players.attributes[skill])"
MEANS = "avg(teams[*].players.attributes[skill])"
MAPS = "flatten(teams[*].players.attributes[maps])"
RED, BLUE = "teams[red].players", "teams[blue].players"
RULES = (
    {"type": "distance", "measurements": [MEANS], "referenceValue": f"avg({SKILLS})",
     "maxDistance": 15},
    {"type": "distance", "measurements": [SKILLS], "referenceValue": f"avg({SKILLS})",
     "maxDistance": 60},
    {"type": "distance", "measurements": [SKILLS], "referenceValue": f"min({SKILLS})",
     "maxDistance": 60, "partyAggregation": "max"},
    {"type": "distance", "measurements": [f"max({MEANS})"], "referenceValue": f"min({MEANS})",
     "maxDistance": 30},
    {"type": "distance", "measurements": ["stddev(teams[*].players.attributes[skill])"],
     "referenceValue": 0, "maxDistance": 40},
    {"type": "distance", "measurements": [SKILLS], "referenceValue": 100, "maxDistance": 90},
    {"type": "batchDistance", "batchAttribute": "skill", "maxDistance": 50},
    {"type": "batchDistance", "batchAttribute": "mode"},
    {"type": "comparison", "measurements": ["teams[*].players.attributes[mode]"],
     "operation": "="},
    {"type": "comparison", "measurements": [f"{RED}.attributes[mode]"],
     "referenceValue": "x", "operation": "="},
    {"type": "comparison", "measurements": ["flatten(teams[*].players.attributes[mode])"],
     "referenceValue": "y", "operation": "!="},
    {"type": "comparison", "measurements": [f"count({RED})"],
     "referenceValue": f"count({BLUE})", "operation": "="},
    {"type": "comparison", "measurements": [f"avg({RED}.attributes[skill])"],
     "referenceValue": f"avg({BLUE}.attributes[skill])", "operation": ">="},
    {"type": "comparison", "measurements": [f"median({RED}.attributes[skill])"],
     "referenceValue": 60, "operation": ">="},
    {"type": "collection", "measurements": [MAPS], "operation": "intersection", "minCount": 1},
    {"type": "collection", "measurements": [MAPS], "operation": "intersection",
     "minCount": 1, "maxCount": 2, "partyAggregation": "intersection"},
    {"type": "collection", "measurements": [f"{RED}.attributes[maps]"],
     "operation": "contains", "referenceValue": "a", "minCount": 1, "maxCount": 2},
    {"type": "collection", "measurements": ["teams[*].players.attributes[mode]"],
     "operation": "contains", "referenceValue": ["x"], "minCount": 2},
    {"type": "collection", "measurements": ["teams[*].players.attributes[maps]"],
     "operation": "reference_intersection_count", "minCount": 1, "referenceValue": ["a", "b"]},
    {"type": "collection", "measurements": [f"{RED}.attributes[maps]"],
     "operation": "reference_intersection_count", "minCount": 1,
     "referenceValue": f"set_intersection({BLUE}.attributes[maps])"},
    {"type": "latency", "maxLatency": 50},
    {"type": "latency", "maxLatency": 70, "maxDistance": 20, "distanceReference": "min"},
    {"type": "latency", "maxLatency": 70, "maxDistance": 20, "partyAggregation": "max"},
)  # fmt: skip


def rule_set(rules, *, teams=((1, 3), (1, 3)), expansions=(), algorithm=None) -> RuleSet:
    declared = {"skill": "number", "mode": "string", "maps": "string_list"}
    return flexmatch.load(
        json.dumps(
            {
                "ruleLanguageVersion": "1.0",
                "playerAttributes": [
                    {"name": name, "type": kind} for name, kind in declared.items()
                ],
                "teams": [
                    {"name": name, "minPlayers": low, "maxPlayers": high}
                    for name, (low, high) in zip(("red", "blue"), teams, strict=True)
                ],
                "rules": [{"name": f"r{n}", **rule} for n, rule in enumerate(rules)],
                "expansions": list(expansions),
                **({"algorithm": algorithm} if algorithm else {}),
            }
        )
    )


def any_rules(dice: random.Random) -> RuleSet:
    chosen = dice.sample(RULES, dice.randint(0, 4))
    if dice.random() < 0.2 and len(chosen) > 1:
        statement = dice.choice(("and(r0,r1)", "or(r0,r1)", "not(r0)", "xor(r0,r1)"))
        if not any(rule["type"] == "batchDistance" for rule in chosen[:2]):
            chosen.append({"type": "compound", "statement": statement})
    wider = [
        {"target": f"rules[r{n}].maxDistance", "steps": [{"waitTimeSeconds": 5, "value": 150}]}
        for n, rule in enumerate(chosen)
        if "maxDistance" in rule and rule["type"] != "latency"
    ]
    fewer = [{"target": "teams[red].minPlayers", "steps": [{"waitTimeSeconds": 8, "value": 1}]}]
    size = dice.randint(1, 4)
    teams = ((dice.randint(1, size), size), (dice.randint(1, size), dice.choice((size, 2))))
    teams = (teams[0], (min(teams[1]), max(teams[1])))
    age = dice.choice(("newest", "oldest"))
    algorithm = {"strategy": "exhaustiveSearch", "expansionAgeSelection": age}
    return rule_set(chosen, teams=teams, expansions=[*wider, *fewer], algorithm=algorithm)


def any_party(n: int, dice: random.Random) -> Party:
    players = [
        Player(
            f"p{n}.{k}",
            {
                "skill": dice.choice((dice.randint(0, 200), dice.uniform(0, 200))),
                "mode": dice.choice("xxxy"),
                "maps": dice.sample("abc", dice.randint(1, 2)),
            },
            {region: dice.choice((20, 40, 65)) for region in dice.sample(("eu", "us", "ap"), 2)},
        )
        for k in range(dice.choice((1, 1, 1, 2, 3)))
    ]
    return Party(f"t{n}", tuple(players), dice.uniform(0, 12))


def solo(name: str, skill: float, at_s: float = 0.0) -> Party:
    return Party(name, (Player(name, {"skill": skill, "mode": "x", "maps": ["a"]}),), at_s)


def engine(rules: RuleSet, parties, dial=None) -> Engine:
    made = Engine(rules, dial or Dial())
    made.replace(parties)
    return made


def judged_by(whole: RuleSet, parties, now_s: float) -> RuleSet:
    ages = [now_s - party.at_s for party in parties]
    return whole.at(min(ages) if whole.algorithm.age == "newest" else max(ages))


MANY = [pytest.param(n, marks=pytest.mark.slow) for n in range(1, 12)]


@pytest.mark.parametrize("block", [0, *MANY])
def test_no_match_is_found_that_the_judge_refuses(block: int):
    for seed in range(block * 25, block * 25 + 25):
        dice = random.Random(seed)
        rules = any_rules(dice)
        parties = [any_party(n, dice) for n in range(dice.choice((60, 120, 300)))]

        found = list(engine(rules, parties).pass_(12.0, seed=seed))

        seen = [party.id for made in found for party in made.lineup.parties()]
        assert len(seen) == len(set(seen)), seed
        for made in found:
            stands = judged_by(rules, made.lineup.parties(), 12.0)
            assert meets_all(made.lineup, stands), seed
            assert made.quality == pytest.approx(quality(made.lineup, stands), abs=2e-6), seed


def test_the_same_pool_and_seed_give_the_same_matches_whatever_the_rows():
    dice = random.Random(4)
    rules = rule_set(RULES[1:2])
    parties = [any_party(n, dice) for n in range(200)]
    one, other = engine(rules, parties), engine(rules, [])
    for party in [any_party(n, dice) for n in range(1000, 1100)]:
        other.add(party)
    for party in reversed(parties):
        other.add(party)
    for n in range(1000, 1100):
        other.remove(f"t{n}")

    assert [made.teams() for made in one.pass_(12.0, seed=3)] == [
        made.teams() for made in other.pass_(12.0, seed=3)
    ]


def test_a_small_pool_gets_what_the_exact_lane_finds():
    dice = random.Random(9)
    rules = rule_set(RULES[1:2])
    parties = [any_party(n, dice) for n in range(12)]
    exact = Former(rules).form(parties, 12.0)

    found = engine(rules, parties).pass_(12.0)

    assert [made.teams() for made in found] == [made.teams() for made in exact]


def test_nearly_everybody_plays_in_a_thick_pool():
    dice = random.Random(2)
    rules = rule_set(RULES[1:2], teams=((3, 3), (3, 3)))
    parties = [any_party(n, dice) for n in range(2000)]

    found = engine(rules, parties).pass_(12.0)

    assert found.players() > 0.95 * sum(party.size() for party in parties)


def test_the_longest_waiting_take_partners_from_a_match_of_younger_ones():
    # All pairs of younger ones are nearer to each other than to the one who came first.
    rules = rule_set(RULES[6:7], teams=((1, 1), (1, 1)))
    young = [solo(f"y{n}", 150.0 + n / 1000, at_s=10.0) for n in range(2 * SMALL)]
    old = solo("old", 110.0)

    found = engine(rules, [old, *young]).pass_(12.0)

    assert "old" in {party.id for made in found for party in made.lineup.parties()}
    assert len(found) == SMALL


def test_a_held_back_match_is_made_when_its_players_have_waited_enough():
    rules = rule_set(RULES[6:7], teams=((1, 1), (1, 1)))
    thick = [solo(f"t{n}", 3.0 * n) for n in range(60)]
    patient = engine(rules, thick, Dial(wait_s=100.0))

    assert len(patient.pass_(1.0)) == 0
    assert len(patient.pass_(40.0)) == 30


def test_nobody_is_held_back_where_nobody_comes():
    rules = rule_set(RULES[6:7], teams=((1, 1), (1, 1)))

    found = engine(rules, [solo("a", 10), solo("b", 55)], Dial(wait_s=3600.0)).pass_(90.0)

    assert len(found) == 1


def test_rules_inside_a_compound_count_for_the_quality_too():
    inside = {**RULES[6], "type": "distance", "measurements": [MEANS], "referenceValue": 100}
    del inside["batchAttribute"]
    rules = rule_set([inside, {"type": "compound", "statement": "not(r0)"}], teams=((1, 1), (1, 1)))
    parties = [solo(f"t{n}", 500.0 + n) for n in range(2 * SMALL)]

    found = engine(rules, parties).pass_(1.0)

    assert len(found) == SMALL
    assert all(made.quality == pytest.approx(quality(made.lineup, rules)) for made in found)
