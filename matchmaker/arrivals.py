"""Tickets as lines of a file: who comes to a queue in a trial, when, and until when they stay."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from core.errors import Invalid
from matchmaker.rules.applicants import refuse_malformed
from matchmaker.rules.reading import shown


@dataclass(frozen=True, slots=True)
class Arrival:
    """A ticket of the past or of somebody's imagination."""

    id: str
    players: Sequence[Mapping[str, Any]]
    at_s: float = 0.0
    cancel_at_s: float | None = None
    """Taken back at this instant, before anybody is matched then."""


def arrival(line: str) -> Arrival:
    """The ticket on a line: ``{"id", "at_s", "cancel_at_s"?, "players": [{"id", ...}]}``.

    Raises:
        Invalid: it is none; ``field`` is the place on the line.
    """
    try:
        told = msgspec.json.decode(line)
    except msgspec.DecodeError as wrong:
        raise Invalid(f"{wrong}; write one JSON object on each line", field="$") from wrong
    if not isinstance(told, dict):
        raise Invalid(f"is {shown(told)}; write an object", field="$")
    name, players = told.get("id"), told.get("players")
    if not isinstance(name, str) or not name:
        raise Invalid(f"{_as_it_is(name)}; write a text", field="$.id")
    if not isinstance(players, list) or not players:
        cure = "write a list of at least one player"
        raise Invalid(f"{_as_it_is(players)}; {cure}", field="$.players")
    refuse_malformed(players)
    at_s = _seconds(told, "at_s") or 0.0
    if at_s < 0:
        raise Invalid(f"is {shown(at_s)}; write 0 or more seconds", field="$.at_s")
    return Arrival(name, players, at_s, _seconds(told, "cancel_at_s"))


def _seconds(told: dict[str, object], key: str) -> float | None:
    value = told.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e12:
        raise Invalid(f"is {shown(value)}; write a number of seconds", field=f"$.{key}")
    return value


def _as_it_is(value: object) -> str:
    return "is missing" if value is None else f"is {shown(value)}"
