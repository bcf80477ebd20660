"""The ``expansions`` of a FlexMatch rule set: what changes while people wait."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from matchmaker.rules import measures
from matchmaker.rules.expansion_checks import impossible
from matchmaker.rules.jsonc import Table
from matchmaker.rules.reading import Reader
from matchmaker.rules.ruleset import (
    BATCHING_LARGE,
    BATCHING_SMALL,
    OPERATIONS,
    BatchDistance,
    Collection,
    Comparison,
    Distance,
    Expansion,
    Latency,
    Rule,
    RuleSet,
    Step,
)

_TARGET: Final = re.compile(
    r"(?:(?P<part>rules|teams)\[(?P<names>[^\[\]]+)\]|(?P<algorithm>algorithm))\.(?P<field>\w+)"
)

FIELDS: Final[dict[type[Rule], dict[str, str]]] = {
    Distance: {"minDistance": "min_distance", "maxDistance": "max_distance",
               "referenceValue": "reference"},
    Comparison: {"referenceValue": "reference", "operation": "operation"},
    Collection: {"minCount": "min_count", "maxCount": "max_count", "referenceValue": "reference"},
    Latency: {"maxLatency": "max_latency", "maxDistance": "max_distance",
              "distanceReference": "distance_reference"},
    BatchDistance: {"maxDistance": "max_distance"},
}  # fmt: skip
"""Properties of rules that waiting can change, and their names here."""

TEAM_FIELDS: Final = {"minPlayers": "min_players", "maxPlayers": "max_players"}
ALGORITHM_FIELDS: Final = {
    "batchingPreference": "batching", "balancedAttribute": "balanced_attribute",
    "backfillPriority": "backfill",
}  # fmt: skip
CHOICES: Final = {
    "operation": OPERATIONS,
    "distance_reference": ("avg", "min"),
    "backfill": ("normal", "low", "high"),
}
"""Fields that take one of some texts."""


def expansions(reader: Reader, whole: RuleSet) -> tuple[Expansion, ...]:
    """Every expansion of a document; what is wrong goes to the reader's findings."""
    found: list[Expansion] = []
    for listed in reader.tables("expansions"):
        # The developer guide's own example of a large match has two targets in one object.
        table = listed.table
        for part in table.split("target", "steps") if isinstance(table, Table) else [table]:
            one = _expansion(Reader(part, listed.path, listed.findings), whole)
            if one is not None:
                found.append(one)
    impossible(reader, replace(whole, expansions=tuple(found)))
    return tuple(found)


def _expansion(one: Reader, whole: RuleSet) -> Expansion | None:
    one.known(("target", "steps", "description"))
    text = one.text("target")
    target = _TARGET.fullmatch(text.replace(" ", ""))
    if target is None:
        if text:
            one.findings.error(
                one.at("target"),
                f"{text!r} is none; write rules[NAME].property, teams[NAME].minPlayers or "
                "algorithm.property",
            )
        return None
    # Names may hold blanks, which only the comparison above does without.
    named = re.search(r"\[([^\[\]]+)\]", text)
    names = tuple(name.strip() for name in named[1].split(",")) if named else ()
    if target["part"] == "rules":
        found = _of_rules(one, names, target["field"], whole)
    elif target["part"] == "teams":
        found = _of_teams(one, names, target["field"], whole)
    else:
        found = _of_table(one, ALGORITHM_FIELDS, target["field"], "the algorithm")
    part: Any = target["part"] or "algorithm"
    read = _steps(one, Expansion(part, names, found, (), one.path), whole)
    return read if found and read.steps else None


def _of_rules(one: Reader, names: tuple[str, ...], field: str, whole: RuleSet) -> str:
    known = {rule.name: rule for rule in whole.rules}
    found = ""
    for name in names:
        if name not in known:
            one.findings.error(one.at("target"), f"there is no rule {name!r}")
            return ""
        fields = FIELDS.get(type(known[name]), {})
        found = _of_table(one, fields, field, f"rule {name!r}")
        if not found:
            return ""
    return found


def _of_teams(one: Reader, names: tuple[str, ...], field: str, whole: RuleSet) -> str:
    teams = {team.name for team in whole.teams} | {team.definition for team in whole.teams}
    for name in names:
        if name not in teams:
            one.findings.error(one.at("target"), f"there is no team {name!r}")
            return ""
    return _of_table(one, TEAM_FIELDS, field, "a team")


def _of_table(one: Reader, fields: Mapping[str, str], field: str, what: str) -> str:
    if field not in fields:
        there = ", ".join(fields) or "nothing"
        one.findings.error(
            one.at("target"), f"{field} of {what} cannot change while people wait; {there} can"
        )
        return ""
    return fields[field]


def _steps(one: Reader, bare: Expansion, whole: RuleSet) -> Expansion:
    """The expansion with its steps; without a field, steps are looked at for their times alone."""
    steps: list[Step] = []
    for listed in one.tables("steps", needed=True):
        listed.known(("waitTimeSeconds", "value"))
        wait = listed.number("waitTimeSeconds", low=0)
        for key in ("waitTimeSeconds", "value"):
            if listed.table.get(key) is None:
                listed.findings.error(listed.at(key), "is missing")
        if wait is not None and steps and wait <= steps[-1].wait_s:
            listed.findings.error(
                listed.at("waitTimeSeconds"),
                f"{wait:g} is not after the step before it ({steps[-1].wait_s:g}); "
                "times count from the start and rise",
            )
        value = _value(listed, bare, whole) if bare.field else None
        if wait is not None and value is not None:
            steps.append(Step(wait, value))
    return replace(bare, steps=tuple(steps))


def _value(one: Reader, bare: Expansion, whole: RuleSet) -> Any:  # noqa: ANN401 - as the field has it
    if one.table.get("value") is None:
        return None
    match bare.field:
        case "min_players" | "max_players":
            low = 1 if bare.field == "max_players" else 0
            read = one.number("value", low=low, whole=True)
            return None if read is None else int(read)
        case "reference":
            return _reference(one, bare, whole)
        case "balanced_attribute":
            name = one.text("value")
            if name and (name not in whole.attributes or whole.attributes[name].type != "number"):
                one.findings.error(one.at("value"), f"{name!r} is not declared as a number")
            return name or None
        case "batching":
            balanced = whole.algorithm.strategy == "balanced"
            return one.choice("value", BATCHING_LARGE if balanced else BATCHING_SMALL)
        case field if field in CHOICES:
            return one.choice("value", CHOICES[field])
        case _:
            return one.number("value", low=0)


def _reference(one: Reader, bare: Expansion, whole: RuleSet) -> Any:  # noqa: ANN401 - an expression
    kinds: measures.Kinds = ("number", "string")
    for rule in whole.rules:
        if rule.name in bare.names and isinstance(rule, Distance | Comparison | Collection):
            kinds = measures.measured(rule.measurements, whole, kinds)
    return measures.reference(one, "value", whole, kinds)
