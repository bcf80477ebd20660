"""The statement of a compound rule: ``or(and(Map, Mode), not(Skill))`` read, and its answer."""

import re
from collections.abc import Callable
from typing import Final

from core.errors import Invalid
from matchmaker.rules.ruleset import Statement

OPERATORS: Final = ("and", "or", "xor", "not")

_WORD: Final = re.compile(r"\s*([^(),]*[^(),\s])\s*(\(?)")


def parse(text: str) -> Statement:
    """The statement that a text holds.

    Raises:
        Invalid: it is none, with what was expected.
    """
    statement, rest = _part(text)
    if rest.strip() or isinstance(statement, str):
        raise Invalid(f"{text!r} is none; write for example or(and(A, B), not(C))")
    return statement


def answer(statement: Statement, of: Callable[[str], bool | None]) -> bool | None:
    """What a statement comes to, from what each rule does; None where that is open still.

    ``of``: from a rule's name to whether it is met, or None where that is open.
    """
    parts = [of(one) if isinstance(one, str) else answer(one, of) for one in statement.parts]
    match statement.operator:
        case "and":
            return False if False in parts else None if None in parts else True
        case "or":
            return True if True in parts else None if None in parts else False
        case "xor":
            if parts.count(True) > 1:
                return False
            return None if None in parts else True in parts
        case _:
            return None if parts[0] is None else not parts[0]


def _part(text: str) -> tuple[Statement | str, str]:
    """A statement, or a rule's name, and what follows it."""
    word = _WORD.match(text)
    if word is None:
        raise Invalid(f"expected a rule or an operator before {text.strip()!r}")
    rest = text[word.end() :]
    if not word[2]:
        return word[1], rest
    if word[1] not in OPERATORS:
        raise Invalid(f"there is no operator {word[1]!r}; there are {', '.join(OPERATORS)}")
    parts: list[Statement | str] = []
    while True:
        part, rest = _part(rest)
        parts.append(part)
        rest = rest.lstrip()
        if rest[:1] != ",":
            break
        rest = rest[1:]
    if rest[:1] != ")":
        raise Invalid(f"{word[1]}( is not closed")
    if (word[1] == "not") != (len(parts) == 1):
        raise Invalid("not takes one part, the others at least two")
    return Statement(word[1], tuple(parts)), rest[1:]  # type: ignore[arg-type]
