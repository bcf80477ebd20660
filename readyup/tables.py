"""Tables of a configuration, turned into values: what is wrong is named with place and cure."""

import dataclasses
import difflib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from core.errors import Invalid
from core.plain import plain

T = TypeVar("T")


def section(table: Mapping[str, Any], name: str, shape: type[T], **defaults: object) -> T:
    """One section of the whole, with ``defaults`` for what it leaves out.

    Raises:
        Invalid: names the place and the cure.
    """
    entry = subtable(table, name)
    known = {one.name for one in dataclasses.fields(shape)}  # type: ignore[arg-type]
    refuse_unknown(entry, known, f"$.{name}")
    return converted({**defaults, **entry}, shape, f"$.{name}")


def subtable(table: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The table of this name; empty when there is none."""
    entry = table.get(name, {})
    if not isinstance(entry, Mapping):
        raise refusal(f"$.{name}", "is not a table")
    return entry


def converted(value: object, shape: type[T], place: str) -> T:
    """A value of plain JSON as one of ours.

    Raises:
        Invalid: names the place inside ``place``.
    """
    try:
        return msgspec.convert(value, shape)
    except Invalid as wrong:
        raise refusal(place + wrong.field.removeprefix("$"), str(wrong)) from wrong
    except msgspec.ValidationError as wrong:
        what, _, path = str(wrong).partition(" - at `$")
        raise refusal(
            place + path.rstrip("`"), plain(what).replace("an object", "a table")
        ) from wrong


def read_file(path: Path) -> dict[str, Any]:
    """The tables of a TOML or JSON file.

    Raises:
        Invalid: it cannot be read, with the line where that is known.
    """
    try:
        text = path.read_text("utf-8")
        if path.suffix == ".json":
            return msgspec.json.decode(text, type=dict[str, Any])
        return tomllib.loads(text)
    except OSError as gone:
        raise Invalid(f"{path}: {gone.strerror}") from gone
    except (tomllib.TOMLDecodeError, msgspec.DecodeError, UnicodeDecodeError) as wrong:
        raise Invalid(f"{path}: {wrong}") from wrong


def refuse_unknown(table: Mapping[str, Any], known: set[str], place: str) -> None:
    """Refuse a key that nobody reads, and offer the one that was meant."""
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(str(key), sorted(known), n=1)
            cure = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(known))}"
            raise refusal(f"{place}.{key}", f"no such setting; {cure}")


def refusal(place: str, what: str) -> Invalid:
    """An error with its place, which is said once."""
    said = re.sub("`", "", what)
    return Invalid(said if said.startswith(place) else f"{place}: {said}", field=place)
