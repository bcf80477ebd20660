"""Rule sets tried offline: who is matched, at the instant it is due, and who is not."""

import json
from typing import Any

import pytest

from core.errors import Invalid
from tests.matchmaker.tried import number, rule_set, teams, ticket, tried, who

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
