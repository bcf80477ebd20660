"""Large matches, at small numbers of people: the earliest, of the longest waiting, the fullest."""

import json
import random
import time
from typing import Any

import pytest

from matchmaker.arrivals import Arrival
from matchmaker.offline import run
from matchmaker.rules import flexmatch
from matchmaker.rules.applicants import party
from matchmaker.rules.ruleset import RuleSet
from tests.matchmaker.test_offline_earliest import any_arrival, first, plainly
from tests.matchmaker.tried import met, number, rule_set, teams, ticket, tried, who, widening

RULES: list[dict[str, Any]] = [
    {"type": "latency", "maxLatency": 40},
    {"type": "latency", "maxLatency": 40, "partyAggregation": "max"},
    {"type": "batchDistance", "batchAttribute": "skill", "maxDistance": 2},
    {"type": "batchDistance", "batchAttribute": "skill", "maxDistance": 3,
     "partyAggregation": "min"},
    {"type": "batchDistance", "batchAttribute": "mode"},
]  # fmt: skip
CHANGED = {"maxDistance": (0, 1, 4, 6, 9), "maxLatency": (20, 70, 75)}
"""Most expansions widen; some of ours do not."""


def large_rules(dice: random.Random) -> RuleSet:
    chosen = dice.sample(RULES, dice.randint(0, 3))
    teams = dice.choice((
        [("red", 20, 40), ("blue", 1, 1)],
        [("red", 2, 39), ("blue", 20, 39)],
        [("red", 1, 2), ("blue", 20, 39)],
        [("squad", 8, 41)],
        [("red", 20, 36), ("blue", 3, 3), ("green", 2, 2)],
    ))  # fmt: skip
    waits_s = (1, 4)
    changed = [
        {
            "target": f"rules[r{n}].{key}",
            "steps": [{"waitTimeSeconds": s, "value": dice.choice(to)} for s in waits_s],
        }
        for n, rule in enumerate(chosen)
        for key, to in CHANGED.items()
        if key in rule and dice.random() < 0.7
    ]
    changed += [
        {
            "target": f"teams[{name}].minPlayers",
            "steps": [{"waitTimeSeconds": dice.choice((0, 2, 6)), "value": dice.randint(1, 3)}],
        }
        for name, low, _ in teams
        if low > 3
    ]
    algorithm = {
        "strategy": "balanced",
        "balancedAttribute": "skill",
        "batchingPreference": dice.choice(("largestPopulation", "fastestRegion")),
        "expansionAgeSelection": dice.choice(("newest", "oldest")),
    }
    declared = {"skill": "number", "mode": "string", "maps": "string_list"}
    return flexmatch.load(
        json.dumps({
            "ruleLanguageVersion": "1.0",
            "playerAttributes": [{"name": name, "type": of} for name, of in declared.items()],
            "algorithm": algorithm,
            "teams": [
                {"name": name, "minPlayers": low, "maxPlayers": high} for name, low, high in teams
            ],
            "rules": [{"name": f"r{n}", **rule} for n, rule in enumerate(chosen)],
            "expansions": changed,
        })
    )  # fmt: skip


BLOCKS = [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, 4))]


@pytest.mark.parametrize("block", BLOCKS)
def test_the_first_large_match_is_the_earliest_of_the_longest_waiting(block: int):
    for seed in range(block * 40, block * 40 + 40):
        dice = random.Random(seed)
        rules, at_s = large_rules(dice), 0.0
        arrivals = []
        for n in range(dice.randint(2, 6)):
            at_s += dice.choice((0, 0.5, 1, 2))
            arrivals.append(any_arrival(n, at_s, dice, (1, 1, 2, 2, 3)))
        parties = [party(one.id, list(one.players), one.at_s, rules) for one in arrivals]

        outcome = run(rules, arrivals)

        found, wanted = first(outcome, parties), plainly(rules, parties)
        assert (found and found[:2]) == (wanted and wanted[:2]), seed
        if rules.algorithm.batching == "largestPopulation":
            assert found == wanted, seed
        assert plainly(rules, [one for one in parties if one.id in outcome.waiting]) is None, seed


def skilled(count: int) -> list[Arrival]:
    return [ticket(f"p{n}", 0, {"skill": n * n % 97}) for n in range(count)]


THREE_TEAMS = rule_set(
    playerAttributes=[number("skill")],
    algorithm={"strategy": "balanced", "balancedAttribute": "skill"},
    teams=teams((10, 20), (10, 20), (2, 3)),
)


@pytest.mark.parametrize(
    ("count", "sizes"), [(22, [10, 10, 2]), (30, [14, 14, 2]), (40, [19, 19, 2]), (43, [20, 20, 3])]
)
def test_minimums_are_filled_first_and_then_open_places_are_levelled(count: int, sizes: list[int]):
    outcome = tried(THREE_TEAMS, *skilled(count))

    assert [len(seats) for seats in outcome.matches[0].teams.values()] == sizes


def test_teams_have_the_same_mean_of_the_balanced_attribute():
    tickets = skilled(43)
    skill = {one.id: one.players[0]["attributes"]["skill"] for one in tickets}

    made = tried(THREE_TEAMS, *tickets).matches[0]

    red, blue, green = (
        sum(skill[one] for one in seats) / len(seats) for seats in made.teams.values()
    )
    assert abs(red - blue) < 1
    assert abs(red - green) < 2


def test_more_than_a_match_needs_are_those_alike_in_the_balanced_attribute():
    anchor = ticket("anchor", 0, {"skill": 50})

    playing = who(tried(THREE_TEAMS, anchor, *skilled(97))) - {"anchor"}

    assert max(abs(int(one[1:]) ** 2 % 97 - 50) for one in playing) < 25


@pytest.mark.parametrize("preference", ["largestPopulation", "fastestRegion"])
def test_a_region_of_the_anchor_with_people_enough_is_found(preference: str):
    rules = rule_set(
        playerAttributes=[number("skill")],
        algorithm={
            "strategy": "balanced",
            "balancedAttribute": "skill",
            "batchingPreference": preference,
        },
        teams=teams((10, 41)),
        rules=[{"name": "near", "type": "latency", "maxLatency": 100}],
    )
    anchor = ticket("anchor", 0, {"skill": 5}, latency_ms={"asia": 10, "eu": 50, "us": 60})
    near = [ticket(f"asia{n}", 0, {"skill": 5}, latency_ms={"asia": 20}) for n in range(8)]
    eu = [ticket(f"eu{n}", 0, {"skill": 9}, latency_ms={"eu": 20}) for n in range(9)]
    us = [ticket(f"us{n}", 0, {"skill": 90}, latency_ms={"us": 20}) for n in range(20)]

    outcome = tried(rules, anchor, *near, *eu, *us)

    region = "eu" if preference == "fastestRegion" else "us"
    others = who(outcome) - {"anchor"}
    assert others == {one.id for one in (eu if region == "eu" else us)}


def test_parties_that_leave_a_gap_are_chosen_anew():
    rules = rule_set(
        playerAttributes=[number("skill")],
        algorithm={"strategy": "balanced", "balancedAttribute": "skill"},
        teams=[{"name": "squad", "minPlayers": 4, "maxPlayers": 4, "quantity": 11}],
    )
    singles = [ticket(f"s{n}", 0, {"skill": 1}) for n in range(11)]
    threes = [ticket(f"t{n}", 1, *[{"skill": 40}] * 3) for n in range(11)]

    outcome = tried(rules, *singles, *threes)

    assert met(outcome)[0][0] == 1
    assert len(who(outcome)) == 22


def test_a_crowd_that_comes_one_by_one_takes_no_longer_than_a_moment():
    rules = rule_set(
        playerAttributes=[number("skill")],
        algorithm={"strategy": "balanced", "balancedAttribute": "skill"},
        teams=[{"name": "squad", "minPlayers": 4, "maxPlayers": 4, "quantity": 25}],
        rules=[{"name": "near", "type": "latency", "maxLatency": 60}],
        expansions=[widening("teams[squad].minPlayers", 10, 2)],
    )
    sizes = [size for n in range(50) for size in (1, 2, 3, 4)]
    crowd = [
        ticket(f"t{n}", n * 0.05, *[{"skill": n * n % 97}] * size,
               latency_ms={"eu": 20 + n % 3 * 30, "us": 80 - n % 4 * 20})
        for n, size in enumerate(sizes)
    ]  # fmt: skip
    began_s = time.process_time()

    outcome = tried(rules, *crowd)

    assert len(outcome.matches) >= 3
    assert time.process_time() - began_s < 2
