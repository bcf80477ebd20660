"""Why a ticket waits: the answers are those that the engine acts on."""

import json

import pytest

from matchmaker.explain import explain
from matchmaker.rules import flexmatch
from matchmaker.rules.members import Party, Player
from matchmaker.rules.model import RatingWindow, Rules
from matchmaker.rules.window import as_rule_set

DUEL = flexmatch.load(
    json.dumps(
        {
            "ruleLanguageVersion": "1.0",
            "playerAttributes": [
                {"name": "skill", "type": "number"},
                {"name": "mode", "type": "string", "default": "a"},
            ],
            "teams": [
                {"name": "red", "minPlayers": 1, "maxPlayers": 1},
                {"name": "blue", "minPlayers": 1, "maxPlayers": 1},
            ],
            "rules": [
                {
                    "name": "Near",
                    "type": "batchDistance",
                    "batchAttribute": "skill",
                    "maxDistance": 10,
                },
                {"name": "Mode", "type": "batchDistance", "batchAttribute": "mode"},
            ],
            "expansions": [
                {
                    "target": "rules[Near].maxDistance",
                    "steps": [{"waitTimeSeconds": 20, "value": 50}],
                }
            ],
        }
    )
)


def party(name: str, at_s: float, skill: float, mode: str = "a") -> Party:
    return Party(name, (Player(name, {"skill": skill, "mode": mode}),), at_s)


def test_a_lonely_ticket_hears_that_nobody_else_waits():
    found = explain(DUEL, "a", [party("a", 0, 50)], 5)

    assert found.waiting == 0
    assert found.release is None
    assert found.sentence() == "Nobody else waits; the smallest match has 2 players."


def test_the_rule_that_keeps_others_away_is_named_and_counted():
    others = [party("far", 1, 90), party("other", 2, 51, mode="b"), party("both", 3, 99, mode="b")]

    found = explain(DUEL, "a", [party("a", 0, 50), *others], 5)

    assert found.compatible == 0
    assert found.excluded == {"Near": 2, "Mode": 2}


def test_one_ticket_that_is_kept_away_is_told_as_one():
    found = explain(DUEL, "a", [party("a", 0, 50), party("other", 2, 51, mode="b")], 5)

    assert found.sentence() == "1 more player is needed who fits; 'Mode' keeps 1 ticket away."


def test_what_will_release_it_is_what_the_engine_then_does():
    found = explain(DUEL, "a", [party("a", 0, 50), party("far", 3, 90)], 5)

    assert found.release is not None
    assert found.release.in_s == pytest.approx(18)
    assert found.release.tickets == ("a", "far")
    assert found.sentence() == (
        "A match in 18 s, when Near.maxDistance is 50, if nobody else comes before."
    )


def test_a_partner_taken_by_somebody_older_releases_nobody():
    waiting = [party("old", 0, 90), party("a", 1, 10), party("far", 2, 50)]

    found = explain(DUEL, "a", waiting, 5)

    assert found.release is None


def test_the_nearest_partners_come_first_with_the_time_at_which_they_open():
    waiting = [party("a", 0, 50), party("never", 1, 50, mode="b"), party("soon", 2, 80)]

    found = explain(DUEL, "a", waiting, 10)

    assert [(one.ticket, one.opens_in_s) for one in found.nearest] == [
        ("soon", pytest.approx(12)),
        ("never", None),
    ]


def test_a_rating_window_is_explained_as_the_rule_set_it_is():
    rules = as_rule_set(Rules(("red", "blue"), 1, RatingWindow(100, 50, 300)))
    players = [Player(name, {"rating": rating}) for name, rating in (("a", 1500.0), ("b", 1740.0))]
    waiting = [Party(one.id, (one,), 0.0) for one in players]

    found = explain(rules, "a", waiting, 0)

    assert found.release is not None
    assert found.release.in_s == pytest.approx(3)  # 100 + 3 * 50 reaches 240
