"""FlexMatch's rules judged slowly and plainly, word for word as the developer guide has them.

It reads a rule as it stands in the JSON, a match as plain lists, and shares no line with the
package. Where the guide is silent, docs/rules.md says what it does, and so does this.

A match: ``{"red": [ticket, ...]}`` in the order of the teams; a ticket: its players; a
player: ``{"id", "attributes", "latency_ms"}``.
"""

import math
import re
from typing import Any

NEAR = 1e-9

Player = dict[str, Any]
Ticket = list[Player]
Match = dict[str, list[Ticket]]
Value = Any
"""A number, a text, or lists of them."""


def holds(rule: dict[str, Any], match: Match, others: dict[str, dict[str, Any]]) -> bool:
    """Whether a finished match meets a rule; ``others`` are those a compound may name."""
    return bool(globals()[f"_{rule['type']}"](rule, match, others))


def _distance(rule: dict[str, Any], match: Match, _: object) -> bool:
    low, high = rule.get("minDistance", 0), rule.get("maxDistance", math.inf)
    for measured, against in pairs(rule, merged(match, rule.get("partyAggregation", "avg"))):
        if measured is None or against is None:
            return False
        if not low - NEAR <= abs(measured - against) <= high + NEAR:
            return False
    return True


def _comparison(rule: dict[str, Any], match: Match, _: object) -> bool:
    operation = rule["operation"]
    if "referenceValue" not in rule:
        # Members of a party are different people, whatever they are worth together.
        seen = match if operation == "!=" else merged(match, rule.get("partyAggregation", "avg"))
        for text in texts(rule["measurements"]):
            values = flat(evaluate(text, seen))
            if None in values:
                return False
            for n, one in enumerate(values):
                for other in values[n + 1 :]:
                    if same(one, other) != (operation == "="):
                        return False
        return True
    seen = merged(match, rule.get("partyAggregation", "avg"))
    return all(compares(one, operation, other) for one, other in pairs(rule, seen))


def compares(one: Value, operation: str, other: Value) -> bool:
    if one is None or other is None:
        return False
    order = 0 if same(one, other) else (-1 if one < other else 1)
    return {
        "<": order < 0, "<=": order <= 0, "=": order == 0,
        "!=": order != 0, ">": order > 0, ">=": order >= 0,
    }[operation]  # fmt: skip


def same(one: Value, other: Value) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return bool(one == other)
    return bool(abs(one - other) <= NEAR)


def _collection(rule: dict[str, Any], match: Match, _: object) -> bool:
    seen = united(match, rule.get("partyAggregation", "union"))
    bare = "minCount" not in rule and "maxCount" not in rule
    low, high = rule.get("minCount", 1 if bare else 0), rule.get("maxCount", math.inf)
    for text in texts(rule["measurements"]):
        for count in tallies(rule, evaluate(text, seen), seen):
            if not low <= count <= high:
                return False
    return True


def tallies(rule: dict[str, Any], measured: Value, seen: Match) -> list[int]:
    lists = innermost(measured)
    if rule["operation"] == "intersection":
        shared = set(lists[0]) if lists else set()
        for one in lists:
            shared &= set(one)
        return [len(shared)]
    reference = rule["referenceValue"]
    if isinstance(reference, str) and "teams[" in reference:
        reference = evaluate(reference, seen)
    wanted = set(flat(reference if isinstance(reference, list) else [reference]))
    if rule["operation"] == "contains":
        return [sum(text in wanted for text in flat(measured))]
    return [len(set(one) & wanted) for one in lists]


def _latency(rule: dict[str, Any], match: Match, _: object) -> bool:
    tickets = [ticket for team in match.values() for ticket in team]
    regions = {region for ticket in tickets for player in ticket for region in player["latency_ms"]}
    return any(_reached(rule, tickets, region) for region in regions)


def _reached(rule: dict[str, Any], tickets: list[Ticket], region: str) -> bool:
    latencies = []
    for ticket in tickets:
        if not all(region in player["latency_ms"] for player in ticket):
            return False
        numbers = [player["latency_ms"][region] for player in ticket]
        latencies.append(as_one(numbers, rule.get("partyAggregation", "avg")))
    if max(latencies) > rule["maxLatency"]:
        return False
    reference = as_one(latencies, rule.get("distanceReference", "avg"))
    bound = rule.get("maxDistance", math.inf)
    return all(abs(latency - reference) <= bound + NEAR for latency in latencies)


def _batchDistance(rule: dict[str, Any], match: Match, _: object) -> bool:  # noqa: N802 - its name
    tickets = [ticket for team in match.values() for ticket in team]
    values = [[player["attributes"][rule["batchAttribute"]] for player in t] for t in tickets]
    if any(isinstance(value, str) for one in values for value in one):
        return len({value for one in values for value in one}) == 1
    numbers = [as_one(one, rule.get("partyAggregation", "avg")) for one in values]
    return max(numbers) - min(numbers) <= rule["maxDistance"] + NEAR


def _compound(rule: dict[str, Any], match: Match, others: dict[str, dict[str, Any]]) -> bool:
    def value(part: str) -> bool:
        operator = re.fullmatch(r"\s*(and|or|xor|not)\s*\((.*)\)\s*", part)
        if operator is None:
            return holds(others[part.strip()], match, others)
        held = [value(inner) for inner in commas(operator[2])]
        return {
            "and": all(held), "or": any(held), "xor": held.count(True) == 1, "not": not held[0],
        }[operator[1]]  # fmt: skip

    return value(rule["statement"])


def commas(text: str) -> list[str]:
    """A text cut at the commas outside of parentheses."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def texts(measurements: Value) -> list[str]:
    return [measurements] if isinstance(measurements, str) else measurements


def pairs(rule: dict[str, Any], seen: Match) -> list[tuple[Any, Any]]:
    """Each measured value beside what it is held against; team by team where both are."""
    found = []
    reference = rule["referenceValue"]
    expressed = isinstance(reference, str) and "teams[" in reference
    for text in texts(rule["measurements"]):
        measured = evaluate(text, seen)
        against = evaluate(reference, seen) if expressed else reference
        if expressed and per_team(text, measured, seen) and per_team(reference, against, seen):
            if len(measured) != len(against):
                found += [(value, held) for value in flat(measured) for held in flat(against)]
                continue
            for one, other in zip(measured, against, strict=True):
                found += [(value, held) for value in flat(one) for held in flat(other)]
        else:
            found += [(value, held) for value in flat(measured) for held in flat(against)]
    return found


def per_team(text: str, value: Value, seen: Match) -> bool:
    scope = text.partition("teams[")[2].partition("]")[0]
    several = scope == "*" or len(named(scope, seen)) > 1
    return several and "flatten" not in text and isinstance(value, list)


def evaluate(text: str, seen: Match) -> Value:
    """The value of a property expression."""
    call = re.fullmatch(r"\s*(\w+)\s*\((.*)\)\s*", text)
    if call:
        return applied(call[1], evaluate(call[2], seen))
    path = re.fullmatch(r"teams\[(.+?)\]\.players(?:\.attributes\[(\w+)\]|(\[playerId\]))?", text)
    assert path is not None, text
    by_team = [
        [
            player["attributes"][path[2]] if path[2] else player["id"]
            for player in people(seen[one])
            if not path[2] or path[2] in player["attributes"]
        ]
        for one in named(path[1], seen)
    ]
    return by_team if path[1] == "*" or len(by_team) > 1 else by_team[0]


def named(scope: str, seen: Match) -> list[str]:
    """The teams that a scope names, one by one or by their definition: blue is blue_1, blue_2."""
    names = [name.strip() for name in scope.split(",")]
    if names == ["*"]:
        return list(seen)
    return [one for one in seen if one in names or one.rpartition("_")[0] in names]


def people(tickets: list[Ticket]) -> list[Player]:
    return [player for ticket in tickets for player in ticket]


def applied(function: str, value: Value) -> Value:
    deep = isinstance(value, list) and any(isinstance(one, list) for one in value)
    if function == "flatten":
        return [inner for one in value for inner in one] if deep else value
    if function == "set_intersection":
        deeper = deep and any(isinstance(inner, list) for one in value for inner in one)
        if deeper:
            return [applied(function, one) for one in value]
        shared = set(value[0]) if value else set()
        return [text for text in shared if all(text in one for one in value)]
    if deep:
        return [applied(function, one) for one in value]
    if function == "count":
        return len(value) if isinstance(value, list) else 1
    numbers = value if isinstance(value, list) else [value]
    return (
        None if None in numbers or (not numbers and function != "sum") else worth(function, numbers)
    )


def worth(function: str, numbers: list[float]) -> float:
    mean = sum(numbers) / len(numbers) if numbers else 0.0
    ordered = sorted(numbers)
    if function == "sum":
        return sum(numbers)
    if function == "median":
        half = len(ordered) // 2
        return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
    if function == "stddev":
        return math.sqrt(sum((number - mean) ** 2 for number in numbers) / len(numbers))
    return {"min": ordered[0], "max": ordered[-1], "avg": mean}[function]


def as_one(numbers: list[float], by: str) -> float:
    return worth(by, numbers)


def merged(match: Match, by: str) -> Match:
    """Every player with the number that their party is worth together."""

    def one(ticket: Ticket, name: str, value: Value) -> Value:
        if not isinstance(value, int | float):
            return value
        return as_one([player["attributes"][name] for player in ticket], by)

    return {
        team: [
            [
                {**player, "attributes": {k: one(t, k, v) for k, v in player["attributes"].items()}}
                for player in t
            ]
            for t in tickets
        ]
        for team, tickets in match.items()
    }


def united(match: Match, by: str) -> Match:
    """Every party's lists as one list, which its first player has; the rest stays everybody's."""

    def one(ticket: Ticket) -> Ticket:
        lists: dict[str, list[str]] = {}
        for name, value in ticket[0]["attributes"].items():
            if isinstance(value, list):
                members = [player["attributes"][name] for player in ticket]
                every = [text for member in members for text in member]
                common = [text for text in value if all(text in member for member in members)]
                lists[name] = every if by == "union" else common
        bare = [
            {k: v for k, v in player["attributes"].items() if k not in lists} for player in ticket
        ]
        bare[0] |= lists
        return [{**player, "attributes": has} for player, has in zip(ticket, bare, strict=True)]

    return {team: [one(ticket) for ticket in tickets] for team, tickets in match.items()}


def flat(value: Value) -> list[Any]:
    return [leaf for one in value for leaf in flat(one)] if isinstance(value, list) else [value]


def innermost(value: Value) -> list[list[Any]]:
    if not isinstance(value, list):
        return [[value]]
    if not any(isinstance(one, list) for one in value):
        return [value]
    return [inner for one in value for inner in innermost(one)]
