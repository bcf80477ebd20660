"""What a rule of the lint is, and what it finds."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from fleets.agones.lint.subject import Subject

Hit = tuple[str, str]
"""Where, and what is there."""

Check = Callable[[Subject], Iterator[Hit]]


class Severity(StrEnum):
    """How much it matters."""

    ERROR = "error"
    """It will not work, or not as it was meant."""

    WARNING = "warning"
    """It works until the day on which it does not."""

    NOTE = "note"
    """Worth knowing."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found in one fleet."""

    id: str
    severity: Severity
    fleet: str
    path: str
    """Inside the document, e.g. ``spec.template.spec.ports[0].portPolicy``."""

    message: str
    why: str
    cure: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing to look for."""

    id: str
    severity: Severity
    why: str
    """What happens otherwise."""

    cure: str
    check: Check

    def findings(self, subject: Subject) -> Iterator[Finding]:
        """What this rule finds in one fleet."""
        for path, message in self.check(subject):
            yield Finding(self.id, self.severity, subject.name, path, message, self.why, self.cure)


class Chapter:
    """Rules about one subject, in their order; its decorators gather them."""

    def __init__(self, title: str) -> None:
        self.title = title
        self._rules: list[Rule] = []

    @property
    def rules(self) -> Sequence[Rule]:
        """All of them, as written."""
        return tuple(self._rules)

    def error(self, name: str, *, why: str, cure: str) -> Callable[[Check], Check]:
        """Add a rule whose findings are errors."""
        return self._add(name, Severity.ERROR, why, cure)

    def warning(self, name: str, *, why: str, cure: str) -> Callable[[Check], Check]:
        """Add a rule whose findings are warnings."""
        return self._add(name, Severity.WARNING, why, cure)

    def note(self, name: str, *, why: str, cure: str) -> Callable[[Check], Check]:
        """Add a rule whose findings are notes."""
        return self._add(name, Severity.NOTE, why, cure)

    def _add(self, name: str, severity: Severity, why: str, cure: str) -> Callable[[Check], Check]:
        def add(check: Check) -> Check:
            self._rules.append(Rule(name, severity, why, cure, check))
            return check

        return add
