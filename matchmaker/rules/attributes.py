"""Player attributes: which a rule set declares, and their values as they are written.

A value is plain JSON or FlexMatch's wire form, whose numbers are also written as texts:
``23``, ``{"N": 23}`` and ``{"N": "23"}`` are the same.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from core.errors import Invalid
from matchmaker.rules.expressions import number
from matchmaker.rules.reading import Reader, shown
from matchmaker.rules.ruleset import Attribute

ATTRIBUTES_MAX: Final = 10
TYPES: Final = ("string", "number", "string_list", "string_number_map")


def attributes(reader: Reader) -> dict[str, Attribute]:
    """What ``playerAttributes`` declares, by name."""
    found: dict[str, Attribute] = {}
    for one in reader.tables("playerAttributes"):
        one.known(("name", "type", "default", "description"))
        name, kind = one.text("name"), one.choice("type", TYPES)
        if name in found:
            one.findings.error(one.at("name"), f"{name!r} is declared twice")
        default = one.table.get("default")
        if default is not None:
            try:
                default = plain(default, kind, texts=True)
            except Invalid as wrong:
                one.findings.error(one.at("default"), str(wrong))
        found[name] = Attribute(name, kind, default)  # type: ignore[arg-type]
    if len(found) > ATTRIBUTES_MAX:
        reader.findings.warn(
            reader.at("playerAttributes"),
            f"are {len(found)}; FlexMatch takes {ATTRIBUTES_MAX} for each player",
        )
    return found


def plain(value: object, kind: str, *, texts: bool = False) -> Any:  # noqa: ANN401 - one of four
    """An attribute's value, without its wire form.

    ``texts``: a number may also be written as a text outside the wire form, as rule sets do.

    Raises:
        Invalid: it is of another type.
    """
    wire, read, said = _PLAIN[kind]
    if isinstance(value, Mapping) and set(value) == {wire} and not _is_map_itself(value, wire):
        value, texts = value[wire], True
    try:
        return read(value, texts)
    except TypeError:
        raise Invalid(f"is {shown(value)}; write {said}") from None


def _is_map_itself(value: Mapping[str, object], wire: str) -> bool:
    """Whether a map of numbers happens to have the wire form's name as its only key."""
    return wire == "SDM" and not isinstance(value[wire], Mapping)


def _text(value: object, _: bool) -> str:
    if isinstance(value, str):
        return value
    raise TypeError


def _number(value: object, texts: bool) -> float:
    read = number(value) if texts and isinstance(value, str) else value
    if isinstance(read, int | float) and not isinstance(read, bool):
        return read
    raise TypeError


def _string_list(value: object, _: bool) -> list[str]:
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return list(dict.fromkeys(value))
    raise TypeError


def _number_map(value: object, texts: bool) -> dict[str, float]:
    if isinstance(value, Mapping):
        return {key: _number(one, texts) for key, one in value.items()}
    raise TypeError


_PLAIN: Final[dict[str, tuple[str, Callable[[object, bool], Any], str]]] = {
    "string": ("S", _text, "a text"),
    "number": ("N", _number, "a number"),
    "string_list": ("SL", _string_list, "a list of texts"),
    "string_number_map": ("SDM", _number_map, "an object of numbers"),
}
