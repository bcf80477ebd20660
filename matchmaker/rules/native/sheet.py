"""The FlexMatch rule set that a rules file means, as it is being written.

Each part remembers the place that it was written for, so that whatever is found wrong with
the rule set is told where its author can mend it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from matchmaker.rules.importing.draft import Draft
from matchmaker.rules.native.document import Place
from matchmaker.rules.native.phrases import Phrases, Step
from matchmaker.rules.reading import Problem
from matchmaker.rules.ruleset import LARGE

Kind = Literal["number", "string", "string_list"]

LAST: Final = re.compile(r"\.[^.\[]+$|\[\d+\]$")
"""The last part of a path in a FlexMatch document."""

SMALL_ONLY: Final = ("distance", "comparison", "collection", "compound")


@dataclass(slots=True)
class Sheet:
    """What has been written so far."""

    read: Phrases
    draft: Draft = field(default_factory=Draft)
    defaults: Mapping[str, Place] = field(default_factory=dict)
    """What is assumed of players who do not say."""

    places: dict[str, Place] = field(default_factory=dict)
    """Path in the FlexMatch document to the place that it was written for."""

    def team_names(self) -> list[str]:
        """Every team of a match."""
        return [
            f"{team['name']}_{n + 1}" if team.get("quantity", 1) > 1 else team["name"]
            for team in self.draft.teams
            for n in range(team.get("quantity", 1))
        ]

    def team(self, place: Place, team: Mapping[str, Any]) -> None:
        """Write a team."""
        self.places[f"$.teams[{len(self.draft.teams)}]"] = place
        self.draft.teams.append(dict(team))

    def attribute(self, name: str, kind: Kind, place: Place) -> None:
        """Declare what is known of each player, with its default."""
        known = self.draft.attributes.get(name)
        if known is not None and known["type"] != kind:
            self.read.error(
                place, f"takes {name!r} for a {kind}; elsewhere it is a {known['type']}"
            )
        elif known is None:
            self.places[f"$.playerAttributes[{len(self.draft.attributes)}]"] = place
            said = self.defaults.get(name)
            default = None if said is None else self._default(said, kind)
            self.draft.attribute(name, kind, place.path, default)

    def rule(
        self,
        place: Place,
        rule: Mapping[str, Any],
        steps: Mapping[str, Sequence[Step[Any]]] | None = None,
    ) -> None:
        """Write a rule, and how its properties change; an error where no match can have it."""
        if self.draft.large() and rule["type"] in SMALL_ONLY:
            told = f"up to {self.draft.players_max()} players make a large match"
            self.read.error(place, f"{told}, and those of more than {LARGE} know no such rule")
            return
        self.places[f"$.rules[{len(self.draft.rules)}]"] = place
        self.draft.rules.append(dict(rule))
        for key, changes in (steps or {}).items():
            self.expand(place, f"rules[{rule['name']}].{key}", changes)

    def expand(self, place: Place, target: str, steps: Sequence[Step[Any]]) -> None:
        """Write an expansion, unless nothing changes."""
        if not steps:
            return
        path = f"$.expansions[{len(self.draft.expansions)}]"
        self.places[path] = place
        self.places |= {f"{path}.steps[{n}]": at for n, (_, _, at) in enumerate(steps)}
        self.draft.expand(target, [(wait_s, value) for wait_s, value, _ in steps])

    def switched(
        self, place: Place, name: str, rule: str, steps: Sequence[tuple[float, bool]]
    ) -> None:
        """Write that a rule counts only while it is switched on."""
        first = len(self.draft.rules)
        self.draft.switched(name, rule, place.path, steps)
        for n in range(first, len(self.draft.rules)):
            self.places[f"$.rules[{n}]"] = place

    def told(self, problem: Problem) -> Problem:
        """What is wrong with the rule set, where it was written."""
        path = problem.path
        while path not in self.places and LAST.search(path):
            path = LAST.sub("", path)
        place = self.places.get(path)
        if place is None:
            return problem
        message = f"line {place.line}: {problem.message}"
        return replace(problem, path=place.path, message=message)

    def _default(self, place: Place, kind: Kind) -> object:
        if kind == "number":
            return self.read.number(place, low=-1e15)
        if kind == "string":
            return self.read.text(place)
        if isinstance(place.value, list):
            return [self.read.text(one) for one in place.value]
        self.read.error(place, f"is {place.shown()}; write a list, as in [a, b]")
        return None
