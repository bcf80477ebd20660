"""What runs and surprises is told, at its place, and nothing that is fine is."""

import json
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from matchmaker.rules import flexmatch
from matchmaker.rules.traps import traps

COUNT = "count(teams[red].players)"
SKILL = "flatten(teams[*].players.attributes[skill])"


def document(*rules: dict[str, Any], sizes: tuple[int, int] = (1, 3), **more: object) -> str:
    return json.dumps(
        {
            "ruleLanguageVersion": "1.0",
            "playerAttributes": [
                {"name": "skill", "type": "number"},
                {"name": "mode", "type": "string"},
                {"name": "maps", "type": "string_list"},
            ],
            "teams": [
                {"name": name, "minPlayers": sizes[0], "maxPlayers": sizes[1]}
                for name in ("red", "blue")
            ],
            "rules": [{"name": f"R{n}", **rule} for n, rule in enumerate(rules)],
            **more,
        }
    )


def found(text: str) -> set[str]:
    rules, problems = flexmatch.read(text)
    assert rules is not None, problems
    return {problem.path for problem in [*problems, *traps(rules)]}


def comparison(measured: str, operation: str, reference: object = None) -> dict[str, Any]:
    told = {} if reference is None else {"referenceValue": reference}
    return {"type": "comparison", "measurements": [measured], "operation": operation, **told}


def collection(operation: str, **more: object) -> dict[str, Any]:
    measured = "flatten(teams[*].players.attributes[maps])"
    return {"type": "collection", "operation": operation, "measurements": [measured], **more}


def expansion(target: str, *steps: tuple[float, object]) -> dict[str, Any]:
    listed = [{"waitTimeSeconds": wait_s, "value": value} for wait_s, value in steps]
    return {"target": target, "steps": listed}


@pytest.mark.parametrize(
    ("rules", "path"),
    [
        ([comparison(SKILL, ">", 5), comparison(SKILL, "<", 3)], "$.rules[1].operation"),
        ([comparison(SKILL, "="), comparison(SKILL, "!=")], "$.rules[1].operation"),
        ([comparison(COUNT, ">", 3)], "$.rules[0].referenceValue"),
        ([collection("intersection", minCount=101)], "$.rules[0].minCount"),
        ([collection("contains", referenceValue="a", minCount=7)], "$.rules[0].minCount"),
        ([collection("reference_intersection_count", referenceValue=["a", "b"], minCount=3)],
         "$.rules[0].minCount"),
        ([comparison(SKILL, "!=")], "$.rules[0]"),
        ([{"type": "batchDistance", "batchAttribute": "skill", "maxDistance": 5}], "$.rules[0]"),
        ([{"type": "batchDistance", "batchAttribute": "mode", "maxDistance": 5}],
         "$.rules[0].maxDistance"),
    ],
)  # fmt: skip
def test_a_rule_that_nothing_or_few_can_meet_is_told(rules: list[dict[str, Any]], path: str):
    assert path in found(document(*rules))


@pytest.mark.parametrize(
    "rules",
    [
        [comparison(SKILL, ">", 3), comparison(SKILL, "<", 5)],
        [comparison(SKILL, ">=", 3), comparison(SKILL, "<=", 3)],
        [comparison(COUNT, ">=", 3)],
        [collection("contains", referenceValue="a", minCount=6)],
    ],
)
def test_a_rule_that_can_be_met_is_not_told(rules: list[dict[str, Any]]):
    assert found(document(*rules)) == set()


NEAR = {"type": "batchDistance", "batchAttribute": "skill", "maxDistance": 5}


@pytest.mark.parametrize(
    ("step", "path"),
    [
        (expansion("rules[R0].maxDistance", (5, 3)), "$.expansions[0].steps[0].value"),
        (expansion("rules[R0].maxDistance", (5, 5)), "$.expansions[0].steps[0].value"),
        (expansion("rules[R0].maxDistance", (5, 9), (9, 9)), "$.expansions[0].steps[1].value"),
        (expansion("rules[R0].maxDistance", (0, 9)), "$.expansions[0].steps[0].waitTimeSeconds"),
        (expansion("rules[R0].maxDistance", (90, 9)), "$.expansions[0].steps[0].waitTimeSeconds"),
        (expansion("teams[red,blue].minPlayers", (5, 2), (9, 0)), "$.expansions[0].steps[1].value"),
        (expansion("teams[red].maxPlayers", (5, 39)), "$.expansions[0].steps[0].value"),
    ],
)
def test_a_step_that_does_nothing_or_harm_is_told(step: dict[str, Any], path: str):
    text = document(NEAR, sizes=(3, 5), expansions=[step], requestTimeoutSeconds=60)

    assert path in found(text)


def test_solo_matches_are_told_where_they_begin():
    assert "$.teams[0].minPlayers" in found(document(sizes=(0, 3)))


def test_an_expansion_of_what_another_expands_is_told():
    twice = [
        expansion("rules[R0].maxDistance", (5, 9)),
        expansion("rules[R0].maxDistance", (6, 10)),
    ]

    assert "$.expansions[1].target" in found(document(NEAR, expansions=twice))


WHOLE = json.loads(
    document(
        comparison(SKILL, ">", 5), collection("intersection", minCount=1), NEAR,
        {"type": "latency", "maxLatency": 5},
        {"type": "compound", "statement": "or(R0, not(R1))"},
        {"type": "absoluteSort", "sortDirection": "ascending", "sortAttribute": "skill"},
        algorithm={"strategy": "exhaustiveSearch", "batchingPreference": "sorted",
                   "sortByAttributes": ["skill"]},
        expansions=[expansion("rules[R2].maxDistance", (5, 9)),
                    expansion("teams[red].minPlayers", (5, 1)),
                    expansion("rules[R0].referenceValue", (5, f"avg({SKILL})"))],
    )
)  # fmt: skip


def places(value: object, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [way, *(place for key, one in inner for place in places(one, (*way, key)))]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
    | st.sampled_from(["teams[*]", "avg()", "1e999", "or(", "rules[R0].x", "\ud800", "="]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["name", "type", "N", "value"]), inner, max_size=3),
    max_leaves=4,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(places(WHOLE)[1:]), ANYTHING)
def test_no_mistake_makes_the_check_itself_fail(place: tuple[Any, ...], value: object):
    whole = json.loads(json.dumps(WHOLE))
    at = whole
    for step in place[:-1]:
        at = at[step]
    at[place[-1]] = value

    rules, problems = flexmatch.read(json.dumps(whole))

    told = [*problems, *(traps(rules) if rules is not None else [])]
    assert (rules is None) == any(problem.severity == "error" for problem in told)
    assert all(problem.path.startswith("$") and problem.message for problem in told)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 900 + "1" + "}" * 900])
def test_what_is_nested_too_deeply_is_told_so(text: str):
    rules, problems = flexmatch.read(text)

    assert rules is None
    assert problems
