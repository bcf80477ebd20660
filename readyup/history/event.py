"""One line of an event log, and the register of all its kinds.

A kind is a class that declares the fields its readers need; a line may carry more. The
same table stands, for people, in docs/history.md.
"""

from collections.abc import Iterator
from typing import ClassVar

import msgspec


class Event(msgspec.Struct, tag_field="k", kw_only=True, gc=False):
    """One line. ``i`` is its place in its stream; lines of files have none."""

    roles: ClassVar[tuple[str, ...]]
    t: int
    src: str
    i: str = ""


def kinds(base: type[Event] = Event) -> Iterator[tuple[str, type[Event]]]:
    """Every kind that is imported: its name and its class."""
    for kind in base.__subclasses__():
        yield from kinds(kind)
        if kind.__struct_config__.tag != kind.__name__:
            yield str(kind.__struct_config__.tag), kind
