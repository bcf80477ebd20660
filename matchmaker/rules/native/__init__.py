"""Rules files: the common cases of a rule set in YAML that reads like a sentence.

A rules file means a FlexMatch rule set, is checked as one and runs as one; what is wrong
with either is told by the line of the file.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from core.errors import Invalid
from matchmaker.rules import flexmatch
from matchmaker.rules.native.document import Place, parsed
from matchmaker.rules.native.phrases import Phrases
from matchmaker.rules.native.sections import SECTIONS
from matchmaker.rules.native.sheet import Sheet
from matchmaker.rules.reading import Findings, Problem
from matchmaker.rules.ruleset import RuleSet

BODY_MAX: Final = 65_535
KEYS: Final = ("name", *SECTIONS, "defaults")
_FIRST: Final = re.compile(r"(?:[ \t]*(?:#[^\n]*|---[ \t]*)?\r?\n)*[ \t]*[A-Za-z][\w -]*:(?:\s|$)")


@dataclass(frozen=True, slots=True)
class RulesFile:
    """What a rules file means."""

    sheet: Sheet
    text: str
    """The FlexMatch rule set; empty when the file cannot be run."""

    rules: RuleSet | None
    problems: list[Problem]

    def told(self, problems: Sequence[Problem]) -> list[Problem]:
        """Further problems of the rule set, by the lines of the file."""
        return [self.sheet.told(one) for one in problems]


def is_native(text: str) -> bool:
    """Whether a text begins as a rules file does: with a key, or a comment before one."""
    return _FIRST.match(text.removeprefix("\ufeff")) is not None


def read(text: str) -> RulesFile:
    """The rule set that a rules file means, and what is wrong with it."""
    findings = Findings()
    sheet = Sheet(Phrases(findings))
    try:
        if len(text) > BODY_MAX:
            raise Invalid(f"has {len(text):,} characters; write at most {BODY_MAX:,}", field="$")
        _write(sheet, parsed(text.removeprefix("\ufeff")))
    except Invalid as wrong:
        findings.error("$", str(wrong))
    if not findings.ok():
        return RulesFile(sheet, "", None, findings.problems)
    meant = json.dumps(sheet.draft.document(), indent=2)
    rules, problems = flexmatch.read(meant)
    return RulesFile(sheet, meant, rules, findings.problems + [sheet.told(one) for one in problems])


def _write(sheet: Sheet, whole: Place) -> None:
    read = sheet.read
    found = read.block(whole, KEYS, needed=("teams",))
    sheet.draft.name = read.text(found.get("name"))
    sheet.defaults = (
        read.table(found["defaults"], "as in {mmr: 1500}") if "defaults" in found else {}
    )
    for key, section in SECTIONS.items():
        if key in found:
            section(sheet, found[key])
    for name, place in sheet.defaults.items():
        if name not in sheet.draft.attributes:
            there = ", ".join(sheet.draft.attributes) or "none"
            read.error(place, f"no rule reads {name!r}; those that are read: {there}")
    if sheet.draft.large() and "balance" not in found:
        read.error(whole, "teams of more than 40 players in all need 'balance', as in balance: mmr")
    if sheet.draft.large():
        sheet.draft.algorithm["strategy"] = "balanced"
