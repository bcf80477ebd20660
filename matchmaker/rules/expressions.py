"""Property expressions: ``avg(flatten(teams[*].players.attributes[skill]))`` read and worked out.

One team's players give a list, several teams' a list of lists. A function takes the
innermost lists it can take, so ``avg`` of a list of lists is a list of averages.
Terms: FlexMatch rules language, property expressions.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from core.errors import Invalid

Value = Any
"""A number, a text, a player's id, or lists of them; None where there is nothing to work out."""


class Members(Protocol):
    """What an expression reads of a match."""

    def teams(self, names: Sequence[str]) -> Sequence[str]:
        """Teams of these names or definitions, in the rule set's order; ``*`` is every team."""
        ...

    def ids(self, team: str) -> list[Value]:
        """The players of a team."""
        ...

    def attribute(self, team: str, name: str) -> list[Value]:
        """One value for each player of a team."""
        ...


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that stands in the rule set."""

    value: Value


@dataclass(frozen=True, slots=True)
class Path:
    """Something of the players of some teams."""

    teams: tuple[str, ...]
    attribute: str = ""
    """Empty for the players themselves."""

    ids: bool = False
    """Whether the players' ids are meant, which can be compared with texts."""


@dataclass(frozen=True, slots=True)
class Call:
    """A function of a list."""

    function: str
    of: "Expression"


Expression = Literal | Path | Call


def _common(lists: Sequence[Sequence[Value]]) -> list[Value]:
    first, *rest = [list(dict.fromkeys(one)) for one in lists] or [[]]
    return [value for value in first if all(value in other for other in rest)]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _median(values: Sequence[float]) -> float:
    ordered, middle = sorted(values), len(values) // 2
    return ordered[middle] if len(ordered) % 2 else _mean(ordered[middle - 1 : middle + 1])


def _stddev(values: Sequence[float]) -> float:
    """Of the whole population: these players are all there are."""
    mean = _mean(values)
    return math.sqrt(_mean([(value - mean) ** 2 for value in values]))


NUMERIC: Final[Mapping[str, Callable[[Sequence[float]], float]]] = {
    "min": min, "max": max, "avg": _mean, "median": _median, "sum": sum, "stddev": _stddev,
}  # fmt: skip
"""Functions from a list of numbers to a number."""

FUNCTIONS: Final = (*NUMERIC, "count", "flatten", "set_intersection")

_NAME = r"[^\[\](),\s][^\[\](),]*"
_PATH: Final = re.compile(
    rf"teams?\s*\[\s*(?P<teams>\*|{_NAME}(?:,\s*{_NAME})*)\s*\]\s*\.\s*players"
    rf"(?:\s*\.\s*attributes\s*\[\s*(?P<attribute>{_NAME})\s*\]"
    r"|(?P<ids>\s*\[\s*player[iI]d\s*\]|\s*\.\s*player[iI]d))?",
)
_CALL: Final = re.compile(r"\s*(\w+)\s*\(")
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?")


def looks_like_one(text: str) -> bool:
    """Whether a text is meant as an expression, rather than as itself."""
    return bool(_CALL.match(text) or re.match(r"\s*teams?\s*\[", text))


def parse(text: str) -> Expression:
    """The expression that a text holds.

    Raises:
        Invalid: it is none, with the place in it.
    """
    called = _CALL.match(text)
    if called:
        function, rest = called[1], text[called.end() :].rstrip()
        if function not in FUNCTIONS:
            raise Invalid(f"there is no function {function!r}; there are {', '.join(FUNCTIONS)}")
        if not rest.endswith(")"):
            raise Invalid(f"{function}( is not closed in {text.strip()!r}")
        return Call(function, parse(rest[:-1]))
    path = _PATH.fullmatch(text.strip())
    if path is None:
        raise Invalid(
            f"{text.strip()!r} is no property expression; write for example "
            "avg(teams[*].players.attributes[skill])"
        )
    names = tuple(name.strip() for name in path["teams"].split(","))
    return Path(names, (path["attribute"] or "").strip(), path["ids"] is not None)


def number(text: str) -> float | None:
    """The number that a text holds, as rule sets also write them: ``"500"``."""
    return float(text) if _NUMBER.fullmatch(text.strip()) else None


def work_out(expression: Expression, members: Members) -> Value:
    """The value of an expression in a match."""
    match expression:
        case Literal(value):
            return value
        case Path(names, attribute):
            lists = [
                members.attribute(team, attribute) if attribute else members.ids(team)
                for team in members.teams(names)
            ]
            return lists if by_team(expression, members) else lists[0]
        case Call(function, of):
            return _applied(function, work_out(of, members))


def _applied(function: str, value: Value) -> Value:
    if function == "flatten":
        return [inner for one in value for inner in one] if _nested(value) else value
    if function == "set_intersection":
        return [_common(one) for one in value] if _nested(value, 3) else _common(value)
    if _nested(value):
        return [_applied(function, one) for one in value]
    values = value if isinstance(value, list) else [value]
    if function == "count":
        return len(values)
    # Of nobody there is no average, and of something that is not there no maximum.
    if None in values or (not values and function != "sum"):
        return None
    return NUMERIC[function](values)


def _nested(value: Value, depth: int = 2) -> bool:
    """Whether a value is a list of lists, or deeper."""
    if depth == 1:
        return isinstance(value, list)
    return isinstance(value, list) and any(_nested(one, depth - 1) for one in value)


def paths(expression: Expression) -> list[Path]:
    """Every path in an expression."""
    match expression:
        case Path():
            return [expression]
        case Call(_, of):
            return paths(of)
        case _:
            return []


def by_team(expression: Expression, members: Members) -> bool:
    """Whether it gives something for each of several teams, unless it gives a single value."""
    match expression:
        case Path(names):
            return names == ("*",) or len(members.teams(names)) > 1
        case Call("flatten", _):
            return False
        case Call(_, of):
            return by_team(of, members)
        case _:
            return False


def leaves(value: Value) -> list[Value]:
    """Every single value in lists of lists, in order."""
    if isinstance(value, list):
        return [leaf for one in value for leaf in leaves(one)]
    return [value]
