"""The small phrases of a rules file: ``4 to 5``, ``25 of 4``, ``after 1m30s``, ``at most 2``."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, TypeVar

from matchmaker.rules.importing.draft import EVERYBODY
from matchmaker.rules.native.document import Place
from matchmaker.rules.reading import Findings

Value = TypeVar("Value")
Range = tuple[int, int]
"""Least and most."""

Step = tuple[float, Value, Place]
"""Seconds waited, the value from then on, and where it stands."""

_RANGE: Final = re.compile(
    r"(?P<exactly>\d+)|(?P<low>\d+) to (?P<high>\d+)|at least (?P<least>\d+)|at most (?P<most>\d+)"
)
_TIMES: Final = re.compile(r"(?P<times>\d+) of (?P<players>.+)")
_AFTER: Final = re.compile(
    r"after (?=\d)(?:(?P<m>\d+(?:\.\d+)?)m)?(?:(?P<s>\d+(?:\.\d+)?)s)?"
)  # fmt: skip


@dataclass(slots=True)
class Phrases:
    """Reads places of a document; what is wrong with them goes to ``findings``."""

    findings: Findings

    def error(self, place: Place, message: str) -> None:
        """The rules cannot be run."""
        self.findings.error(place.path, f"line {place.line}: {message}")

    def warn(self, place: Place, message: str) -> None:
        """The rules run, and may surprise."""
        self.findings.warn(place.path, f"line {place.line}: {message}")

    def table(self, place: Place, cure: str) -> Mapping[str, Place]:
        """Its keys, whatever they are; none and an error when it has none."""
        if isinstance(place.value, Mapping) and place.value:
            return place.value
        self.error(place, f"is {place.shown()}; write {cure}")
        return {}

    def block(
        self, place: Place, keys: Collection[str], *, main: str = "", needed: Collection[str] = ()
    ) -> Mapping[str, Place]:
        """Its keys, which must be among these; a value alone stands for the ``main`` one."""
        if main and isinstance(place.value, str):
            return {main: place}
        found = self.table(place, f"a block with {', '.join(keys)}")
        for key, at in found.items():
            if key not in keys:
                near = get_close_matches(key, list(keys), n=1, cutoff=0.5)
                cure = f"did you mean {near[0]!r}?" if near else f"write one of {', '.join(keys)}"
                self.error(at, f"{key!r} is not known here; {cure}")
        for key in needed:
            if found and key not in found:
                self.error(place, f"lacks {key!r}")
        return {key: at for key, at in found.items() if key in keys}

    def text(self, place: Place | None, default: str = "") -> str:
        """A name; the default when there is no such place."""
        if place is None:
            return default
        if isinstance(place.value, str) and place.value.strip():
            return place.value.strip()
        self.error(place, f"is {place.shown()}; write a name")
        return default

    def choice(self, place: Place | None, choices: Mapping[str, Value], default: str) -> Value:
        """What one of some words means."""
        said = default if place is None else place.value
        if isinstance(said, str) and said in choices:
            return choices[said]
        assert place is not None, f"{default!r} is a choice"
        self.error(place, f"is {place.shown()}; write one of {', '.join(choices)}")
        return choices[default]

    def number(self, place: Place, low: float = 0.0) -> float | None:
        """A number of at least ``low``; None and an error for anything else."""
        try:
            found = float(place.value) if isinstance(place.value, str) else None
        except ValueError:
            found = None
        if found is None or not low <= found <= 1e15:
            self.error(place, f"is {place.shown()}; write a number, {low:g} or more")
            return None
        return int(found) if found == int(found) else found

    def whole(self, place: Place, low: int = 0) -> int | None:
        """A whole number of at least ``low``."""
        found = self.number(place, low)
        if found is None or found == int(found):
            return None if found is None else int(found)
        self.error(place, f"is {place.shown()}; write a whole number")
        return None

    def range(self, place: Place) -> Range | None:
        """``5``, ``4 to 5``, ``at least 1`` or ``at most 2``."""
        said = place.value if isinstance(place.value, str) else ""
        found = self._range(said)
        if found is None:
            cure = 'write a number, or as in "4 to 5", "at least 1", "at most 2"'
            self.error(place, f"is {place.shown()}; {cure}")
        elif found[0] > found[1]:
            self.error(place, f"is {said}; the first number is above the second")
            return None
        return found

    def teams(self, place: Place) -> tuple[int, Range] | None:
        """How many teams of how many players: ``5``, ``4 to 5`` or ``25 of 4``."""
        said = _TIMES.fullmatch(place.value) if isinstance(place.value, str) else None
        if said is None:
            found = self.range(place)
            return None if found is None else (1, found)
        found = self.range(Place(place.path, place.line, said["players"]))
        if found is not None and int(said["times"]) < 1:
            self.error(place, f"is {place.shown()}; write 1 team or more")
            return None
        return None if found is None else (int(said["times"]), found)

    def steps(
        self, place: Place | None, read: Callable[[Place], Value | None]
    ) -> Sequence[Step[Value]]:
        """``{after 10s: VALUE, after 1m: VALUE}``, in the order of the document."""
        found: list[Step[Value]] = []
        table = {} if place is None else self.table(place, "as in {after 10s: ..., after 1m: ...}")
        for key, at in table.items():
            wait = _AFTER.fullmatch(key)
            if wait is None:
                self.error(at, f"{key!r} is no time; write as in 'after 10s' or 'after 1m30s'")
                continue
            wait_s = 60 * float(wait["m"] or 0) + float(wait["s"] or 0)
            if wait_s <= 0:
                self.error(at, "holds from the start; write it as the value itself")
            elif found and wait_s <= found[-1][0]:
                self.error(at, "does not come after the line before; times count from the start")
            elif (value := read(at)) is not None:
                found.append((int(wait_s) if wait_s == int(wait_s) else wait_s, value, at))
        return found

    @staticmethod
    def _range(said: str) -> Range | None:
        found = _RANGE.fullmatch(said.strip())
        if found is None:
            return None
        if found["exactly"]:
            return int(found["exactly"]), int(found["exactly"])
        if found["least"]:
            return int(found["least"]), EVERYBODY
        return int(found["low"] or 0), int(found["high"] or found["most"])
