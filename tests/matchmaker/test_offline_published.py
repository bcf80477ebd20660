"""The first four published examples, tried offline: what their pages promise."""

import pytest

from matchmaker.arrivals import Arrival
from tests.matchmaker.tried import number, rule_set, teams, ticket, tried, who

COWBOYS = rule_set(
    playerAttributes=[number("skill", 10)],
    teams=teams((4, 8), (4, 8), names="cowboys aliens"),
    rules=[
        {
            "name": "FairTeamSkill",
            "type": "distance",
            "measurements": ["avg(teams[*].players.attributes[skill])"],
            "referenceValue": "avg(flatten(teams[*].players.attributes[skill]))",
            "maxDistance": 10,
        },
        {
            "name": "EqualTeamSizes",
            "type": "comparison",
            "measurements": ["count(teams[cowboys].players)"],
            "referenceValue": "count(teams[aliens].players)",
            "operation": "=",
        },
    ],
    expansions=[
        {
            "target": "rules[FairTeamSkill].maxDistance",
            "steps": [{"waitTimeSeconds": 5, "value": 50}, {"waitTimeSeconds": 15, "value": 100}],
        }
    ],
)


@pytest.mark.parametrize(("count", "each"), [(8, 4), (9, 4), (13, 6), (16, 8), (17, 8)])
def test_both_teams_have_as_many_and_as_many_as_there_are(count: int, each: int):
    outcome = tried(COWBOYS, *(ticket(f"t{n}") for n in range(count)))

    assert [made.time_s for made in outcome.matches] == [0]
    assert [len(seats) for seats in outcome.matches[0].teams.values()] == [each, each]
    assert outcome.waiting == [f"t{n}" for n in range(2 * each, count)]


def test_seven_are_too_few():
    assert tried(COWBOYS, *(ticket(f"t{n}") for n in range(7))).matches == []


@pytest.mark.parametrize(
    ("squad", "solos", "at_s"), [(30, 10, 0), (60, 10, 5), (150, 10, 15), (250, 10, None)]
)
def test_teams_of_unlike_skill_wait_for_the_rule_to_widen(
    squad: float, solos: float, at_s: float | None
):
    # Four friends stay together, so that there is but one way to make two teams.
    friends = ticket("friends", 0, *({"skill": squad} for _ in range(4)))

    outcome = tried(COWBOYS, friends, *(ticket(f"t{n}", 0, {"skill": solos}) for n in range(4)))

    assert [made.time_s for made in outcome.matches] == ([] if at_s is None else [at_s])


def test_strong_and_weak_are_spread_over_both_teams():
    skills = [100, 90, 80, 70, 10, 10, 10, 10]

    outcome = tried(COWBOYS, *(ticket(f"t{n}", 0, {"skill": s}) for n, s in enumerate(skills)))

    means = [
        sum(skills[int(t[1:])] for t in seats) / 4 for seats in outcome.matches[0].teams.values()
    ]
    assert [made.time_s for made in outcome.matches] == [0]
    assert abs(means[0] - means[1]) <= 20


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


@pytest.mark.parametrize(("by", "most"), [("union", 4), ("intersection", 6)])
def test_medics_who_come_as_a_party_count_one_by_one_unless_rules_ask_what_they_share(
    by: str, most: int
):
    """Amazon: "the number of player attribute collections"; its example allows five medics."""
    text = TRIOS.replace('"maxCount": 5', f'"maxCount": 5, "partyAggregation": "{by}"')
    medic = {"skill": 10, "character": ["medic"]}
    pairs = [ticket(f"pair{n}", 0, medic, medic, latency_ms={"eu": 40}) for n in range(3)]

    outcome = tried(text, *pairs, *(trio(f"t{n}") for n in range(9)))

    assert 2 * sum(name.startswith("pair") for name in who(outcome)) == most


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
