"""The judge beside the plain reference: any rule, any match, the same answer."""

import json
from typing import Any

from hypothesis import given, settings, strategies as st

from matchmaker.rules import flexmatch
from matchmaker.rules.hopeless import hopeless
from matchmaker.rules.judge import meets
from matchmaker.rules.members import Lineup, Party, Player
from matchmaker.rules.ruleset import RuleSet
from tests.matchmaker.rules import reference

TEAMS = ("red", "blue_1", "blue_2")
SCOPES = ("*", "red", "blue", "blue_2", "red,blue", "red, blue_1")
NUMBER, MODE, MAPS = "skill", "mode", "maps"
SOME = settings(max_examples=40, deadline=None)


def chosen(*values: object) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


def optional(**parts: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=parts)


@st.composite
def paths(draw: st.DrawFn, attribute: str) -> str:
    path = f"teams[{draw(chosen(*SCOPES))}].players.attributes[{attribute}]"
    return f"flatten({path})" if draw(st.booleans()) else path


@st.composite
def numbers(draw: st.DrawFn) -> str:
    """An expression that gives numbers, in lists or not."""
    one = draw(paths(NUMBER)) if draw(st.booleans()) else f"count({draw(paths(MAPS))})"
    for _ in range(draw(st.integers(0, 2))):
        one = f"{draw(chosen('min', 'max', 'avg', 'median', 'sum', 'stddev', 'count'))}({one})"
    return one


@st.composite
def lists(draw: st.DrawFn) -> str:
    """An expression that gives texts."""
    what = draw(chosen(MAPS, MODE, "ids"))
    if what == "ids":
        return f"flatten(teams[{draw(chosen(*SCOPES))}].players[playerId])"
    return draw(paths(what))


COMMON = st.builds(
    lambda scope, form: f"set_intersection({form})".replace("SCOPE", scope),
    chosen("*", "red,blue", "blue"),
    chosen(
        "teams[SCOPE].players.attributes[maps]",
        "flatten(teams[SCOPE].players.attributes[maps])",
        "teams[SCOPE].players.attributes[mode]",
        "teams[red].players.attributes[maps]",
    ),
)
PLAYER = st.fixed_dictionaries({
    "attributes": st.fixed_dictionaries({
        NUMBER: st.integers(0, 4),
        MODE: chosen("x", "y"),
        MAPS: st.lists(chosen("a", "b", "c"), max_size=3, unique=True),
    }),
    "latency_ms": st.dictionaries(chosen("eu", "us", "asia"), chosen(20, 40, 60), max_size=3),
})  # fmt: skip
MATCHES = st.fixed_dictionaries(
    {team: st.lists(st.lists(PLAYER, min_size=1, max_size=2), max_size=2) for team in TEAMS}
)
DISTANCES = st.builds(
    lambda measured, against, low, high, party: {
        "type": "distance", "measurements": measured, "referenceValue": against,
        "minDistance": min(low, high), "maxDistance": max(low, high), **party,
    },
    st.lists(numbers(), min_size=1, max_size=2), numbers() | st.integers(0, 4),
    chosen(0, 0, 1), chosen(1, 2, 3), optional(partyAggregation=chosen("avg", "min", "max")),
)  # fmt: skip
ORDER = chosen("<", "<=", "=", "!=", ">", ">=")
COMPARISONS = st.one_of(
    st.builds(
        lambda measured, against, operation, party: {
            "type": "comparison", "measurements": [measured], "referenceValue": against,
            "operation": operation, **party,
        },
        numbers(), numbers() | st.integers(0, 4), ORDER,
        optional(partyAggregation=chosen("avg", "min", "max")),
    ),
    st.builds(
        lambda measured, operation, against: {
            "type": "comparison", "measurements": measured, "operation": operation, **against,
        },
        paths(MODE), chosen("=", "!="), optional(referenceValue=chosen("x", "y")),
    ),
    st.builds(
        lambda measured, operation, party: {
            "type": "comparison", "measurements": measured, "operation": operation, **party,
        },
        numbers(), chosen("=", "!="), optional(partyAggregation=chosen("avg", "min", "max")),
    ),
)  # fmt: skip
COUNTS = {"minCount": st.integers(0, 2), "maxCount": st.integers(2, 4)}
COLLECTIONS = st.builds(
    lambda measured, against, operation, bounds, least: {
        "type": "collection", "measurements": [measured], "operation": operation,
        **({} if operation == "intersection" else {"referenceValue": against}),
        **({"minCount": least} if operation == "reference_intersection_count" else {}), **bounds,
    },
    lists(),
    chosen("a", "x", ["a", "b"]) | lists() | COMMON,
    chosen("contains", "intersection", "reference_intersection_count"),
    optional(**COUNTS, partyAggregation=chosen("union", "intersection")),
    st.integers(0, 2),
)  # fmt: skip
LATENCIES = st.builds(
    lambda more, distance: {"type": "latency", **more, **distance},
    st.fixed_dictionaries({"maxLatency": chosen(30, 50, 70)})
    | optional(partyAggregation=chosen("avg", "min", "max")).map(lambda p: {"maxLatency": 50, **p}),
    st.just({})
    | st.fixed_dictionaries(
        {"maxDistance": chosen(5, 15)}, optional={"distanceReference": chosen("avg", "min")}
    ),
)
BATCHES = st.one_of(
    st.just({"type": "batchDistance", "batchAttribute": MODE}),
    st.builds(
        lambda most, party: {
            "type": "batchDistance", "batchAttribute": NUMBER, "maxDistance": most, **party,
        },
        st.integers(0, 3), optional(partyAggregation=chosen("avg", "min", "max")),
    ),
)  # fmt: skip
STATEMENTS = st.recursive(
    chosen("A", "B", "C"),
    lambda inner: st.one_of(
        inner.map("not({})".format),
        st.tuples(chosen("and", "or", "xor"), st.lists(inner, min_size=2, max_size=3)).map(
            lambda one: f"{one[0]}({', '.join(one[1])})"
        ),
    ),
    max_leaves=5,
).filter(lambda statement: "(" in statement)


def rule_set(*rules: dict[str, Any]) -> RuleSet:
    document = {
        "ruleLanguageVersion": "1.0",
        "playerAttributes": [
            {"name": NUMBER, "type": "number"},
            {"name": MODE, "type": "string"},
            {"name": MAPS, "type": "string_list"},
        ],
        "teams": [
            {"name": "red", "minPlayers": 0, "maxPlayers": 10},
            {"name": "blue", "minPlayers": 0, "maxPlayers": 10, "quantity": 2},
        ],
        "rules": rules,
    }
    return flexmatch.load(json.dumps(document))


def numbered(match: reference.Match) -> reference.Match:
    """The same match with ids for its players."""
    ids = iter(range(100))
    return {
        team: [[{**player, "id": f"p{next(ids)}"} for player in ticket] for ticket in tickets]
        for team, tickets in match.items()
    }


def lineup(match: reference.Match, whole: RuleSet) -> Lineup:
    seats = Lineup.empty(whole.teams)
    for team, tickets in match.items():
        for ticket in tickets:
            players = tuple(Player(p["id"], p["attributes"], p["latency_ms"]) for p in ticket)
            seats.seated[team].append(Party(players[0].id, players))
    return seats


def agree(match: reference.Match, *rules: dict[str, Any]) -> None:
    """The judge and the reference judge the last rule alike."""
    match = numbered(match)
    named = [{"name": "ABCD"[n], **rule} for n, rule in enumerate(rules)]
    others = {rule["name"]: rule for rule in named}
    whole = rule_set(*named)
    known = {rule.name: rule for rule in whole.rules}

    held = meets(whole.rules[-1], lineup(match, whole), known)

    assert held == reference.holds(named[-1], match, others)


def anybody(match: reference.Match) -> bool:
    return any(match.values())


@SOME
@given(MATCHES, DISTANCES)
def test_distances_are_judged_as_written(match: reference.Match, rule: dict[str, Any]):
    agree(match, rule)


@SOME
@given(MATCHES, COMPARISONS)
def test_comparisons_are_judged_as_written(match: reference.Match, rule: dict[str, Any]):
    agree(match, rule)


@SOME
@given(MATCHES, COLLECTIONS)
def test_collections_are_judged_as_written(match: reference.Match, rule: dict[str, Any]):
    agree(match, rule)


@SOME
@given(MATCHES.filter(anybody), LATENCIES)
def test_latencies_are_judged_as_written(match: reference.Match, rule: dict[str, Any]):
    agree(match, rule)


@SOME
@given(MATCHES.filter(anybody), BATCHES)
def test_batch_distances_are_judged_as_written(match: reference.Match, rule: dict[str, Any]):
    agree(match, rule)


@SOME
@given(MATCHES.filter(anybody), DISTANCES, COMPARISONS, COLLECTIONS, STATEMENTS)
def test_compounds_are_judged_as_written(
    match: reference.Match,
    first: dict[str, Any],
    second: dict[str, Any],
    third: dict[str, Any],
    statement: str,
):
    agree(match, first, second, third, {"type": "compound", "statement": statement})


ANY_RULE = st.one_of(DISTANCES, COMPARISONS, COLLECTIONS, LATENCIES, BATCHES)


@settings(max_examples=120, deadline=None)
@given(MATCHES.filter(anybody), MATCHES, ANY_RULE, COLLECTIONS, STATEMENTS)
def test_no_match_is_called_hopeless_that_more_players_complete(
    some: reference.Match,
    more: reference.Match,
    rule: dict[str, Any],
    other: dict[str, Any],
    statement: str,
):
    batch = rule["type"] == "batchDistance"
    second = {"type": "latency", "maxLatency": 50} if batch else rule
    named = [
        {"name": "A", **second}, {"name": "B", **other}, {"name": "C", **second},
        {"name": "D", "type": "compound", "statement": statement}, {"name": "E", **rule},
    ]  # fmt: skip
    whole = rule_set(*named)
    known = {rule.name: rule for rule in whole.rules}
    all_of_them = numbered({team: [*some[team], *more[team]] for team in TEAMS})
    some = {team: all_of_them[team][: len(some[team])] for team in TEAMS}

    lost = [one.name for one in whole.rules if hopeless(one, lineup(some, whole), known)]
    met = [one.name for one in whole.rules if meets(one, lineup(all_of_them, whole), known)]

    assert not set(lost) & set(met)


def test_a_team_that_is_empty_still_does_not_make_what_all_have_in_common_nothing():
    common = {
        "name": "Common",
        "type": "collection",
        "measurements": ["teams[blue].players.attributes[maps]"],
        "operation": "intersection",
    }
    whole = rule_set(common)
    known = {rule.name: rule for rule in whole.rules}
    player = {"attributes": {"skill": 0, "mode": "x", "maps": ["a"]}, "latency_ms": {}, "id": "p"}

    some = lineup({"red": [], "blue_1": [], "blue_2": [[player]]}, whole)

    assert not hopeless(known["Common"], some, known)
