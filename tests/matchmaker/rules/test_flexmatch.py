"""Rule sets as they are written: read with comments, and every mistake named with its place."""

import json
from typing import Any

import pytest

from matchmaker.rules import flexmatch
from matchmaker.rules.ruleset import BatchDistance, Team

GOOD: dict[str, Any] = {
    "ruleLanguageVersion": "1.0",
    "playerAttributes": [
        {"name": "skill", "type": "number"},
        {"name": "maps", "type": "string_list"},
    ],
    "teams": [
        {"name": "red", "minPlayers": 1, "maxPlayers": 5},
        {"name": "blue", "minPlayers": 1, "maxPlayers": 5},
    ],
    "rules": [
        {"name": "Near", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": "500"}
    ],
    "expansions": [
        {"target": "rules[Near].maxDistance", "steps": [{"waitTimeSeconds": 5, "value": 900}]}
    ],
}


def changed(path: str, value: object) -> str:
    """The good rule set with one place changed; ``...`` takes the place out."""
    whole = json.loads(json.dumps(GOOD))
    *way, last = path.split("/")
    at: Any = whole
    for step in way:
        at = at[int(step) if step.isdigit() else step]
    if value is ...:
        del at[last]
    elif isinstance(at, list):
        at.insert(int(last), value)
    else:
        at[last] = value
    return json.dumps(whole)


def test_a_rule_set_with_comments_and_numbers_as_texts_is_read():
    text = json.dumps(GOOD, indent=1).replace('"name": "red"', '"name": "red" // not // blue\n')

    rules, problems = flexmatch.read(text)

    assert problems == []
    assert rules is not None
    assert rules.teams[0] == Team("red", "red", 1, 5)
    assert rules.rules == (BatchDistance("Near", "skill", 500),)
    assert rules.at(4.9).rules == rules.rules
    assert rules.at(5).rules == (BatchDistance("Near", "skill", 900),)


RULE = {"name": "R", "type": "distance", "referenceValue": 1, "maxDistance": 5}


@pytest.mark.parametrize(
    ("path", "value", "place", "message"),
    [
        ("ruleLanguageVersion", "2.0", "$.ruleLanguageVersion", 'write "1.0"'),
        ("teams/1/minPlayers", 6, "$.teams[1].minPlayers", "6 is above maxPlayers 5"),
        ("teams/1/name", "red", "$.teams[1].name", "another team's name too"),
        ("teams/1/maxPlayers", "many", "$.teams[1].maxPlayers", "write a number"),
        ("teams/1/maxPlayers", ..., "$.teams[1].maxPlayers", "is missing"),
        ("teams/1/maxPlayers", 36, "$.algorithm", "large match"),
        ("teams/1/maxPlayers", 250, "$.teams", "at most 200"),
        ("teams", [], "$.teams", "is missing"),
        ("playerAttributes/0/type", "float", "$.playerAttributes[0].type", "write one of"),
        ("playerAttributes/0/default", "x", "$.playerAttributes[0].default", "a number"),
        ("rules/0/batchAttribute", "skil", "$.rules[0].batchAttribute", "not declared"),
        ("rules/0/batchAttribute", "maps", "$.rules[0].batchAttribute", "string_list"),
        ("rules/0/type", "near", "$.rules[0].type", "write one of"),
        ("rules/0/maxDistance", ..., "$.rules[0].maxDistance", "is missing"),
        ("rules/0/maxDistance", -1, "$.rules[0].maxDistance", "the least is 0"),
        ("rules/1", {**RULE, "minDistance": 9, "measurements": ["count(teams[*].players)"]},
         "$.rules[1].minDistance", "9 is above maxDistance 5"),
        ("rules/1", {**RULE, "measurements": ["avg(teams[green].players.attributes[skill])"]},
         "$.rules[1].measurements[0]", "no team 'green'"),
        ("rules/1", {**RULE, "measurements": ["avg(teams[red].players.attributes[rank])"]},
         "$.rules[1].measurements[0]", "'rank' is not declared"),
        ("rules/1", {**RULE, "measurements": ["mean(teams[red].players.attributes[skill])"]},
         "$.rules[1].measurements[0]", "no function 'mean'"),
        ("rules/1", {**RULE, "measurements": ["avg(teams[red].players.attributes[maps])"]},
         "$.rules[1].measurements[0]", "takes numbers"),
        ("rules/1", {**RULE, "measurements": ["avg(teams[red].players.attributes[skill]"]},
         "$.rules[1].measurements[0]", "not closed"),
        ("rules/1", {"name": "C", "type": "compound", "statement": "or(Near, Far)"},
         "$.rules[1].statement", "no rule 'Far'"),
        ("rules/1", {"name": "C", "type": "compound", "statement": "nor(Near, Far)"},
         "$.rules[1].statement", "no operator 'nor'"),
        ("expansions/0/target", "rules[Far].maxDistance", "$.expansions[0].target", "no rule"),
        ("expansions/0/target", "rules[Near].name", "$.expansions[0].target", "maxDistance can"),
        ("expansions/0/target", "Near", "$.expansions[0].target", "is none"),
        ("expansions/0/steps/1", {"waitTimeSeconds": 5, "value": 1000},
         "$.expansions[0].steps[1].waitTimeSeconds", "not after the step before"),
        ("expansions/1", {"target": "teams[red].minPlayers",
                          "steps": [{"waitTimeSeconds": 5, "value": 9}]},
         "$.expansions[1].steps[0].value", "minPlayers 9 above maxPlayers 5"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(path: str, value: object, place: str, message: str):
    rules, problems = flexmatch.read(changed(path, value))

    assert rules is None
    assert any(
        problem.path == place and message in problem.message and problem.severity == "error"
        for problem in problems
    ), problems


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"a": NaN}', '{"a": 1,}'])
def test_what_is_no_rule_set_is_told_so(text: str):
    rules, problems = flexmatch.read(text)

    assert rules is None
    assert problems[0].severity == "error"


def test_a_doubled_key_is_a_warning_and_the_rule_set_still_runs():
    steps = '"steps": [{"waitTimeSeconds": %d, "value": %d}]'
    one = '{"target": "teams[red].minPlayers", %s, "target": "teams[blue].minPlayers", %s}'
    text = json.dumps(GOOD).replace(
        '"expansions": [', '"expansions": [' + one % (steps % (3, 2), steps % (4, 3)) + ", "
    )

    rules, problems = flexmatch.read(text)

    assert rules is not None
    assert {problem.severity for problem in problems} == {"warning"}
    assert problems[0].path == "$.expansions[0].target"
    assert [team.min_players for team in rules.at(4).teams] == [2, 3]


def test_an_unknown_property_is_a_warning_that_guesses_what_was_meant():
    rules, problems = flexmatch.read(changed("teams/0/maxPlayer", 9))

    assert rules is not None
    assert "did you mean 'maxPlayers'" in problems[0].message
