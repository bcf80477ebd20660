"""The whole list, put to every Fleet among some documents."""

from collections.abc import Sequence
from typing import Final

from core.errors import Invalid
from fleets.agones.lint.life import LIFE
from fleets.agones.lint.network import NETWORK
from fleets.agones.lint.pinning import PINNING
from fleets.agones.lint.placing import PLACING
from fleets.agones.lint.rule import Finding, Severity
from fleets.agones.lint.sizes import SIZES
from fleets.agones.lint.subject import Document, Subject

CHAPTERS: Final = (PINNING, PLACING, NETWORK, LIFE, SIZES)
_GRAVITY: Final = tuple(Severity)


def judge(documents: Sequence[Document]) -> tuple[Finding, ...]:
    """What is to be said about every Fleet; errors first, then as the rules stand.

    Args:
        documents: Fleets, and whatever is known beside them: classes, budgets, autoscalers,
            the namespace, webhooks, pods.

    Raises:
        Invalid: there is no Fleet among them.
    """
    every = [inner for one in documents for inner in _unpacked(one)]
    fleets = [one for one in every if one.get("kind") == "Fleet"]
    if not fleets:
        raise Invalid("there is no Fleet among these documents; give a file with kind: Fleet")
    found = [
        finding
        for fleet in fleets
        for chapter in CHAPTERS
        for rule in chapter.rules
        for finding in rule.findings(Subject(fleet, every))
    ]
    return tuple(sorted(found, key=lambda one: (one.fleet, _GRAVITY.index(one.severity))))


def _unpacked(document: Document) -> Sequence[Document]:
    """A ``List`` holds documents; kubectl prints such."""
    if document.get("kind") == "List" and isinstance(document.get("items"), list):
        return [inner for one in document["items"] for inner in _unpacked(one)]
    return [document]
