"""A rules file in either language: FlexMatch's JSON as it is, or the shorter YAML."""

from core.errors import Invalid
from matchmaker.rules import flexmatch, native
from matchmaker.rules.reading import Problem
from matchmaker.rules.ruleset import RuleSet
from matchmaker.rules.traps import traps


def load(text: str) -> RuleSet:
    """The rule set that a text holds or means.

    Raises:
        Invalid: it cannot be run; ``field`` is the place of the first error.
    """
    if not native.is_native(text):
        return flexmatch.load(text)
    found = native.read(text)
    if found.rules is None:
        first = next(one for one in found.problems if one.severity == "error")
        raise Invalid(f"{first.path}: {first.message}", field=first.path)
    return found.rules


def checked(text: str) -> tuple[RuleSet | None, list[Problem]]:
    """The same, with everything that is wrong or may surprise; None when it cannot be run."""
    if native.is_native(text):
        found = native.read(text)
        more = found.told(traps(found.rules)) if found.rules else []
        return found.rules, [*found.problems, *more]
    rules, problems = flexmatch.read(text)
    return rules, [*problems, *(traps(rules) if rules else [])]
