"""PlayFab's matchmaking queues, written as FlexMatch rule sets.

Source: PlayFab documentation, configuring matchmaking queues. Its clocks are those of every
single ticket, which is FlexMatch's age of the newest ticket.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from core.errors import Invalid
from matchmaker.rules.importing.draft import UNBOUNDED, Draft, Step

Rule = Mapping[str, Any]

MERGED: Final = {"Min": "min", "Max": "max", "Average": "avg"}
LISTS: Final = {
    "StringEqualityRules": "StringEqualityRule", "DifferenceRules": "DifferenceRule",
    "SetIntersectionRules": "SetIntersectionRule", "MatchTotalRules": "MatchTotalRule",
    "TeamDifferenceRules": "TeamDifferenceRule", "RegionSelectionRule": "RegionSelectionRule",
    "TeamSizeBalanceRule": "TeamSizeBalanceRule",
    "TeamTicketSizeSimilarityRule": "TeamTicketSizeSimilarityRule",
}  # fmt: skip
"""The lists of rules that the API has in place of one list with types."""

QUEUE: Final = {"Name", "MinMatchSize", "MaxMatchSize", "Teams", "Rules", *LISTS}
READ: Final = {
    "Type", "Name", "Attribute", "AttributeNotSpecifiedBehavior", "DefaultAttributeValue",
    "SecondsUntilOptional", "Expansion", "LinearExpansion", "CustomExpansion", "Weight",
    "Difference", "MergeFunction", "MinIntersectionSize", "Min", "Max", "MaxLatency", "Path",
}  # fmt: skip


def imported(document: Any) -> Draft:  # noqa: ANN401 - what JSON holds
    """The rule set of a queue.

    Raises:
        Invalid: it is no queue.
    """
    queue = document.get("MatchmakingQueue", document) if isinstance(document, Mapping) else None
    if not isinstance(queue, Mapping) or "MaxMatchSize" not in queue:
        raise Invalid("is no MatchmakingQueue with a MaxMatchSize", field="$")
    draft = Draft(str(queue.get("Name", "")))
    for key, value in queue.items():
        if key not in QUEUE and value:
            draft.warn(f"$.{key}", "is not about who plays with whom, and is left out")
    _teams(queue, draft)
    weights = set()
    for path, rule in _rules(queue):
        weights.add(rule.get("Weight", 1))
        for key in rule:
            if key not in READ:
                draft.warn(f"{path}.{key}", "is not known, and is left out")
        write = _WRITERS.get(str(rule.get("Type")))
        if write is None:
            draft.warn(path, f"FlexMatch cannot say {rule.get('Type')}; it is left out")
        else:
            write(rule, path, str(rule.get("Name") or rule["Type"]), draft)
    if len(weights) > 1:
        draft.warn("$.Rules", "have different weights, which FlexMatch does not have")
    return draft


def _rules(queue: Rule) -> Iterator[tuple[str, Rule]]:
    for n, rule in enumerate(queue.get("Rules") or []):
        yield f"$.Rules[{n}]", rule
    for key, kind in LISTS.items():
        given = queue.get(key) or []
        listed = given if isinstance(given, list) else [given]
        for n, rule in enumerate(listed):
            yield f"$.{key}" + (f"[{n}]" if listed is given else ""), {"Type": kind, **rule}


def _teams(queue: Rule, draft: Draft) -> None:
    low, high = int(queue.get("MinMatchSize", 2)), int(queue["MaxMatchSize"])
    given = queue.get("Teams")
    if not given:
        draft.teams = [{"name": "players", "minPlayers": low, "maxPlayers": high}]
        draft.warn("$.MinMatchSize", "a ticket that fills a match alone plays at once here")
        return
    draft.teams = [
        {"name": one["Name"], "minPlayers": one["MinTeamSize"], "maxPlayers": one["MaxTeamSize"]}
        for one in given
    ]
    everybody = {"type": "comparison", "measurements": ["sum(count(teams[*].players))"]}
    if sum(one["minPlayers"] for one in draft.teams) < low:
        rule = {"name": "MinMatchSize", **everybody, "operation": ">=", "referenceValue": low}
        draft.rule("$.MinMatchSize", rule, {})
    if draft.players_max() > high:
        rule = {"name": "MaxMatchSize", **everybody, "operation": "<=", "referenceValue": high}
        draft.rule("$.MaxMatchSize", rule, {})


def _attribute(rule: Rule, path: str, kind: str, draft: Draft) -> str:
    """Declare what a rule reads, and give its name."""
    attribute = rule.get("Attribute") or {}
    name = str(attribute.get("Path") or rule.get("Name"))
    if attribute.get("Source") == "PlayerEntity":
        draft.warn(
            f"{path}.Attribute.Source", f"give {name!r} with the ticket; nothing looks it up"
        )
    default = rule.get("DefaultAttributeValue")
    if rule.get("AttributeNotSpecifiedBehavior") == "MatchAny":
        draft.warn(
            f"{path}.AttributeNotSpecifiedBehavior",
            f"FlexMatch knows no value that fits any: players without {name!r} cannot play",
        )
        default = None
    draft.attribute(name, kind, path, default)
    return name


def _steps(
    rule: Rule, key: str, overrides: str, off: float, scale: int = 1
) -> tuple[Any, list[Step]]:
    """A property's first value and its later ones; ``off`` is what switches the rule off."""
    first = rule.get(key)
    steps: list[Step] = []
    linear = rule.get("LinearExpansion") or _expansion(rule, "Linear")
    custom = rule.get("CustomExpansion") or _expansion(rule, "Custom")
    if linear.get("Delta"):
        steps = list(_linear(first, linear, scale))
    listed = [one.get("Value") if isinstance(one, Mapping) else one
              for one in custom.get(overrides) or []]  # fmt: skip
    if listed:
        each = float(custom["SecondsBetweenExpansions"])
        values = [off if value is None else value for value in listed]
        first = values[0]
        steps = [(n * each, value) for n, value in enumerate(values)]
    optional = rule.get("SecondsUntilOptional")
    if optional:
        steps = [*((at, value) for at, value in steps if at < optional), (optional, off)]
    return first, steps


def _expansion(rule: Rule, kind: str) -> Rule:
    given = rule.get("Expansion") or {}
    return given if given.get("Type") == kind else {}


def _linear(first: Any, linear: Rule, scale: int) -> Iterator[Step]:  # noqa: ANN401 - a number
    each, delta = float(linear["SecondsBetweenExpansions"]), scale * abs(linear["Delta"])
    limit, value = linear.get("Limit"), first
    for n in range(1, 1000):
        value = round(value + delta, 9)
        past = limit is None and n > 100
        if past or (limit is not None and (value >= limit if scale > 0 else value <= limit)):
            yield n * each, limit if limit is not None else value
            return
        yield n * each, value


def _equality(rule: Rule, path: str, name: str, draft: Draft) -> None:
    attribute = _attribute(rule, path, "string", draft)
    states = _active(rule)
    if len(states) == 1 or draft.large():
        if len(states) > 1:
            draft.warn(path, "stays: in a large match equality cannot become optional")
        same = {"name": name, "type": "batchDistance", "batchAttribute": attribute}
        draft.rule(path, same, {})
        return
    compared: dict[str, Any] = {
        "name": f"{name}-same",
        "type": "comparison",
        "measurements": [f"flatten(teams[*].players.attributes[{attribute}])"],
        "operation": "=",
    }
    draft.rule(path, compared, {})
    draft.switched(name, f"{name}-same", path, states)


def _active(rule: Rule) -> list[tuple[float, bool]]:
    """From when on an equality counts, or does not."""
    states = [(0.0, True)]
    custom = rule.get("CustomExpansion") or _expansion(rule, "Custom")
    for n, on in enumerate(custom.get("EnabledOverrides") or []):
        at = n * float(custom["SecondsBetweenExpansions"])
        if at == 0:
            states = [(0.0, bool(on))]
        elif bool(on) != states[-1][1]:
            states.append((at, bool(on)))
    optional = rule.get("SecondsUntilOptional")
    if optional:
        states = [*(state for state in states if state[0] < optional), (float(optional), False)]
    return states


def _difference(rule: Rule, path: str, name: str, draft: Draft) -> None:
    first, steps = _steps(rule, "Difference", "DifferenceOverrides", UNBOUNDED)
    written = {
        "name": name,
        "type": "batchDistance",
        "batchAttribute": _attribute(rule, path, "number", draft),
        "maxDistance": first,
        "partyAggregation": MERGED[str(rule.get("MergeFunction", "Average"))],
    }
    draft.rule(path, written, {"maxDistance": steps})


def _intersection(rule: Rule, path: str, name: str, draft: Draft) -> None:
    first, steps = _steps(rule, "MinIntersectionSize", "MinIntersectionSizeOverrides", 0, -1)
    attribute = _attribute(rule, path, "string_list", draft)
    written = {
        "name": name,
        "type": "collection",
        "operation": "intersection",
        "measurements": [f"flatten(teams[*].players.attributes[{attribute}])"],
        "minCount": first,
        "partyAggregation": "intersection",
    }
    draft.rule(path, written, {"minCount": steps})


def _total(rule: Rule, path: str, name: str, draft: Draft) -> None:
    attribute = _attribute(rule, path, "number", draft)
    for key, operation, off in (("Min", ">=", -UNBOUNDED), ("Max", "<=", UNBOUNDED)):
        first, steps = _steps(rule, key, f"{key}Overrides", off)
        if first is not None:
            written = {
                "name": f"{name}-{key}",
                "type": "comparison",
                "measurements": [f"sum(flatten(teams[*].players.attributes[{attribute}]))"],
                "operation": operation,
                "referenceValue": first,
            }
            draft.rule(path, written, {"referenceValue": steps})


def _region(rule: Rule, path: str, name: str, draft: Draft) -> None:
    first, steps = _steps(rule, "MaxLatency", "MaxLatencyOverrides", UNBOUNDED)
    written = {"name": name, "type": "latency", "maxLatency": first, "partyAggregation": "max"}
    draft.warn(f"{path}.Path", "latencies are given as latency_ms beside a player's attributes")
    draft.rule(path, written, {"maxLatency": steps})


def _between_teams(measured: str, rule: Rule, path: str, name: str, draft: Draft) -> None:
    first, steps = _steps(rule, "Difference", "DifferenceOverrides", UNBOUNDED)
    written = {
        "name": name,
        "type": "distance",
        "measurements": [f"max({measured})"],
        "referenceValue": f"min({measured})",
        "maxDistance": first,
    }
    draft.rule(path, written, {"maxDistance": steps})


def _team_difference(rule: Rule, path: str, name: str, draft: Draft) -> None:
    attribute = _attribute(rule, path, "number", draft)
    _between_teams(f"sum(teams[*].players.attributes[{attribute}])", rule, path, name, draft)


def _team_sizes(rule: Rule, path: str, name: str, draft: Draft) -> None:
    _between_teams("count(teams[*].players)", rule, path, name, draft)


_WRITERS: Final[Mapping[str, Callable[[Rule, str, str, Draft], None]]] = {
    "StringEqualityRule": _equality,
    "DifferenceRule": _difference,
    "SetIntersectionRule": _intersection,
    "MatchTotalRule": _total,
    "RegionSelectionRule": _region,
    "TeamDifferenceRule": _team_difference,
    "TeamSizeBalanceRule": _team_sizes,
}
