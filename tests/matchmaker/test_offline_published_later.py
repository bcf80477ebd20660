"""The published examples from the fifth on, tried offline, large matches at their real sizes."""

from typing import Any

import pytest

from matchmaker.arrivals import Arrival
from tests.matchmaker.tried import number, rule_set, teams, ticket, tried, who

ROYALE = """{
    "ruleLanguageVersion": "1.0",
    "playerAttributes": [{"name": "skill", "type": "number"}],
    "algorithm": {"balancedAttribute": "skill", "strategy": "balanced",
                  "batchingPreference": "largestPopulation"},
    "teams": [{"name": "Marauders", "maxPlayers": 200, "minPlayers": 175}],
    "rules": [{"name": "low-latency", "type": "latency", "maxLatency": 150}],
    "expansions": [{
        "target": "rules[low-latency].maxLatency",
        "steps": [{"waitTimeSeconds": 12, "value": 200}],
        "target": "teams[Marauders].minPlayers",
        "steps": [{"waitTimeSeconds": 10, "value": 150}, {"waitTimeSeconds": 15, "value": 100}]
    }]
}"""


def crowd(count: int, ms: float = 50) -> list[Arrival]:
    return [ticket(f"p{n}", 0, {"skill": n % 50}, latency_ms={"eu": ms}) for n in range(count)]


@pytest.mark.parametrize(
    ("count", "ms", "at_s"),
    [(200, 50, 0), (175, 50, 0), (174, 50, 10), (149, 50, 15), (175, 180, 12), (120, 180, 15)],
)
def test_a_large_match_needs_fewer_players_and_takes_slower_ones_later(
    count: int, ms: float, at_s: float
):
    outcome = tried(ROYALE, *crowd(count, ms))

    assert [made.time_s for made in outcome.matches] == [at_s]
    assert len(who(outcome)) == count


def test_too_few_for_a_large_match_wait():
    assert tried(ROYALE, *crowd(99)).matches == []


MONSTERS = rule_set(
    playerAttributes=[number("kills", 5)],
    algorithm={
        "balancedAttribute": "kills",
        "strategy": "balanced",
        "batchingPreference": "fastestRegion",
    },
    teams=[
        {"name": "Monsters", "maxPlayers": 5, "minPlayers": 5},
        {"name": "Hunters", "maxPlayers": 15, "minPlayers": 12, "quantity": 10},
    ],
    rules=[{"name": "latency-catchall", "type": "latency", "maxLatency": 150}],
    expansions=[
        {
            "target": "teams[Hunters].minPlayers",
            "steps": [{"waitTimeSeconds": 15, "value": 10}, {"waitTimeSeconds": 20, "value": 8}],
        }
    ],
)


@pytest.mark.parametrize(("count", "hunters_each"), [(125, {12}), (130, {12, 13}), (155, {15})])
def test_large_teams_fill_evenly(count: int, hunters_each: set[int]):
    outcome = tried(MONSTERS, *crowd(count))

    sizes = {team: len(seats) for team, seats in outcome.matches[0].teams.items()}
    assert sizes.pop("Monsters") == 5
    assert set(sizes.values()) == hunters_each


@pytest.mark.parametrize(("count", "at_s"), [(105, 15), (104, 20), (85, 20), (84, None)])
def test_all_hunter_teams_may_be_smaller_later(count: int, at_s: float | None):
    outcome = tried(MONSTERS, *crowd(count))

    assert [made.time_s for made in outcome.matches] == ([] if at_s is None else [at_s])


def test_a_crowd_is_matched_with_its_neighbours_where_both_are_many():
    near, far = (
        crowd(125),
        [ticket(f"far{n}", 0, {"kills": 5}, latency_ms={"us": 20, "eu": 90}) for n in range(125)],
    )

    outcome = tried(MONSTERS, *(one for pair in zip(near, far, strict=True) for one in pair))

    assert len(outcome.matches) == 2
    assert {one.startswith("far") for one in who(outcome, 0)} == {False}
    assert {one.startswith("far") for one in who(outcome, 1)} == {True}


PICKS = [
    {"name": "league", "type": "number"}, {"name": "skill", "type": "number"},
    {"name": "map", "type": "string"}, {"name": "mode", "type": "string"},
]  # fmt: skip
BALANCED = {
    "strategy": "balanced", "balancedAttribute": "skill", "batchingPreference": "fastestRegion",
}  # fmt: skip
WIDER = [{"waitTimeSeconds": 10, "value": 20}, {"waitTimeSeconds": 20, "value": 40}]
ALIKE = {
    "teams": teams((100, 100), (100, 100)), "algorithm": BALANCED, "playerAttributes": PICKS,
    "rules": [
        {"name": "SimilarLeague", "type": "batchDistance", "batchAttribute": "league",
         "maxDistance": 2},
        {"name": "SimilarSkill", "type": "batchDistance", "batchAttribute": "skill",
         "maxDistance": 10},
        {"name": "SameMap", "type": "batchDistance", "batchAttribute": "map"},
        {"name": "SameMode", "type": "batchDistance", "batchAttribute": "mode"},
    ],
    "expansions": [{"target": "rules[SimilarSkill].maxDistance", "steps": WIDER}],
}  # fmt: skip


@pytest.mark.parametrize(("spread", "at_s"), [(10, 0), (20, 10), (40, 20), (41, None)])
def test_two_hundred_are_alike_in_all_that_is_asked(spread: int, at_s: float | None):
    pick = {"league": 1, "map": "dust", "mode": "duel"}
    crowd = [ticket(f"p{n}", 0, {"skill": n % (spread + 1), **pick}) for n in range(200)]

    outcome = tried(
        rule_set(**ALIKE), *crowd, ticket("other", 0, {"skill": 5, **pick, "map": "ice"})
    )

    assert [made.time_s for made in outcome.matches] == ([] if at_s is None else [at_s])
    assert "other" in outcome.waiting


def spread_of(attribute: str, most: float) -> dict[str, Any]:
    values = f"flatten(teams[*].players.attributes[{attribute}])"
    return {
        "name": attribute, "type": "distance", "measurements": [f"max({values})"],
        "referenceValue": f"min({values})", "maxDistance": most,
    }  # fmt: skip


def same(attribute: str) -> dict[str, Any]:
    values = f"flatten(teams[*].players.attributes[{attribute}])"
    return {"name": attribute, "type": "comparison", "operation": "=", "measurements": [values]}


EITHER = {
    "teams": teams((10, 20), (10, 20)), "algorithm": BALANCED, "playerAttributes": PICKS,
    "rules": [
        spread_of("league", 2), spread_of("skill", 10), same("map"), same("mode"),
        {"name": "Either", "type": "compound", "statement":
            "or(and(map, mode), and(skill, league))"},
    ],
    "expansions": [{"target": "rules[skill].maxDistance", "steps": WIDER}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("spread", "maps", "at_s"), [(1, 40, 0), (15, 40, 10), (30, 40, 20), (99, 1, 0), (99, 40, None)]
)
def test_twenty_share_their_picks_or_their_strength(spread: int, maps: int, at_s: float | None):
    crowd = [
        ticket(
            f"p{n}",
            0,
            {"league": 1, "skill": spread * (n % 2), "map": f"m{n % maps}", "mode": "duel"},
        )
        for n in range(20)
    ]

    outcome = tried(rule_set(**EITHER), *crowd)

    assert [made.time_s for made in outcome.matches][:1] == ([] if at_s is None else [at_s])


BLOCKED = {
    "teams": teams((5, 5), (5, 5)),
    "playerAttributes": [{"name": "BlockList", "type": "string_list", "default": []}],
    "rules": [
        {
            "name": "PlayerIdNotInBlockList",
            "type": "collection",
            "operation": "reference_intersection_count",
            "measurements": "flatten(teams[*].players.attributes[BlockList])",
            "referenceValue": "flatten(teams[*].players[playerId])",
            "maxCount": 0,
        }
    ],
}


def test_nobody_plays_with_whom_they_blocked():
    crowd = [ticket(f"p{n}") for n in range(9)]

    alone = tried(rule_set(**BLOCKED), *crowd, ticket("wary", 0, {"BlockList": ["p3"]}))
    later = tried(
        rule_set(**BLOCKED), *crowd, ticket("wary", 0, {"BlockList": ["p3"]}), ticket("late", 5)
    )

    assert alone.matches == []
    assert [made.time_s for made in later.matches] == [5]
    assert not {"wary", "p3"} <= who(later)


FREE_FOR_ALL = """{
    "ruleLanguageVersion": "1.0",
    "playerAttributes": [{"name": "myCharacter", "type": "string_list"},
                         {"name": "preferredOpponents", "type": "string_list"}],
    "teams": [{"name": "red", "minPlayers": 3, "maxPlayers": 3}],
    "rules": [{
        "name": "OpponentMatch", "type": "collection", // everybody is liked by all
        "operation": "reference_intersection_count",
        "measurements": ["flatten(teams[*].players.attributes[myCharacter])"],
        "referenceValue":
            "set_intersection(flatten(teams[*].players.attributes[preferredOpponents]))",
        "minCount": 1
    }],
    "expansions": [{"target": "rules[OpponentMatch].minCount",
                    "steps": [{"waitTimeSeconds": 15, "value": 0}]}]
}"""


def fighter(name: str, character: str, *likes: str) -> Arrival:
    return ticket(name, 0, {"myCharacter": [character], "preferredOpponents": list(likes)})


def test_everybody_must_be_an_opponent_that_all_prefer():
    liked = [fighter(name, name, "a", "b", "c") for name in "abc"]

    at_once = tried(FREE_FOR_ALL, *liked)
    later = tried(FREE_FOR_ALL, *liked[:2], fighter("d", "d", "a", "b", "c"))

    assert [made.time_s for made in at_once.matches] == [0]
    assert [made.time_s for made in later.matches] == [15]


DIFFERENT = rule_set(
    playerAttributes=[
        {"name": "gameMode", "type": "string", "default": "turn-based"},
        number("character"),
    ],
    teams=[{"name": "player", "minPlayers": 1, "maxPlayers": 1, "quantity": 2}],
    rules=[
        {
            "name": "SameGameMode",
            "type": "comparison",
            "operation": "=",
            "measurements": ["flatten(teams[*].players.attributes[gameMode])"],
        },
        {
            "name": "DifferentCharacter",
            "type": "comparison",
            "operation": "!=",
            "measurements": "flatten(teams[*].players.attributes[character])",
        },
    ],
)


def test_players_are_alike_in_one_thing_and_different_in_another():
    outcome = tried(
        DIFFERENT,
        ticket("a", 0, {"character": 7}),
        ticket("same", 1, {"character": 7}),
        ticket("mode", 2, {"character": 8, "gameMode": "race"}),
        ticket("fits", 3, {"character": 9}),
    )

    assert [(made.time_s, set(made.teams)) for made in outcome.matches] == [
        (3, {"player_1", "player_2"})
    ]
    assert who(outcome) == {"a", "fits"}
