"""When things happen offline: arrivals, ages and goodbyes, each at its exact instant."""

from typing import Any

import pytest

from matchmaker.arrivals import Arrival
from tests.matchmaker.tried import (
    met,
    number,
    rule_set,
    rules,
    teams,
    ticket,
    tried,
    widening,
)

DUEL = teams((1, 1), (1, 1))
SKILL = "flatten(teams[*].players.attributes[skill])"
OLDEST = {"strategy": "exhaustiveSearch", "expansionAgeSelection": "oldest"}
NEAR = {"type": "distance", "measurements": [SKILL], "referenceValue": 0, "maxDistance": 5}
ALIKE = {"type": "comparison", "measurements": [SKILL], "operation": "="}
STRONG = {
    "type": "comparison", "measurements": [SKILL], "operation": ">=", "referenceValue": 50
}  # fmt: skip


def asked(rule: dict[str, Any], *wider: dict[str, Any], **more: object) -> str:
    return rule_set(**{
        "playerAttributes": [number("skill", 20)], "teams": DUEL, "rules": rules(rule),
        "expansions": list(wider), **more,
    })  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "wider", "at_s"),
    [
        (NEAR, widening("rules[r0].maxDistance", 5, 50), 6),
        (NEAR, widening("rules[ r0 ].maxDistance", 0.3, "50"), 1.3),
        (STRONG, widening("rules[r0].referenceValue", 7, 10), 8),
        (STRONG, widening("rules[r0].operation", 7, "<"), 8),
        (ALIKE | {"operation": "!="}, widening("rules[r0].operation", 2, "="), 3),
    ],
)
def test_a_rule_widens_when_the_newest_is_old_enough(
    rule: dict[str, Any], wider: dict[str, Any], at_s: float
):
    outcome = tried(asked(rule, wider), ticket("a"), ticket("b", 1))

    assert met(outcome) == [(pytest.approx(at_s), "ab")]


def test_a_rule_inside_a_compound_widens_too():
    either = rules(NEAR, STRONG, {"type": "compound", "statement": "or(r0, r1)"})

    outcome = tried(
        asked(NEAR, widening("rules[r0].maxDistance", 5, 50), rules=either),
        ticket("a"),
        ticket("b"),
    )

    assert met(outcome) == [(5, "ab")]


def test_who_is_too_young_is_left_out_of_a_widened_match():
    text = asked(NEAR, widening("rules[r0].maxDistance", 5, 50), teams=teams((2, 3)))

    outcome = tried(text, ticket("a"), ticket("b", 1), ticket("c", 5.5))

    assert met(outcome) == [(6, "ab")]
    assert outcome.waiting == ["c"]


@pytest.mark.parametrize(("late_s", "at_s", "all_"), [(4, 5, "abc"), (7, 5, "ab")])
def test_the_oldest_can_take_the_young_along(late_s: float, at_s: float, all_: str):
    text = asked(
        NEAR, widening("rules[r0].maxDistance", 5, 50), teams=teams((2, 3)), algorithm=OLDEST
    )

    outcome = tried(text, ticket("a"), ticket("b", 1), ticket("c", late_s))

    assert met(outcome) == [(at_s, all_)]


@pytest.mark.parametrize(
    ("wider", "party", "seats"),
    [
        (widening("teams[red,blue].minPlayers", 5, 1), 1, {"red": 1, "blue": 1}),
        (widening("teams[red].maxPlayers", 5, 3), 3, {"red": 1, "blue": 1}),
    ],
)
def test_teams_change_size(wider: dict[str, Any], party: int, seats: dict[str, int]):
    sides = teams((2, 2), (2, 2)) if party == 1 else teams((1, 1), (1, 1))

    outcome = tried(
        rule_set(teams=sides, expansions=[wider]), ticket("a", 0, *[{}] * party), ticket("b")
    )

    assert met(outcome) == [(5, "ab")]
    assert {team: len(there) for team, there in outcome.matches[0].teams.items()} == seats


def test_all_teams_of_a_quantity_change_size():
    squads = [{"name": "squad", "minPlayers": 2, "maxPlayers": 2, "quantity": 3}]
    text = rule_set(teams=squads, expansions=[widening("teams[squad].minPlayers", 5, 1)])

    assert met(tried(text, *(ticket(name) for name in "abc"))) == [(5, "abc")]


def far(name: str, at_s: float = 0.0, **ms: float) -> Arrival:
    return ticket(name, at_s, latency_ms=ms)


@pytest.mark.parametrize(
    ("bounds", "wider", "at_s"),
    [
        ({"maxLatency": 60}, (), 0),
        ({"maxLatency": 59}, widening("rules[r0].maxLatency", 4, 60), 4),
        ({"maxLatency": 59}, (), None),
        ({"maxLatency": 90, "maxDistance": 25}, (), 0),
        ({"maxLatency": 90, "maxDistance": 24}, (), None),
        ({"maxLatency": 90, "maxDistance": 50, "distanceReference": "min"}, (), 0),
        ({"maxLatency": 90, "maxDistance": 49, "distanceReference": "min"},
         widening("rules[r0].maxDistance", 4, 50), 4),
        ({"maxLatency": 90, "maxDistance": 25, "distanceReference": "min"},
         widening("rules[r0].distanceReference", 3, "avg"), 3),
    ],
)  # fmt: skip
def test_latency_is_bounded_in_a_region_that_all_reach(
    bounds: dict[str, Any], wider: dict[str, Any], at_s: float | None
):
    text = rule_set(
        teams=DUEL,
        rules=rules({"type": "latency", **bounds}),
        expansions=[wider] if wider else [],
    )

    outcome = tried(text, far("a", eu=10, us=200), far("b", eu=60), far("c", asia=10))

    assert met(outcome) == ([] if at_s is None else [(at_s, "ab")])


@pytest.mark.parametrize(("by", "plays"), [("avg", True), ("min", True), ("max", False)])
def test_the_latency_of_a_party_is_one_number(by: str, plays: bool):
    both = [{"id": f"p{n}", "latency_ms": {"eu": ms}} for n, ms in enumerate((10, 70))]
    text = rule_set(
        teams=teams((1, 2), (1, 2)),
        rules=rules({"type": "latency", "maxLatency": 50, "partyAggregation": by}),
    )

    outcome = tried(text, Arrival("p", both), far("s", eu=10))

    assert met(outcome) == ([(0, "ps")] if plays else [])
    assert [*outcome.rejected] == ([] if plays else ["p"])


@pytest.mark.parametrize(
    ("cancel_at_s", "plays"), [(3, False), (3.001, True), (0, False), (-1, False), (9, True)]
)
def test_who_leaves_at_an_instant_is_gone_before_it(cancel_at_s: float, plays: bool):
    outcome = tried(rule_set(teams=DUEL), ticket("a", cancel_at_s=cancel_at_s), ticket("b", 3))

    assert met(outcome) == ([(3, "ab")] if plays else [])
    assert outcome.waiting == ([] if plays else ["b"])


@pytest.mark.parametrize(("until_s", "plays"), [(5, True), (4.999, False), (0, False)])
def test_the_end_is_part_of_the_time(until_s: float, plays: bool):
    text = asked(NEAR, widening("rules[r0].maxDistance", 5, 50))

    outcome = tried(text, ticket("a"), ticket("b"), ticket("late", 99), until_s=until_s)

    assert met(outcome) == ([(5, "ab")] if plays else [])
    assert outcome.waiting == ([] if plays else ["a", "b"])


def test_the_longest_waiting_who_can_play_is_served_first():
    text = asked(
        {"type": "batchDistance", "batchAttribute": "skill", "maxDistance": 1},
        widening("rules[r0].maxDistance", 10, 1000),
    )
    crowd = {"l": (0, 500), "a": (1, 5), "b": (2, 5), "c": (3, 7), "d": (12, 9)}

    outcome = tried(text, *(ticket(n, at, {"skill": s}) for n, (at, s) in crowd.items()))

    assert met(outcome) == [(2, "ab"), (13, "cl")]
    assert outcome.waiting == ["d"]


def test_of_equally_large_matches_the_one_by_the_rules_as_they_began_is_made():
    text = asked(ALIKE, widening("rules[r0].operation", 10, "!="))

    outcome = tried(text, ticket("a", 0), ticket("b", 0, {"skill": 9}), ticket("c", 10))

    assert met(outcome) == [(10, "ac")]
