"""Reading a document property by property, and gathering everything that is wrong with it."""

import difflib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from matchmaker.rules.expressions import number

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, or that may surprise."""

    path: str
    severity: Severity
    message: str


@dataclass(slots=True)
class Findings:
    """Problems as they are found, in the order of the document."""

    problems: list[Problem] = field(default_factory=list)

    def error(self, path: str, message: str) -> None:
        """The rule set cannot be run."""
        self.problems.append(Problem(path, "error", message))

    def warn(self, path: str, message: str) -> None:
        """The rule set runs, and may surprise."""
        self.problems.append(Problem(path, "warning", message))

    def ok(self) -> bool:
        """Whether it can be run."""
        return all(problem.severity != "error" for problem in self.problems)


@dataclass(slots=True)
class Reader:
    """One object of the document, read property by property."""

    table: Mapping[str, Any]
    path: str
    findings: Findings

    def at(self, key: str) -> str:
        """The path of a property."""
        return f"{self.path}.{key}"

    def known(self, keys: Collection[str]) -> None:
        """Warn of properties that nobody reads."""
        for key in self.table:
            if key not in keys:
                near = difflib.get_close_matches(key, list(keys), n=1)
                cure = f"did you mean {near[0]!r}?" if near else "it has no effect"
                self.findings.warn(self.at(key), f"is not a property of this; {cure}")

    def text(self, key: str, *, needed: bool = True) -> str:
        """A text; an error when it is missing though needed."""
        value = self.table.get(key)
        if value is None and not needed:
            return ""
        if not isinstance(value, str) or (needed and not value):
            self.findings.error(
                self.at(key),
                "is missing; write a text" if value is None else f"is {shown(value)}; write a text",
            )
            return ""
        return value

    def number(self, key: str, *, low: float | None = None, whole: bool = False) -> float | None:
        """A number, also one that is written as a text; None when it is absent or wrong."""
        if key not in self.table:
            return None
        return self.as_number(self.table[key], self.at(key), low=low, whole=whole)

    def as_number(
        self, value: object, path: str, *, low: float | None = None, whole: bool = False
    ) -> float | None:
        """A value as a number, or an error at its path."""
        read = number(value) if isinstance(value, str) else value
        if isinstance(read, bool) or not isinstance(read, int | float) or abs(read) > 1e15:
            self.findings.error(path, f"is {shown(value)}; write a number")
            return None
        if whole and read != int(read):
            self.findings.error(path, f"is {shown(value)}; write a whole number")
            return None
        if low is not None and read < low:
            self.findings.error(path, f"is {shown(value)}; the least is {low:g}")
            return None
        return read

    def choice(self, key: str, choices: Collection[str], default: str | None = None) -> str:
        """One of some texts; an error for any other, and for none without a default."""
        value = self.table.get(key, default)
        if value in choices and isinstance(value, str):
            return value
        there = ", ".join(choices)
        self.findings.error(
            self.at(key),
            f"is missing; write one of {there}"
            if value is None
            else f"is {shown(value)}; write one of {there}",
        )
        return default if default is not None else next(iter(choices))

    def tables(self, key: str, *, needed: bool = False) -> list["Reader"]:
        """The objects of a list; an empty list when it is absent."""
        value = self.table.get(key)
        if value is None and not needed:
            return []
        if not isinstance(value, list) or (needed and not value):
            self.findings.error(
                self.at(key),
                "is missing; write a list with at least one object in it"
                if value is None or value == []
                else f"is {shown(value)}; write a list",
            )
            return []
        found = []
        for n, one in enumerate(value):
            path = f"{self.at(key)}[{n}]"
            if isinstance(one, Mapping):
                found.append(Reader(one, path, self.findings))
            else:
                self.findings.error(path, f"is {shown(one)}; write an object")
        return found


def shown(value: object) -> str:
    """A value as it stands in a message, cut where it is long."""
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else text[:57] + "..."
