"""The ``expansions`` of a FlexMatch rule set: what changes while people wait."""

import re
from collections.abc import Mapping
from typing import Any, Final

from matchmaker.rules.expressions import Literal, number
from matchmaker.rules.jsonc import Table
from matchmaker.rules.reading import Reader, shown
from matchmaker.rules.ruleset import (
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
    Latency: {"maxLatency": "max_latency", "maxDistance": "max_distance"},
    BatchDistance: {"maxDistance": "max_distance"},
}  # fmt: skip
"""Properties of rules that waiting can change, and their names here."""

TEAM_FIELDS: Final = {"minPlayers": "min_players", "maxPlayers": "max_players"}
ALGORITHM_FIELDS: Final = {
    "batchingPreference": "batching", "balancedAttribute": "balanced_attribute",
    "strategy": "strategy", "backfillPriority": "backfill",
}  # fmt: skip


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
    for n, one in enumerate(found):
        for other in found[:n]:
            same = set(one.names) & set(other.names) or one.part == other.part == "algorithm"
            if one.part == other.part and one.field == other.field and same:
                reader.findings.warn(
                    reader.at("expansions"),
                    f"change {one.field} of one thing twice; the later wins",
                )
    _impossible(reader, whole, tuple(found))
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
    steps = _steps(one, target["field"], found)
    if not found or not steps:
        return None
    part: Any = target["part"] or "algorithm"
    return Expansion(part, names, found, steps)


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


def _steps(one: Reader, said: str, field: str) -> tuple[Step, ...]:
    steps: list[Step] = []
    for listed in one.tables("steps", needed=True):
        listed.known(("waitTimeSeconds", "value"))
        wait = listed.number("waitTimeSeconds", low=0)
        for key in ("waitTimeSeconds", "value"):
            if key not in listed.table:
                listed.findings.error(listed.at(key), "is missing")
        if wait is not None and steps and wait <= steps[-1].wait_s:
            listed.findings.error(
                listed.at("waitTimeSeconds"),
                f"{wait:g} is not after the step before it ({steps[-1].wait_s:g}); "
                "times count from the start and rise",
            )
        value = _value(listed, said, field)
        if wait is not None and value is not None:
            if steps and steps[-1].value == value:
                listed.findings.warn(
                    listed.at("value"), "changes nothing: the step before it has it"
                )
            steps.append(Step(wait, value))
    return tuple(steps)


def _value(one: Reader, said: str, field: str) -> Any:  # noqa: ANN401 - as the field has it
    given = one.table.get("value")
    if given is None or not field:
        return given
    if field in ("min_players", "max_players"):
        read = one.number("value", low=1 if field == "max_players" else 0, whole=True)
        return None if read is None else int(read)
    if said in ("operation", *ALGORITHM_FIELDS):
        return one.text("value") or None
    if field == "reference":
        as_number = number(given) if isinstance(given, str) else given
        return Literal(given if as_number is None else as_number)
    if not isinstance(given, str | int | float) or isinstance(given, bool):
        one.findings.error(one.at("value"), f"is {shown(given)}; write a number")
        return None
    return one.number("value", low=0)


def _impossible(reader: Reader, whole: RuleSet, found: tuple[Expansion, ...]) -> None:
    """Say where an expansion leaves a team or a rule that nothing can meet."""
    later = RuleSet(whole.teams, whole.attributes, whole.rules, whole.algorithm, found)
    told: set[str] = set()
    for age_s in later.ages_s()[1:]:
        stands = later.at(age_s)
        for team in stands.teams:
            if team.min_players > team.max_players and team.definition not in told:
                told.add(team.definition)
                reader.findings.error(
                    reader.at("expansions"),
                    f"after {age_s:g} s team {team.definition!r} has minPlayers "
                    f"{team.min_players} above maxPlayers {team.max_players}",
                )
        for rule in stands.rules:
            low = getattr(rule, "min_distance", getattr(rule, "min_count", None))
            high = getattr(rule, "max_count", getattr(rule, "max_distance", None))
            if low is not None and high is not None and low > high and rule.name not in told:
                told.add(rule.name)
                reader.findings.error(
                    reader.at("expansions"),
                    f"after {age_s:g} s rule {rule.name!r} asks for at least {low:g} "
                    f"and at most {high:g}",
                )
