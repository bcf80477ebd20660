"""Rule sets tried offline: what the published examples promise, at the instant it is due."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from core.errors import Invalid
from matchmaker.offline import Arrival, Outcome, run
from matchmaker.rules import flexmatch


def rule_set(**parts: object) -> str:
    return json.dumps({"ruleLanguageVersion": "1.0", **parts})


def number(name: str, default: float | None = None) -> dict[str, Any]:
    return {"name": name, "type": "number"} | ({} if default is None else {"default": default})


def teams(*sizes: tuple[int, int], names: str = "red blue green") -> list[dict[str, Any]]:
    return [
        {"name": name, "minPlayers": low, "maxPlayers": high}
        for name, (low, high) in zip(names.split(), sizes, strict=False)
    ]


def ticket(
    name: str,
    at_s: float = 0.0,
    *players: Mapping[str, Any],
    latency_ms: Mapping[str, float] | None = None,
    cancel_at_s: float | None = None,
) -> Arrival:
    told = [
        {"id": f"{name}.{n}", "attributes": one, "latency_ms": latency_ms or {}}
        for n, one in enumerate(players or ({},))
    ]
    return Arrival(name, told, at_s, cancel_at_s)


def tried(text: str, *tickets: Arrival, until_s: float | None = None) -> Outcome:
    return run(flexmatch.load(text), tickets, until_s=until_s)


def who(outcome: Outcome, n: int = 0) -> set[str]:
    return {one for team in outcome.matches[n].teams.values() for one in team}


DUEL = rule_set(
    playerAttributes=[number("skill")],
    teams=teams((1, 1), (1, 1)),
    rules=[{"name": "Near", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": 10}],
    expansions=[
        {
            "target": "rules[Near].maxDistance",
            "steps": [{"waitTimeSeconds": 5, "value": 50}, {"waitTimeSeconds": 15, "value": 100}],
        }
    ],
)


def test_two_who_fit_are_matched_when_the_second_arrives():
    outcome = tried(DUEL, ticket("a", 1, {"skill": 50}), ticket("b", 3.5, {"skill": 60}))

    assert [made.time_s for made in outcome.matches] == [3.5]
    assert outcome.matches[0].teams in (
        {"red": ["a"], "blue": ["b"]},
        {"red": ["b"], "blue": ["a"]},
    )


def test_an_expansion_counts_from_the_newest_ticket_and_applies_exactly_then():
    outcome = tried(DUEL, ticket("a", 0, {"skill": 0}), ticket("b", 0.7, {"skill": 50}))

    assert [made.time_s for made in outcome.matches] == [pytest.approx(5.7)]


def test_the_oldest_ticket_may_be_made_to_count():
    oldest = json.loads(DUEL) | {"algorithm": {"expansionAgeSelection": "oldest"}}

    outcome = tried(json.dumps(oldest), ticket("a", 0, {"skill": 0}), ticket("b", 4, {"skill": 50}))

    assert [made.time_s for made in outcome.matches] == [5]


def test_nothing_happens_after_the_end():
    outcome = tried(DUEL, ticket("a", 0, {"skill": 0}), ticket("b", 1, {"skill": 50}), until_s=5.9)

    assert outcome.matches == []
    assert outcome.waiting == ["a", "b"]


def test_a_ticket_that_is_taken_back_is_in_no_match():
    outcome = tried(
        DUEL, ticket("a", 0, {"skill": 0}, cancel_at_s=6), ticket("b", 1, {"skill": 50})
    )

    assert outcome.matches == []
    assert outcome.waiting == ["b"]


def test_tickets_of_one_instant_arrive_before_anybody_is_matched():
    wide = rule_set(teams=teams((1, 3), (1, 3)))

    outcome = tried(wide, *(ticket(name, 2) for name in "abcdef"))

    assert len(outcome.matches) == 1
    assert {team: len(seats) for team, seats in outcome.matches[0].teams.items()} == {
        "red": 3,
        "blue": 3,
    }


def test_the_oldest_plays_first():
    outcome = tried(DUEL, *(ticket(name, n, {"skill": 50}) for n, name in enumerate("abc")))

    assert who(outcome) == {"a", "b"}
    assert outcome.waiting == ["c"]


@pytest.mark.parametrize(
    ("players", "reason"),
    [
        ([{}], "no 'skill'"),
        ([{"skill": "high"}], "'skill' of player"),
        ([{"skill": 1}, {"skill": 1}], "no team takes more than 1"),
    ],
)
def test_who_can_never_fit_is_rejected_with_a_reason(players: list[dict[str, Any]], reason: str):
    outcome = tried(DUEL, ticket("a", 0, *players))

    assert outcome.matches == []
    assert outcome.waiting == []
    assert reason in outcome.rejected["a"]


def test_two_tickets_of_one_name_are_refused():
    with pytest.raises(Invalid, match="two tickets have the id 'a'"):
        tried(DUEL, ticket("a"), ticket("a"))


HUNT = rule_set(
    playerAttributes=[
        number("skill", 10),
        number("desiredSkillOfMonster", 10),
        number("wantsToBeMonster", 0),
    ],
    teams=teams((5, 5), (1, 1), names="players monster"),
    rules=[
        {
            "name": "MonsterSelection",
            "type": "comparison",
            "measurements": ["teams[monster].players.attributes[wantsToBeMonster]"],
            "referenceValue": 1,
            "operation": "=",
        },
        {
            "name": "PlayerSelection",
            "type": "comparison",
            "measurements": ["teams[players].players.attributes[wantsToBeMonster]"],
            "referenceValue": 0,
            "operation": "=",
        },
        {
            "name": "MonsterSkill",
            "type": "comparison",
            "measurements": ["avg(teams[monster].players.attributes[skill])"],
            "referenceValue": "max(teams[players].players.attributes[desiredSkillOfMonster])",
            "operation": ">=",
        },
    ],
    expansions=[
        {
            "target": "teams[players].minPlayers",
            "steps": [{"waitTimeSeconds": 30, "value": 4}, {"waitTimeSeconds": 60, "value": 3}],
        }
    ],
)


def hunters(count: int, desired: float = 10) -> list[Arrival]:
    return [ticket(f"h{n}", 0, {"desiredSkillOfMonster": desired}) for n in range(count)]


def test_a_monster_is_hunted_by_those_who_want_to_hunt_it():
    outcome = tried(
        HUNT,
        *hunters(5, desired=40),
        ticket("weak", 0, {"wantsToBeMonster": 1, "skill": 20}),
        ticket("strong", 1, {"wantsToBeMonster": 1, "skill": 50}),
    )

    assert [made.time_s for made in outcome.matches] == [1]
    assert outcome.matches[0].teams["monster"] == ["strong"]
    assert outcome.waiting == ["weak"]


@pytest.mark.parametrize(("count", "at_s"), [(4, 30.0), (3, 60.0)])
def test_fewer_hunters_do_after_a_while(count: int, at_s: float):
    outcome = tried(HUNT, *hunters(count), ticket("m", 0, {"wantsToBeMonster": 1}))

    assert [made.time_s for made in outcome.matches] == [at_s]
    assert len(outcome.matches[0].teams["players"]) == count


TRIOS = rule_set(
    playerAttributes=[
        number("skill", 10),
        {"name": "character", "type": "string_list", "default": ["peasant"]},
    ],
    teams=[{"name": "trio", "minPlayers": 3, "maxPlayers": 5, "quantity": 3}],
    rules=[
        {
            "name": "FairTeamSkill",
            "type": "distance",
            "measurements": ["avg(teams[*].players.attributes[skill])"],
            "referenceValue": "avg(flatten(teams[*].players.attributes[skill]))",
            "maxDistance": 10,
        },
        {
            "name": "CloseTeamSizes",
            "type": "distance",
            "measurements": ["max(count(teams[*].players))"],
            "referenceValue": "min(count(teams[*].players))",
            "maxDistance": 1,
        },
        {
            "name": "OverallMedicLimit",
            "type": "collection",
            "measurements": ["flatten(teams[*].players.attributes[character])"],
            "operation": "contains",
            "referenceValue": "medic",
            "maxCount": 5,
        },
        {"name": "FastConnection", "type": "latency", "maxLatency": 50},
    ],
    expansions=[
        {
            "target": "rules[FastConnection].maxLatency",
            "steps": [{"waitTimeSeconds": 10, "value": 100}, {"waitTimeSeconds": 20, "value": 150}],
        }
    ],
)


def trio(name: str, *, medic: bool = False, skill: float = 10, ms: float = 40) -> Arrival:
    attributes = {"skill": skill, "character": ["medic"] if medic else ["knight"]}
    return ticket(name, 0, attributes, latency_ms={"eu": ms, "us": ms + 200})


def test_three_teams_are_of_nearly_one_size():
    outcome = tried(TRIOS, *(trio(f"t{n}") for n in range(13)))

    sizes = [len(seats) for seats in outcome.matches[0].teams.values()]
    assert sorted(sizes) == [4, 4, 5]


def test_a_sixth_medic_waits():
    outcome = tried(TRIOS, *(trio(f"t{n}", medic=n < 6) for n in range(10)))

    assert len(who(outcome)) == 9
    assert outcome.waiting[0] in {f"t{n}" for n in range(6)}


def test_latency_is_relaxed_and_needs_a_region_in_common():
    slow = tried(TRIOS, *(trio(f"t{n}", ms=90) for n in range(9)))
    apart = tried(
        TRIOS,
        *(trio(f"t{n}") for n in range(8)),
        ticket("far", 0, {}, latency_ms={"asia": 10.0}),
    )

    assert [made.time_s for made in slow.matches] == [10]
    assert apart.matches == []
    assert len(apart.waiting) == 9


def test_teams_are_made_even_by_whoever_is_there():
    skills = [90, 80, 70, 60, 50, 40, 30, 20, 10]

    outcome = tried(TRIOS, *(trio(f"t{n}", skill=skill) for n, skill in enumerate(skills)))

    means = [
        sum(skills[int(one[1:])] for one in seats) / 3
        for seats in outcome.matches[0].teams.values()
    ]
    assert max(abs(mean - 50) for mean in means) <= 10


SORTED = rule_set(
    playerAttributes=[
        number("experience", 50),
        {"name": "gameMode", "type": "string_list", "default": ["deathmatch", "coop"]},
        {"name": "mapPreference", "type": "string_number_map", "default": {"defaultMap": 100}},
    ],
    teams=teams((1, 1), (1, 1)),
    rules=[
        {
            "name": "MapPreference",
            "type": "absoluteSort",
            "sortDirection": "descending",
            "sortAttribute": "mapPreference",
            "mapKey": "maxValue",
        },
        {
            "name": "ExperienceAffinity",
            "type": "distanceSort",
            "sortDirection": "ascending",
            "sortAttribute": "experience",
        },
        {
            "name": "SharedMode",
            "type": "collection",
            "operation": "intersection",
            "measurements": ["flatten(teams[*].players.attributes[gameMode])"],
            "minCount": 1,
        },
    ],
)


def test_sorts_choose_among_those_who_fit_in_their_order():
    dust = {"mapPreference": {"dust": 90, "ice": 10}, "experience": 50}

    outcome = tried(
        SORTED,
        ticket("anchor", 0, dust),
        ticket("other-map", 1, {"mapPreference": {"ice": 99}, "experience": 50}),
        ticket("far", 1, {"mapPreference": {"dust": 80}, "experience": 90}),
        ticket("near", 1, {"mapPreference": {"dust": 80}, "experience": 51}),
        ticket("other-mode", 1, {**dust, "gameMode": ["race"]}),
    )

    assert who(outcome) == {"anchor", "near"}


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
)


@pytest.mark.parametrize(("count", "hunters_each"), [(125, {12}), (130, {12, 13}), (155, {15})])
def test_large_teams_fill_evenly(count: int, hunters_each: set[int]):
    outcome = tried(MONSTERS, *crowd(count))

    sizes = {team: len(seats) for team, seats in outcome.matches[0].teams.items()}
    assert sizes.pop("Monsters") == 5
    assert set(sizes.values()) == hunters_each


COMPOUND = rule_set(
    playerAttributes=[
        number("skill"),
        {"name": "map", "type": "string"},
        {"name": "mode", "type": "string"},
    ],
    teams=teams((1, 1), (1, 1)),
    rules=[
        {
            "name": "Skill",
            "type": "distance",
            "measurements": ["max(flatten(teams[*].players.attributes[skill]))"],
            "referenceValue": "min(flatten(teams[*].players.attributes[skill]))",
            "maxDistance": 10,
        },
        {
            "name": "Map",
            "type": "comparison",
            "operation": "=",
            "measurements": ["flatten(teams[*].players.attributes[map])"],
        },
        {
            "name": "Mode",
            "type": "comparison",
            "operation": "=",
            "measurements": ["flatten(teams[*].players.attributes[mode])"],
        },
        {"name": "Either", "type": "compound", "statement": "or(and(Map, Mode), Skill)"},
    ],
    expansions=[
        {"target": "rules[Skill].maxDistance", "steps": [{"waitTimeSeconds": 10, "value": 40}]}
    ],
)


@pytest.mark.parametrize(
    ("other", "at_s"),
    [
        ({"skill": 99, "map": "ice", "mode": "race"}, 0),
        ({"skill": 5, "map": "sand", "mode": "race"}, 0),
        ({"skill": 30, "map": "sand", "mode": "race"}, 10),
        ({"skill": 99, "map": "ice", "mode": "duel"}, None),
    ],
)
def test_one_of_two_ways_is_enough(other: dict[str, Any], at_s: float | None):
    outcome = tried(
        COMPOUND, ticket("a", 0, {"skill": 0, "map": "ice", "mode": "race"}), ticket("b", 0, other)
    )

    assert [made.time_s for made in outcome.matches] == ([] if at_s is None else [at_s])


def test_a_party_stays_together_and_counts_by_its_average():
    squads = rule_set(
        playerAttributes=[number("skill")],
        teams=teams((2, 2), (2, 2)),
        rules=[
            {"name": "Near", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": 5}
        ],
    )

    outcome = tried(
        squads,
        ticket("pair", 0, {"skill": 0}, {"skill": 100}),
        ticket("solo", 0, {"skill": 48}),
        ticket("far", 0, {"skill": 0}),
        ticket("other", 0, {"skill": 52}),
    )

    assert who(outcome) == {"pair", "solo", "other"}
    assert ["pair"] in outcome.matches[0].teams.values()
