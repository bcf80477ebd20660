"""A rule set as it is being written from somebody else's words.

Each word that FlexMatch has none for is told with its place; nothing is dropped in silence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from matchmaker.rules.ruleset import LARGE

EVERYBODY = 1_000
"""More players than any match has: a bound that nobody meets."""

UNBOUNDED = 1_000_000_000
"""More than anything that is measured: a bound that everybody meets."""

Step = tuple[float, Any]
"""Seconds waited, and the value from then on."""


@dataclass(slots=True)
class Draft:
    """What has been written so far."""

    name: str = ""
    attributes: dict[str, dict[str, Any]] = field(default_factory=dict)
    teams: list[dict[str, Any]] = field(default_factory=list)
    algorithm: dict[str, Any] = field(default_factory=dict)
    rules: list[dict[str, Any]] = field(default_factory=list)
    expansions: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def warn(self, path: str, message: str) -> None:
        """Tell what could not be said."""
        self.warnings.append(f"{path}: {message}")

    def players_max(self) -> int:
        """Players in the fullest match."""
        return sum(int(team["maxPlayers"]) * int(team.get("quantity", 1)) for team in self.teams)

    def large(self) -> bool:
        """Whether only latency and batchDistance rules can be written."""
        return self.players_max() > LARGE

    def attribute(self, name: str, kind: str, path: str, default: object = None) -> None:
        """Declare an attribute, once."""
        declared = self.attributes.setdefault(name, {"name": name, "type": kind})
        if declared["type"] != kind:
            self.warn(path, f"reads {name!r} as a {kind}, and another rule as a {declared['type']}")
        if default is not None:
            declared.setdefault("default", default)

    def rule(self, path: str, rule: Mapping[str, Any], steps: Mapping[str, Sequence[Step]]) -> bool:
        """Write a rule, and how its properties change; False when a large match has none such."""
        if self.large() and rule["type"] not in ("latency", "batchDistance"):
            self.warn(path, f"is left out: more than {LARGE} players know no {rule['type']} rule")
            return False
        self.rules.append(dict(rule))
        for key, changes in steps.items():
            self.expand(f"rules[{rule['name']}].{key}", changes)
        return True

    def expand(self, target: str, changes: Sequence[Step]) -> None:
        """Write an expansion; what changes at 0 s or not at all is left out."""
        listed = [
            {"waitTimeSeconds": wait_s, "value": value} for wait_s, value in changes if wait_s > 0
        ]
        if listed:
            self.expansions.append({"target": target, "steps": listed})

    def switched(
        self, name: str, statement: str, path: str, states: Sequence[tuple[float, bool]]
    ) -> None:
        """Write a compound over a rule, or a statement, that counts only while it is switched on.

        FlexMatch cannot expand a compound: beside it stands a comparison that nobody meets
        while it counts, and everybody while it does not.
        """
        if len(states) == 1 and states[0][1]:
            if "(" in statement:
                self.rule(path, {"name": name, "type": "compound", "statement": statement}, {})
            return
        off = f"{name}-off"
        values = [(wait_s, EVERYBODY if on else 0) for wait_s, on in states]
        self.rule(
            path,
            {
                "name": off,
                "type": "comparison",
                "measurements": ["sum(count(teams[*].players))"],
                "operation": ">=",
                "referenceValue": values[0][1],
            },
            {"referenceValue": values},
        )
        whole = {"name": name, "type": "compound", "statement": f"or({statement}, {off})"}
        self.rule(path, whole, {})

    def balance(self) -> None:
        """Give a large match the algorithm that it must have."""
        numbers = [name for name, one in self.attributes.items() if one["type"] == "number"]
        if not numbers:
            self.attribute("balance", "number", "$", 0)
            self.warn("$", "a large match needs an attribute to balance by: 'balance' was added")
        self.algorithm |= {
            "strategy": "balanced",
            "balancedAttribute": (numbers or ["balance"])[0],
        }

    def document(self) -> dict[str, Any]:
        """The rule set, in the order that people read it."""
        if self.large() and "balancedAttribute" not in self.algorithm:
            self.balance()
        parts = {
            "name": self.name,
            "ruleLanguageVersion": "1.0",
            "playerAttributes": list(self.attributes.values()),
            "algorithm": self.algorithm,
            "teams": self.teams,
            "rules": self.rules,
            "expansions": self.expansions,
        }
        return {key: value for key, value in parts.items() if value}
