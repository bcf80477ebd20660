"""PlayFab's queues say the same as rule sets, or it is told what they cannot say."""

import json
from typing import Any

import pytest

from core.errors import Invalid
from matchmaker.arrivals import Arrival
from matchmaker.offline import Outcome, run
from matchmaker.rules import flexmatch
from matchmaker.rules.importing import imported
from matchmaker.rules.importing.draft import Draft

SKILL = {"Path": "Skill", "Source": "User"}


def queue(*rules: dict[str, Any], low: int = 2, high: int = 2, **more: object) -> Draft:
    told = {"Name": "Q", "MinMatchSize": low, "MaxMatchSize": high, "Rules": rules, **more}
    return imported(json.dumps({"MatchmakingQueue": told}), "playfab")


def tried(draft: Draft, *players: dict[str, Any], at_s: float = 0.0) -> Outcome:
    text = json.dumps(draft.document())
    rules, problems = flexmatch.read(text)
    assert rules is not None, problems
    arrivals = [
        Arrival(str(n), [{"id": str(n), "attributes": one, "latency_ms": one.get("ms")}], at_s)
        for n, one in enumerate(players)
    ]
    return run(rules, arrivals)


def times(outcome: Outcome) -> list[float]:
    return [made.time_s for made in outcome.matches]


@pytest.mark.parametrize(("gap", "at_s"), [(0.1, 0), (0.25, 5), (0.45, 15), (0.9, 30)])
def test_a_difference_widens_step_by_step_and_is_dropped_at_last(gap: float, at_s: float):
    draft = queue(
        {
            "Type": "DifferenceRule", "Name": "Near", "Attribute": SKILL, "Difference": 0.2,
            "Expansion": {"Type": "Linear", "Delta": 0.1, "Limit": 0.5,
                          "SecondsBetweenExpansions": 5},
            "SecondsUntilOptional": 30,
        }
    )  # fmt: skip

    assert times(tried(draft, {"Skill": 0.0}, {"Skill": gap})) == [at_s]


def test_custom_values_count_from_the_start_one_after_the_other():
    draft = queue(
        {
            "Type": "MatchTotalRule", "Name": "Size", "Attribute": {"Path": "One"},
            "Min": 2, "Max": 4, "DefaultAttributeValue": 1,
            "Expansion": {"Type": "Custom", "MinOverrides": [4, 3, 2],
                          "SecondsBetweenExpansions": 10},
        },
        high=4,
    )  # fmt: skip

    assert times(tried(draft, {}, {}, {}, {})) == [0]
    assert times(tried(draft, {}, {}, {})) == [10]
    assert times(tried(draft, {}, {})) == [20]


def test_equal_texts_may_become_optional():
    draft = queue(
        {"Type": "StringEqualityRule", "Name": "Build", "Attribute": {"Path": "build"},
         "SecondsUntilOptional": 20},
    )  # fmt: skip

    assert times(tried(draft, {"build": "1.10"}, {"build": "1.10"})) == [0]
    assert times(tried(draft, {"build": "1.10"}, {"build": "1.1"})) == [20]


def test_teams_are_balanced_by_sum_and_size():
    draft = queue(
        {"Type": "TeamDifferenceRule", "Name": "Fair", "Attribute": SKILL, "Difference": 1},
        {"Type": "TeamSizeBalanceRule", "Name": "Even", "Difference": 0},
        {"Type": "RegionSelectionRule", "Name": "Region", "MaxLatency": 100, "Path": "Latency"},
        low=2,
        high=4,
        Teams=[{"Name": name, "MinTeamSize": 1, "MaxTeamSize": 2} for name in ("Red", "Blue")],
    )
    ms = {"ms": {"eu": 50}}

    outcome = tried(draft, *({"Skill": skill, **ms} for skill in (9, 1, 5, 5)))

    teams = [sorted(team) for team in outcome.matches[0].teams.values()]
    assert sorted(teams) == [["0", "1"], ["2", "3"]]


def test_lists_share_as_much_as_is_asked():
    shared = {"Type": "SetIntersectionRule", "Name": "Modes", "MinIntersectionSize": 1}
    draft = queue({**shared, "Attribute": {"Path": "modes"}, "SecondsUntilOptional": 30})

    assert times(tried(draft, {"modes": ["a", "b"]}, {"modes": ["b"]})) == [0]
    assert times(tried(draft, {"modes": ["a"]}, {"modes": ["b"]})) == [30]


def test_what_cannot_be_said_is_told_with_its_place():
    draft = queue(
        {"Type": "TeamTicketSizeSimilarityRule", "Name": "Premade"},
        {"Type": "StringEqualityRule", "Name": "Device", "Attribute": {"Path": "device"},
         "AttributeNotSpecifiedBehavior": "MatchAny", "Weight": 2},
        BuildId="6a4d",
    )  # fmt: skip

    told = "\n".join(draft.warnings)

    for place in ("$.BuildId", "$.Rules[0]", "$.Rules[1].AttributeNotSpecifiedBehavior", "weights"):
        assert place in told


def test_a_large_queue_gets_the_algorithm_for_it():
    draft = queue(
        {"Type": "DifferenceRule", "Name": "Near", "Attribute": SKILL, "Difference": 5},
        {"Type": "MatchTotalRule", "Name": "Hosts", "Attribute": {"Path": "host"}, "Min": 1},
        low=50,
        high=60,
    )

    outcome = tried(draft, *({"Skill": n % 5, "host": 0} for n in range(55)))

    assert draft.document()["algorithm"]["balancedAttribute"] == "Skill"
    assert any("$.Rules[1]" in warning for warning in draft.warnings)
    assert times(outcome) == [0]


@pytest.mark.parametrize("text", ["[]", "{}", "{", '{"MaxMatchSize": "many"}', "null"])
def test_what_is_no_queue_is_told_so(text: str):
    with pytest.raises(Invalid):
        imported(text, "playfab")
