"""Unity's pools say the same as rule sets, or it is told what they cannot say."""

import json
from typing import Any

import pytest

from core.errors import Invalid
from matchmaker.arrivals import Arrival
from matchmaker.offline import Outcome, run
from matchmaker.rules import flexmatch
from matchmaker.rules.importing import imported
from matchmaker.rules.importing.draft import Draft


def pool(*rules: dict[str, Any], teams: list[dict[str, Any]] | None = None) -> Draft:
    one = {"Name": "Teams", "TeamCount": {"Min": 2, "Max": 2}, "PlayerCount": {"Min": 1, "Max": 1}}
    told = {"Name": "P", "MatchDefinition": {"Teams": teams or [one], "MatchRules": rules}}
    return imported(json.dumps(told), "unity")


def rule(kind: str, source: str, reference: object = None, **more: object) -> dict[str, Any]:
    told = {} if reference is None else {"Reference": reference}
    return {"Name": f"{kind}-{source}", "Type": kind, "Source": f"Players.{source}", **told, **more}


def tried(draft: Draft, *players: dict[str, Any], apart_s: float = 0.0) -> Outcome:
    rules, problems = flexmatch.read(json.dumps(draft.document()))
    assert rules is not None, problems
    return run(
        rules,
        [
            Arrival(str(n), [{"id": str(n), "attributes": one, "latency_ms": one.get("ms")}],
                    n * apart_s)
            for n, one in enumerate(players)
        ],
    )  # fmt: skip


def times(outcome: Outcome) -> list[float]:
    return [made.time_s for made in outcome.matches]


def test_two_meet_at_once():
    assert times(tried(pool(), {}, {})) == [0]


@pytest.mark.parametrize(("gap", "at_s"), [(50, 4), (150, 10), (900, 20)])
def test_a_difference_is_relaxed_by_the_oldest_and_switched_off_at_last(gap: float, at_s: float):
    draft = pool(
        rule(
            "Difference",
            "CustomData.skill",
            100,
            Relaxations=[
                {"Type": "ReferenceControl.Replace", "Value": 200, "AtSeconds": 10},
                {"Type": "RuleControl.Disable", "AtSeconds": 20, "AgeType": "Oldest"},
            ],
        )
    )

    assert times(tried(draft, {"skill": 0}, {"skill": gap}, apart_s=4)) == [at_s]


@pytest.mark.parametrize(
    ("told", "first", "second", "plays"),
    [
        (rule("Equality", "CustomData.mode"), "a", "a", True),
        (rule("Equality", "CustomData.mode"), "a", "b", False),
        (rule("Equality", "CustomData.mode", Not=True), "a", "b", True),
        (rule("Equality", "CustomData.mode", Not=True), "a", "a", False),
        (rule("Equality", "CustomData.mode", "a"), "b", "b", False),
        (rule("Equality", "CustomData.mode", EnableRule=False), "a", "b", True),
        (rule("LessThan", "CustomData.mode", 5), 4, 5, False),
        (rule("LessThanEqual", "CustomData.mode", 5), 4, 5, True),
        (rule("GreaterThan", "CustomData.mode", 5), 6, 5, False),
        (rule("InList", "CustomData.mode", ["a", "b"]), ["a"], ["b"], True),
        (rule("InList", "CustomData.mode", ["a", "b"]), ["a"], ["c"], False),
        (rule("Intersection", "CustomData.mode", Overlap=2), ["a", "b"], ["b", "a"], True),
        (rule("Intersection", "CustomData.mode", Overlap=2), ["a", "b"], ["b", "c"], False),
    ],
)
def test_each_type_of_rule_says_what_it_says(
    told: dict[str, Any], first: object, second: object, plays: bool
):
    outcome = tried(pool(told), {"mode": first}, {"mode": second})

    assert bool(outcome.matches) == plays


def test_latency_is_bounded_and_relaxed():
    draft = pool(
        rule("LessThanEqual", "QosResults.Latency", 100, Relaxations=[
            {"Type": "ReferenceControl.Replace", "Value": 150, "AtSeconds": 30}]),
    )  # fmt: skip

    assert times(tried(draft, {"ms": {"eu": 90}}, {"ms": {"eu": 100}})) == [0]
    assert times(tried(draft, {"ms": {"eu": 90}}, {"ms": {"eu": 120}})) == [30]


def test_teams_need_fewer_players_after_a_while_and_have_rules_of_their_own():
    draft = pool(
        teams=[
            {
                "Name": "Hunters",
                "TeamCount": {"Min": 1, "Max": 1},
                "PlayerCount": {"Min": 2, "Max": 3, "Relaxations": [
                    {"Type": "RangeControl.ReplaceMin", "Value": 1, "AtSeconds": 8}]},
                "TeamRules": [rule("Equality", "CustomData.role", "hunter")],
            },
            {
                "Name": "Monster",
                "TeamCount": {"Min": 1, "Max": 1},
                "PlayerCount": {"Min": 1, "Max": 1},
                "TeamRules": [rule("Equality", "CustomData.role", "monster")],
            },
        ]
    )  # fmt: skip
    hunter, monster = {"role": "hunter"}, {"role": "monster"}

    full, thin = tried(draft, hunter, monster, hunter), tried(draft, monster, hunter)

    assert times(full) == [0]
    assert full.matches[0].teams == {"Hunters": ["0", "2"], "Monster": ["1"]}
    assert times(thin) == [8]


def test_what_cannot_be_said_is_told_with_its_place():
    one = {"Name": "T", "TeamCount": {"Min": 2, "Max": 4}, "PlayerCount": {"Min": 1, "Max": 1}}
    draft = pool(rule("DoubleDifference", "CustomData.skill", 5), teams=[one])

    told = "\n".join(draft.warnings)

    assert "$.MatchDefinition.Teams[0].TeamCount" in told
    assert "$.MatchDefinition.MatchRules[0]" in told


@pytest.mark.parametrize("text", ["[]", "{}", "{", '{"MatchDefinition": {"Teams": [1]}}', "null"])
def test_what_is_no_pool_is_told_so(text: str):
    with pytest.raises(Invalid):
        imported(text, "unity")
