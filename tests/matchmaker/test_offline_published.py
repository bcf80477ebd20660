"""The later published examples, tried offline at their real sizes."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from matchmaker.offline import Arrival, Outcome, run
from matchmaker.rules import flexmatch


def tried(rules: Mapping[str, Any], *arrivals: Arrival) -> Outcome:
    return run(flexmatch.load(json.dumps({"ruleLanguageVersion": "1.0", **rules})), arrivals)


def ticket(name: str, at_s: float = 0.0, **attributes: object) -> Arrival:
    return Arrival(name, [{"id": name, "attributes": attributes}], at_s)


def who(outcome: Outcome) -> set[str]:
    return {one for team in outcome.matches[0].teams.values() for one in team}


def teams(low: int, high: int) -> list[dict[str, Any]]:
    return [{"name": name, "minPlayers": low, "maxPlayers": high} for name in ("red", "blue")]


PICKS = [
    {"name": "league", "type": "number"}, {"name": "skill", "type": "number"},
    {"name": "map", "type": "string"}, {"name": "mode", "type": "string"},
]  # fmt: skip
BALANCED = {
    "strategy": "balanced", "balancedAttribute": "skill", "batchingPreference": "fastestRegion",
}  # fmt: skip
WIDER = [{"waitTimeSeconds": 10, "value": 20}, {"waitTimeSeconds": 20, "value": 40}]
ALIKE = {
    "teams": teams(100, 100), "algorithm": BALANCED, "playerAttributes": PICKS,
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
    crowd = [ticket(f"p{n}", skill=n % (spread + 1), **pick) for n in range(200)]

    outcome = tried(ALIKE, *crowd, ticket("other", skill=5, **{**pick, "map": "ice"}))

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
    "teams": teams(10, 20), "algorithm": BALANCED, "playerAttributes": PICKS,
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
        ticket(f"p{n}", league=1, skill=spread * (n % 2), map=f"m{n % maps}", mode="duel")
        for n in range(20)
    ]

    outcome = tried(EITHER, *crowd)

    assert [made.time_s for made in outcome.matches][:1] == ([] if at_s is None else [at_s])


BLOCKED = {
    "teams": teams(5, 5),
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

    alone = tried(BLOCKED, *crowd, ticket("wary", BlockList=["p3"]))
    later = tried(BLOCKED, *crowd, ticket("wary", BlockList=["p3"]), ticket("late", 5))

    assert alone.matches == []
    assert [made.time_s for made in later.matches] == [5]
    assert not {"wary", "p3"} <= who(later)
