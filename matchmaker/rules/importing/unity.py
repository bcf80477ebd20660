"""Unity's matchmaker pools, written as FlexMatch rule sets.

Source: Unity Matchmaker documentation, rules and relaxations. Property names are read in
either case, as the portal and the deployment files write them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from core.errors import Invalid
from matchmaker.rules.importing.draft import UNBOUNDED, Draft, Step

Table = Mapping[str, Any]

LATENCY: Final = "players.qosresults.latency"
COMPARED: Final = {
    "LessThan": ("<", "max"), "LessThanEqual": ("<=", "max"),
    "GreaterThan": (">", "min"), "GreaterThanEqual": (">=", "min"),
}  # fmt: skip
"""Operation, and how a party is seen so that it says the same of each player."""

POOL: Final = {"name", "matchdefinition"}
RULE: Final = {
    "name", "type", "source", "reference", "overlap", "not", "enablerule", "relaxations",
}  # fmt: skip


def imported(document: Any) -> Draft:  # noqa: ANN401 - what JSON holds
    """The rule set of a pool.

    Raises:
        Invalid: it has no MatchDefinition with teams.
    """
    pool = _lowered(document)
    while isinstance(pool, Mapping) and "matchdefinition" not in pool:
        pool = next((pool[key] for key in ("defaultpool", "matchlogic") if key in pool), None)
    definition = pool["matchdefinition"] if isinstance(pool, Mapping) else None
    if not isinstance(definition, Mapping) or not definition.get("teams"):
        raise Invalid("has no MatchDefinition with Teams", field="$")
    draft = Draft(str(pool.get("name", "")))
    for key, value in pool.items():
        if key not in POOL and value:
            draft.warn(f"$.{key}", "is not about who plays with whom, and is left out")
    ages: set[str] = set()
    for n, team in enumerate(definition["teams"]):
        _team(team, f"$.MatchDefinition.Teams[{n}]", draft, ages)
    for n, team in enumerate(definition["teams"]):
        for k, rule in enumerate(team.get("teamrules") or []):
            for scope in _scopes(draft.teams[n]):
                path = f"$.MatchDefinition.Teams[{n}].TeamRules[{k}]"
                _Written(rule, path, scope, draft, ages).write()
    for n, rule in enumerate(definition.get("matchrules") or []):
        _Written(rule, f"$.MatchDefinition.MatchRules[{n}]", "*", draft, ages).write()
    _age(ages, draft)
    return draft


def _lowered(value: Any) -> Any:  # noqa: ANN401 - what JSON holds
    if isinstance(value, Mapping):
        return {key.lower(): _lowered(one) for key, one in value.items()}
    return [_lowered(one) for one in value] if isinstance(value, list) else value


def _age(ages: set[str], draft: Draft) -> None:
    if "Average" in ages:
        draft.warn("$", "AgeType Average is unknown to FlexMatch; the oldest ticket counts")
    if len(ages) > 1:
        draft.warn("$", f"relaxations count by {' and '.join(sorted(ages))}; here one age counts")
    if ages:
        youngest = ages == {"Youngest"}
        draft.algorithm["expansionAgeSelection"] = "newest" if youngest else "oldest"


def _team(team: Table, path: str, draft: Draft, ages: set[str]) -> None:
    count, players = team.get("teamcount") or {"min": 1, "max": 1}, team["playercount"]
    one = {
        "name": str(team["name"]),
        "minPlayers": int(players["min"]),
        "maxPlayers": int(players["max"]),
    }
    if int(count["max"]) > 1:
        one["quantity"] = int(count["max"])
    if count["min"] != count["max"] or count.get("relaxations"):
        draft.warn(f"{path}.TeamCount", f"FlexMatch fixes the number of teams: {count['max']}")
    draft.teams.append(one)
    steps = [
        (float(relaxation["atseconds"]), int(relaxation["value"]))
        for relaxation in _relaxations(players, ages)
        if relaxation.get("type") == "RangeControl.ReplaceMin"
    ]
    others = [r for r in players.get("relaxations") or [] if r["type"] != "RangeControl.ReplaceMin"]
    for relaxation in others:
        draft.warn(f"{path}.PlayerCount", f"{relaxation['type']} is left out")
    draft.expand(f"teams[{one['name']}].minPlayers", steps)


def _scopes(team: Table) -> Iterator[str]:
    times = int(team.get("quantity", 1))
    yield from (
        [f"{team['name']}_{n + 1}" for n in range(times)] if times > 1 else [str(team["name"])]
    )


def _relaxations(table: Table, ages: set[str]) -> list[Table]:
    """In the order of their time; an age that they count by is noted."""
    found = sorted(table.get("relaxations") or [], key=lambda one: float(one["atseconds"]))
    ages |= {str(one.get("agetype", "Oldest")) for one in found}
    return found


@dataclass(slots=True)
class _Written:
    """One rule, for one team or for the whole match."""

    table: Table
    path: str
    scope: str
    draft: Draft
    ages: set[str]

    def write(self) -> None:
        for key in self.table:
            if key not in RULE:
                self.draft.warn(f"{self.path}.{key}", "is not known, and is left out")
        name = str(self.table.get("name") or self.table["type"])
        if self.scope != "*":
            name = f"{name}-{self.scope}"
        states = self._states()
        inverse = bool(self.table.get("not"))
        plain = not inverse and len(states) == 1 and states[0][1]
        rule = self._rule()
        if rule is None:
            self.draft.warn(
                self.path, f"{self.table['type']} of {self.table.get('source')} is left out"
            )
            return
        rule["name"] = name if plain else f"{name}-itself"
        if self.draft.rule(self.path, rule, self._steps(rule)) and not plain:
            itself = rule["name"]
            self.draft.switched(name, f"not({itself})" if inverse else itself, self.path, states)

    def _rule(self) -> dict[str, Any] | None:
        kind, source = str(self.table["type"]), str(self.table.get("source", ""))
        if source.lower() == LATENCY:
            return self._of_latency(kind)
        attribute = self._attribute(source)
        if not attribute:
            return None
        values = f"teams[{self.scope}].players.attributes[{attribute}]"
        if self.scope == "*":
            values = f"flatten({values})"
        return self._of_values(kind, attribute, values)

    def _of_latency(self, kind: str) -> dict[str, Any] | None:
        reference = self.table.get("reference")
        if self.scope != "*":
            self.draft.warn(self.path, "a latency rule is about the whole match here")
        if kind == "Difference":
            return {
                "type": "latency", "maxLatency": UNBOUNDED, "maxDistance": reference,
                "distanceReference": "min", "partyAggregation": "max",
            }  # fmt: skip
        if kind not in ("LessThan", "LessThanEqual"):
            return None
        if kind == "LessThan":
            self.draft.warn(self.path, f"a latency of exactly {reference} is near enough here")
        return {"type": "latency", "maxLatency": reference, "partyAggregation": "max"}

    def _of_values(self, kind: str, attribute: str, values: str) -> dict[str, Any] | None:
        reference = self.table.get("reference")
        declare, path = self.draft.attribute, self.path
        if kind == "Difference":
            declare(attribute, "number", path)
            if self.draft.large():
                return {
                    "type": "batchDistance", "batchAttribute": attribute, "maxDistance": reference,
                }  # fmt: skip
            self.draft.warn(path, "a party counts by its average, not player by player")
            return {
                "type": "distance", "measurements": [f"max({values})"],
                "referenceValue": f"min({values})", "maxDistance": reference,
            }  # fmt: skip
        if kind in COMPARED:
            declare(attribute, "number", path)
            operation, party = COMPARED[kind]
            return {
                "type": "comparison", "measurements": [values], "operation": operation,
                "referenceValue": reference, "partyAggregation": party,
            }  # fmt: skip
        if kind == "Equality":
            number = isinstance(reference, int | float) and not isinstance(reference, bool)
            declare(attribute, "number" if number else "string", path)
            if self.draft.large() and reference is None:
                return {"type": "batchDistance", "batchAttribute": attribute}
            told = {} if reference is None else {"referenceValue": reference}
            return {"type": "comparison", "measurements": [values], "operation": "=", **told}
        return self._of_lists(kind, attribute, values)

    def _of_lists(self, kind: str, attribute: str, values: str) -> dict[str, Any] | None:
        if kind == "InList":
            self.draft.attribute(attribute, "string_list", self.path)
            self.draft.warn(self.path, f"give {attribute!r} as a list with one text")
            wanted = [str(value) for value in self.table.get("reference") or []]
            return {
                "type": "collection", "operation": "reference_intersection_count",
                "measurements": [values], "referenceValue": wanted, "minCount": 1,
                "partyAggregation": "intersection",
            }  # fmt: skip
        if kind == "Intersection":
            self.draft.attribute(attribute, "string_list", self.path)
            overlap = self.table.get("overlap", self.table.get("reference", 1))
            return {
                "type": "collection", "operation": "intersection", "measurements": [values],
                "minCount": overlap, "partyAggregation": "intersection",
            }  # fmt: skip
        return None

    def _attribute(self, source: str) -> str:
        parts = source.split(".")
        if len(parts) < 3 or parts[0].lower() != "players":
            return ""
        if parts[1].lower() != "customdata":
            self.draft.warn(f"{self.path}.Source", f"give {parts[-1]!r} with the ticket")
        return parts[-1]

    def _steps(self, rule: dict[str, Any]) -> dict[str, list[Step]]:
        """How the rule's reference changes."""
        keys = {"latency": "maxLatency", "distance": "maxDistance", "batchDistance": "maxDistance"}
        key = keys.get(rule["type"], "referenceValue")
        if "maxDistance" in rule:
            key = "maxDistance"
        elif rule.get("operation") == "intersection":
            key = "minCount"
        steps: list[Step] = []
        for relaxation in _relaxations(self.table, self.ages):
            kind = relaxation["type"]
            if kind == "ReferenceControl.Replace":
                value = relaxation["value"]
                listed = [str(one) for one in value] if isinstance(value, list) else value
                steps.append((float(relaxation["atseconds"]), listed))
            elif kind not in ("RuleControl.Enable", "RuleControl.Disable"):
                self.draft.warn(f"{self.path}.Relaxations", f"{kind} is left out")
        return {key: steps}

    def _states(self) -> list[tuple[float, bool]]:
        """From when on the rule counts, or does not."""
        states = [(0.0, bool(self.table.get("enablerule", True)))]
        for relaxation in _relaxations(self.table, self.ages):
            on = relaxation["type"] == "RuleControl.Enable"
            if (on or relaxation["type"] == "RuleControl.Disable") and on != states[-1][1]:
                states.append((float(relaxation["atseconds"]), on))
        return states
