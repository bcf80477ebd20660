"""What rules measure, and what they hold it against: property expressions and plain values."""

from core.errors import Invalid
from matchmaker.rules import expressions
from matchmaker.rules.expression_types import kind_of
from matchmaker.rules.expressions import Expression, Literal
from matchmaker.rules.reading import Reader, shown
from matchmaker.rules.ruleset import RuleSet

Kinds = tuple[str, ...]
"""Of ``number`` and ``string``: what may be measured."""


def measurements(one: Reader, whole: RuleSet, kinds: Kinds) -> tuple[Expression, ...]:
    """The ``measurements`` of a rule: one text or a list of them."""
    given = one.table.get("measurements")
    listed = [given] if isinstance(given, str) else given
    if not isinstance(listed, list) or not listed:
        one.findings.error(
            one.at("measurements"), "is missing; write a list of property expressions"
        )
        return ()
    found = []
    for n, text in enumerate(listed):
        path = one.at("measurements") + (f"[{n}]" if listed is given else "")
        if isinstance(text, str):
            read = _expression(one, text, path, whole, kinds)
            found += [read] if read is not None else []
        else:
            one.findings.error(path, f"is {shown(text)}; write a property expression")
    return tuple(found)


def measured(found: tuple[Expression, ...], whole: RuleSet, kinds: Kinds) -> Kinds:
    """Which of the kinds are measured indeed; all of them when nothing is."""
    return tuple(dict.fromkeys(kind_of(one, whole).of for one in found)) or kinds


def reference(one: Reader, key: str, whole: RuleSet, kinds: Kinds) -> Expression | None:
    """A number, a text, a list of texts, or a property expression; None when absent or wrong."""
    given = one.table.get(key)
    if given is None:
        return None
    path, wanted = one.at(key), f"write a {' or a '.join(kinds)}, or a property expression"
    if isinstance(given, str) and expressions.looks_like_one(given):
        return _expression(one, given, path, whole, kinds)
    if isinstance(given, str):
        return _text(one, given, path, kinds)
    if isinstance(given, list) and kinds == ("string",):
        if all(isinstance(text, str) for text in given):
            return Literal(list(given))
        one.findings.error(path, f"is {shown(given)}; {wanted}, or a list of strings")
        return None
    if isinstance(given, bool) or not isinstance(given, int | float):
        one.findings.error(path, f"is {shown(given)}; {wanted}")
        return None
    return Literal(given) if "number" in kinds else Literal(f"{given:g}")


def _text(one: Reader, given: str, path: str, kinds: Kinds) -> Expression | None:
    # A version such as "1.10" stays what it is where texts are measured.
    if "string" in kinds:
        return Literal(given)
    value = expressions.number(given)
    if value is None:
        one.findings.error(path, f"is {shown(given)}, and numbers are measured; write a number")
        return None
    return Literal(value)


def _expression(
    one: Reader, text: str, path: str, whole: RuleSet, kinds: Kinds
) -> Expression | None:
    try:
        read = expressions.parse(text)
        kind = kind_of(read, whole)
    except Invalid as wrong:
        one.findings.error(path, str(wrong))
        return None
    if kind.of not in kinds:
        one.findings.error(path, f"gives {kind.plural()}; here it takes {' or '.join(kinds)}s")
        return None
    return read
