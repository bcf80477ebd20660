"""Each thing that a rule can measure, tried offline on the fewest tickets that show it."""

from typing import Any

import pytest

from tests.matchmaker.tried import met, number, rule_set, rules, teams, ticket, tried

SKILL = "flatten(teams[*].players.attributes[skill])"
MAPS = "flatten(teams[*].players.attributes[maps])"
ROLES = "flatten(teams[*].players.attributes[role])"
DECLARED = [
    number("skill", 0),
    {"name": "role", "type": "string", "default": "any"},
    {"name": "maps", "type": "string_list", "default": []},
    {"name": "likes", "type": "string_number_map", "default": {"ice": 1}},
]
DUEL, SQUADS = teams((1, 1), (1, 1)), teams((1, 2), (1, 2))


def compared(measured: str, operation: str, *reference: object, **more: object) -> dict[str, Any]:
    told = {"type": "comparison", "measurements": [measured], "operation": operation, **more}
    return told | ({"referenceValue": reference[0]} if reference else {})


def distant(measured: str, reference: object, **more: object) -> dict[str, Any]:
    return {
        "type": "distance", "measurements": [measured], "referenceValue": reference, **more
    }  # fmt: skip


def collected(measured: str, operation: str, *reference: object, **more: object) -> dict[str, Any]:
    return compared(measured, operation, *reference, type="collection") | more


def asked(*some: dict[str, Any], sides: list[dict[str, Any]] = DUEL, **more: object) -> str:
    return rule_set(playerAttributes=DECLARED, teams=sides, rules=rules(*some), **more)


@pytest.mark.parametrize(
    ("rule", "plays"),
    [
        (distant(SKILL, 100, maxDistance=5, partyAggregation="max"), True),
        (distant(SKILL, 100, maxDistance=5, partyAggregation="min"), False),
        (distant(SKILL, 100, maxDistance=5), False),
        (compared(SKILL, ">=", 10), True),
        (compared(SKILL, ">=", 10, partyAggregation="min"), False),
        ({"type": "batchDistance", "batchAttribute": "skill", "maxDistance": 1}, False),
        (
            {
                "type": "batchDistance", "batchAttribute": "skill", "maxDistance": 1,
                "partyAggregation": "max",
            },
            True,
        ),
        ({"type": "batchDistance", "batchAttribute": "role"}, False),
        (collected(MAPS, "intersection", minCount=1), True),
        (collected(MAPS, "intersection", minCount=1, partyAggregation="intersection"), False),
    ],
)  # fmt: skip
def test_a_party_counts_as_the_rule_says(rule: dict[str, Any], plays: bool):
    first = {"skill": 0, "role": "tank", "maps": ["a"]}
    second = {"skill": 100, "role": "healer", "maps": ["b"]}

    outcome = tried(
        asked(rule, sides=SQUADS),
        ticket("p", 0, first, second),
        ticket("s", 0, {"skill": 100, "role": "tank", "maps": ["b"]}),
    )

    assert met(outcome) == ([(0, "ps")] if plays else [])


TEAM = teams((2, 2))
ONE_TO_THREE = teams((1, 3), (1, 3))


@pytest.mark.parametrize(
    ("rule", "sides", "skills", "match"),
    [
        (compared("sum(teams[red].players.attributes[skill])", "<=", 10), TEAM, (6, 5, 4), "ac"),
        (compared(f"sum({SKILL})", "<=", 10), TEAM, (6, 5, 4), "ac"),
        (compared("median(teams[red].players.attributes[skill])", ">", 5), TEAM, (1, 5, 9), "bc"),
        (compared("stddev(teams[red].players.attributes[skill])", "<=", 1), TEAM, (1, 4, 3), "ac"),
        (compared(SKILL, "!="), TEAM, (7, 7, 8), "ac"),
        (compared(SKILL, "="), TEAM, (7, 8, 7), "ac"),
        (compared(SKILL, ">=", "5"), TEAM, (4, 5, 6), "bc"),
        (compared("team[red].players.attributes[skill]", "<", 6), TEAM, (6, 5, 5), "bc"),
        (distant(f"max({SKILL})", f"min({SKILL})", minDistance=10), TEAM, (1, 5, 11), "ac"),
        (distant(f"max({SKILL})", f"min({SKILL})", maxDistance="2"), TEAM, (1, 5, 3), "ac"),
        (compared("count(teams[red].players)", "=", 2), ONE_TO_THREE, (0,) * 6, "abcde"),
        (compared("count(teams[*].players)", "=", 2), ONE_TO_THREE, (0,) * 6, "abcd"),
        (compared("count(teams[*].players)", "="), ONE_TO_THREE, (0,) * 5, "abcd"),
        (
            distant("max(count(teams[*].players))", "min(count(teams[*].players))", maxDistance=1),
            ONE_TO_THREE, (0,) * 5, "abcde",
        ),
    ],
)  # fmt: skip
def test_numbers_are_worked_out(
    rule: dict[str, Any], sides: list[dict[str, Any]], skills: tuple[int, ...], match: str
):
    crowd = [ticket(name, 0, {"skill": s}) for name, s in zip("abcdef", skills, strict=False)]

    assert met(tried(asked(rule, sides=sides), *crowd))[0] == (0, match)


@pytest.mark.parametrize(
    ("rule", "sides", "seats"),
    [
        (
            compared("teams[red].players.attributes[skill]", ">", f"min({SKILL})"),
            DUEL, {"red": ["b"], "blue": ["a"]},
        ),
        (
            compared("flatten(teams[red, blue].players.attributes[skill])", "!="),
            teams((1, 1), (1, 1), (1, 1)), {"red": ["a"], "blue": ["b"], "green": ["c"]},
        ),
        (
            compared("flatten(teams[blue,green].players.attributes[skill])", "="),
            teams((1, 1), (1, 1), (1, 1)), {"red": ["a"], "blue": ["b"], "green": ["c"]},
        ),
        (
            compared("teams[side_2].players.attributes[skill]", "<=", 1),
            [{"name": "side", "minPlayers": 1, "maxPlayers": 1, "quantity": 2}],
            {"side_1": ["b"], "side_2": ["a"]},
        ),
        (
            compared("teams[side_1].players[playerid]", "=", "c"),
            [{"name": "side", "minPlayers": 1, "maxPlayers": 1, "quantity": 2}],
            {"side_1": ["c"], "side_2": ["a"]},
        ),
        (
            collected("teams[red].players.attributes[role]", "contains",
                      "teams[blue].players.attributes[maps]"),
            DUEL, {"red": ["a"], "blue": ["b"]},
        ),
    ],
)  # fmt: skip
def test_teams_are_named(
    rule: dict[str, Any], sides: list[dict[str, Any]], seats: dict[str, list[str]]
):
    crowd = [
        ticket("a", 0, {"skill": 1, "role": "x"}),
        ticket("b", 0, {"skill": 2, "role": "y", "maps": ["x"]}),
        ticket("c", 0, {"skill": 2, "role": "z"}),
    ]

    made = tried(asked(rule, sides=sides), *crowd).matches[0]

    assert {team: sorted(there) for team, there in made.teams.items()} == seats


@pytest.mark.parametrize(
    ("rule", "lists", "match"),
    [
        (collected(MAPS, "intersection", minCount=1), ("x", "y", "yz"), "bc"),
        (collected(MAPS, "intersection", minCount=2), ("xy", "yz", "zyx"), "ac"),
        (collected(MAPS, "intersection", maxCount=0), ("xy", "y", "z"), "ac"),
        (collected(MAPS, "intersection"), ("x", "y", "yz"), "bc"),
        (collected("teams[*].players.attributes[maps]", "intersection", minCount=1),
         ("x", "y", "yz"), "bc"),
        (collected(MAPS, "contains", "x"), ("y", "z", "x"), "ac"),
        (collected(MAPS, "contains", "x", minCount=2), ("x", "z", "x"), "ac"),
        (collected(MAPS, "contains", "x", maxCount=1), ("x", "xy", "y"), "ac"),
        (collected(MAPS, "contains", ["x", "y"], minCount=3), ("x", "y", "xy"), "ac"),
        (collected(MAPS, "reference_intersection_count", ["x", "y"], minCount=1, maxCount=1),
         ("x", "xy", "yz"), "ac"),
        (collected(MAPS, "reference_intersection_count", "x", minCount=1), ("x", "y", "xz"), "ac"),
        (collected(f"set_intersection({MAPS})", "reference_intersection_count", ["x", "y"],
                   minCount=1), ("xz", "yz", "x"), "ac"),
        (compared(f"count(set_intersection({MAPS}))", ">=", 1), ("x", "y", "xy"), "ac"),
        (compared(f"count(flatten({MAPS}))", "<=", 3), ("xy", "yz", "x"), "ac"),
    ],
)  # fmt: skip
def test_lists_are_counted(rule: dict[str, Any], lists: tuple[str, ...], match: str):
    crowd = [ticket(name, 0, {"maps": [*own]}) for name, own in zip("abc", lists, strict=True)]

    assert met(tried(asked(rule), *crowd)) == [(0, match)]


def test_what_both_teams_need_is_found_behind_a_long_line_of_others():
    needs = [
        collected(f"teams[{side}].players.attributes[role]", "contains", "healer", minCount=1)
        for side in ("red", "blue")
    ]
    line = [ticket(f"d{n:03}", 0, {"role": "damage"}) for n in range(150)]
    healers = [ticket(f"h{n}", 1 + n, {"role": "healer"}) for n in range(2)]

    outcome = tried(asked(*needs, sides=teams((2, 2), (2, 2))), *line, *healers)

    assert met(outcome) == [(2, "d000d001h0h1")]


BOTH = (compared(SKILL, ">=", 10), compared(SKILL, "<", 20))


@pytest.mark.parametrize(
    ("statement", "skills", "holds"),
    [
        ("and(r0,r1)", (12, 15), True), ("and(r0,r1)", (12, 25), False),
        ("or(r0,r1)", (5, 8), True), ("or(r0,r1)", (5, 25), False),
        ("xor(r0,r1)", (25, 30), True), ("xor(r0,r1)", (12, 15), False),
        ("not(r0)", (5, 12), True), ("not(r0)", (12, 12), False),
        (" and ( not( r0 ) , or(r0 , r1) ) ", (5, 8), True),
        ("and(or(r0,r1),not(and(r0,r1)))", (12, 15), False),
    ],
)  # fmt: skip
def test_rules_are_put_together(statement: str, skills: tuple[int, int], holds: bool):
    # A rule that no compound names would have to be met by itself.
    some = BOTH if "r1" in statement else BOTH[:1]

    outcome = tried(
        asked(*some, {"type": "compound", "statement": statement}),
        *(ticket(name, 0, {"skill": s}) for name, s in zip("ab", skills, strict=True)),
    )

    assert met(outcome) == ([(0, "ab")] if holds else [])


@pytest.mark.parametrize(
    ("rule", "match"),
    [
        ({"type": "absoluteSort", "sortDirection": "ascending", "sortAttribute": "skill"}, "ac"),
        ({"type": "absoluteSort", "sortDirection": "descending", "sortAttribute": "skill"}, "ad"),
        ({"type": "distanceSort", "sortDirection": "ascending", "sortAttribute": "skill"}, "ab"),
        ({"type": "distanceSort", "sortDirection": "descending", "sortAttribute": "skill"}, "ac"),
        ({"type": "absoluteSort", "sortDirection": "ascending", "sortAttribute": "role"}, "ad"),
        ({"type": "absoluteSort", "sortDirection": "descending", "sortAttribute": "likes",
          "mapKey": "maxValue"}, "ac"),
        ({"type": "absoluteSort", "sortDirection": "ascending", "sortAttribute": "likes",
          "mapKey": "minValue"}, "ab"),
        ({"type": "distanceSort", "sortDirection": "ascending", "sortAttribute": "likes",
          "mapKey": "maxValue"}, "ac"),
    ],
)  # fmt: skip
def test_candidates_are_sorted(rule: dict[str, Any], match: str):
    crowd = [
        ticket("a", 0, {"skill": 50, "role": "x", "likes": {"sand": 9, "ice": 2}}),
        ticket("b", 0, {"skill": 55, "role": "y", "likes": {"sand": 3, "ice": 1}}),
        ticket("c", 0, {"skill": 10, "role": "y", "likes": {"SDM": {"sand": 7, "ice": 5}}}),
        ticket("d", 0, {"skill": {"N": "80"}, "role": {"S": "x"}, "likes": {"ice": 4}}),
    ]

    assert met(tried(asked(rule), *crowd))[0] == (0, match)


@pytest.mark.parametrize(
    ("rule", "attributes"),
    [
        (compared("max(teams[*].players.attributes[skill])", "<=", 10), {"skill": 11}),
        (compared(f"min({SKILL})", ">=", 10), {"skill": 9}),
        (distant(f"max({SKILL})", 10, maxDistance=5), {"skill": 16}),
        (compared(ROLES, "=", "tank"), {"role": "healer"}),
        (collected(MAPS, "intersection", minCount=1), {"maps": []}),
        (collected(MAPS, "reference_intersection_count", ["x"], minCount=1), {"maps": ["y"]}),
        (collected(MAPS, "contains", "x", maxCount=0), {"maps": ["x"]}),
    ],
)
def test_who_no_rule_will_ever_let_in_is_rejected(rule: dict[str, Any], attributes: dict[str, Any]):
    outcome = tried(asked(rule), ticket("a", 0, attributes))

    assert outcome.waiting == []
    assert "'r0' never let it into any team" in outcome.rejected["a"]
