"""JSON as people write rule sets: with comments, and with every doubled key told.

Rule sets are published with ``//`` comments in them, and with one object that holds two
``target`` keys. A plain JSON parser refuses the first and silently drops half of the second.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from core.errors import Invalid

_TOKENS: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*.*?\*/', re.DOTALL)


class Table(dict[str, Any]):
    """An object as it was read: the last of equal keys counts, ``pairs`` has them all."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs

    def doubled(self) -> list[str]:
        """Keys that stand here more than once, each once."""
        seen: dict[str, int] = {}
        for key, _ in self.pairs:
            seen[key] = seen.get(key, 0) + 1
        return [key for key, times in seen.items() if times > 1]

    def pairs_up(self, key: str, other: str) -> bool:
        """Whether two keys stand here equally often, more than once."""
        times = [sum(name == one for name, _ in self.pairs) for one in (key, other)]
        return times[0] == times[1] > 1

    def split(self, key: str, other: str) -> list["Table"]:
        """This object as one for each time that both keys stand in it, in their order.

        Where they do not stand equally often, it is itself: JSON keeps the last of each.
        """
        if not self.pairs_up(key, other):
            return [self]
        rest = [pair for pair in self.pairs if pair[0] not in (key, other)]
        firsts = [pair for pair in self.pairs if pair[0] == key]
        seconds = [pair for pair in self.pairs if pair[0] == other]
        return [Table([*rest, *both]) for both in zip(firsts, seconds, strict=True)]


@dataclass(frozen=True, slots=True)
class Doubled:
    """A key that one object has more than once."""

    path: str
    """Of the object, e.g. ``$.expansions[0]``."""

    key: str
    of: Table


def read(text: str) -> Any:  # noqa: ANN401 - whatever the text holds
    """The value that a text holds; its objects are ``Table``.

    Raises:
        Invalid: it is no JSON, with line and column; NaN and Infinity are none either.
    """
    try:
        return json.loads(
            _TOKENS.sub(_blank, text.removeprefix("\ufeff")),
            object_pairs_hook=Table,
            parse_constant=_refuse,
        )
    except json.JSONDecodeError as wrong:
        place = f"line {wrong.lineno}, column {wrong.colno}"
        raise Invalid(f"{place}: {wrong.msg}", field="$") from wrong
    except RecursionError as deep:
        raise Invalid("it is nested too deeply", field="$") from deep


def doubled_keys(value: object, path: str = "$") -> list[Doubled]:
    """Every doubled key in a value, with the path of its object."""
    found: list[Doubled] = []
    if isinstance(value, Table):
        found += [Doubled(path, key, value) for key in value.doubled()]
        for key, inner in value.items():
            found += doubled_keys(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            found += doubled_keys(inner, f"{path}[{n}]")
    return found


def _blank(token: re.Match[str]) -> str:
    """A string as it is; a comment as blanks, so that lines and columns stay right."""
    text = token[0]
    return text if text.startswith('"') else re.sub(r"[^\n]", " ", text)


def _refuse(word: str) -> Any:  # noqa: ANN401 - what json asks for
    raise Invalid(f"{word} is no number in JSON", field="$")
