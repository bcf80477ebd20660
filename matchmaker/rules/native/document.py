"""A YAML document as places: what stands where, as it was typed.

Scalars stay texts. Whether ``80`` is a number and ``no`` a name is for whoever reads that
place, so that none of YAML's guesses can surprise anybody.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from core.errors import Invalid

DEPTH_MAX: Final = 8
"""Deeper than anything that a rules file can say."""


@dataclass(frozen=True, slots=True)
class Place:
    """One value of the document."""

    path: str
    """``$.skill.within``."""

    line: int
    """From 1; of its key where it has one."""

    value: "str | Sequence[Place] | Mapping[str, Place]"

    def shown(self) -> str:
        """As it stands in a message, cut where it is long."""
        match self.value:
            case str(text):
                return f"{text[:57]}..." if len(text) > 60 else text or "empty"
            case Mapping():
                return "a block of keys"
            case _:
                return "a list"


def parsed(text: str) -> Place:
    """The document that a text holds.

    Raises:
        Invalid: it is no YAML, or has more than one document, a key twice or an alias; the
            message begins with the line.
    """
    import yaml  # type: ignore[import-untyped]  # its stubs are a package apart

    try:
        return _Builder(yaml, yaml.parse(text, Loader=yaml.SafeLoader)).document()
    except yaml.MarkedYAMLError as wrong:
        mark = wrong.problem_mark or wrong.context_mark
        line = f"line {mark.line + 1}: " if mark else ""
        raise Invalid(f"{line}is no YAML: {wrong.problem or wrong.context}", field="$") from wrong
    except yaml.YAMLError as wrong:
        raise Invalid(f"is no YAML: {wrong}", field="$") from wrong


class _Builder:
    """Puts a stream of YAML's events together."""

    def __init__(self, yaml: Any, events: Any) -> None:  # noqa: ANN401 - a module without types
        self._yaml, self._events = yaml, events

    def document(self) -> Place:
        yaml = self._yaml
        whole: Place | None = None
        for event in self._events:
            if isinstance(event, yaml.StreamStartEvent | yaml.DocumentStartEvent):
                if whole is not None and isinstance(event, yaml.DocumentStartEvent):
                    raise _refused(event, "a second document begins; a file holds one")
                continue
            if isinstance(event, yaml.StreamEndEvent | yaml.DocumentEndEvent):
                continue
            whole = self._value(event, "$", _line(event), 0)
        if whole is None:
            raise Invalid("is empty; write at least name, teams and skill", field="$")
        return whole

    def _value(self, event: Any, path: str, line: int, depth: int) -> Place:  # noqa: ANN401
        yaml = self._yaml
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _refused(event, "anchors and aliases are unknown here; write it out")
        if depth > DEPTH_MAX:
            raise _refused(event, f"is nested more than {DEPTH_MAX} deep")
        if isinstance(event, yaml.ScalarEvent):
            return Place(path, line, event.value)
        if isinstance(event, yaml.SequenceStartEvent):
            return Place(path, line, self._list(path, depth))
        return Place(path, line, self._table(path, depth))

    def _list(self, path: str, depth: int) -> list[Place]:
        found: list[Place] = []
        while not isinstance(event := next(self._events), self._yaml.SequenceEndEvent):
            found.append(self._value(event, f"{path}[{len(found)}]", _line(event), depth + 1))
        return found

    def _table(self, path: str, depth: int) -> dict[str, Place]:
        found: dict[str, Place] = {}
        while not isinstance(key := next(self._events), self._yaml.MappingEndEvent):
            if not isinstance(key, self._yaml.ScalarEvent):
                raise _refused(key, "a key is a plain word or two")
            if key.value in found:
                before = found[key.value].line
                raise _refused(key, f"{key.value!r} stands on line {before} already; keep one")
            below = f"{path}.{key.value}"
            found[key.value] = self._value(next(self._events), below, _line(key), depth + 1)
        return found


def _line(event: Any) -> int:  # noqa: ANN401 - a module without types
    return int(event.start_mark.line) + 1


def _refused(event: Any, why: str) -> Invalid:  # noqa: ANN401 - a module without types
    return Invalid(f"line {_line(event)}: {why}", field="$")
