"""Tickets as they are written for a rule set: read, filled with defaults, or turned away."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.errors import Invalid
from matchmaker.rules.attributes import plain
from matchmaker.rules.members import Party, Player
from matchmaker.rules.ruleset import Latency, RuleSet
from matchmaker.tickets import TicketPlayer


class Unfit(Exception):
    """This ticket can never be matched under this rule set; the text says why."""


def party(ticket: str, players: list[Mapping[str, Any]], at_s: float, whole: RuleSet) -> Party:
    """A ticket's players as the engine takes them.

    Raises:
        Unfit: somebody lacks an attribute without a default, has one of another type, or
            reports no latency though a rule is about it; or there are too many of them.
        Invalid: the ticket is malformed; ``field`` names the place.
    """
    _fits(len(players), whole)
    return Party(ticket, tuple(_player(one, n, whole) for n, one in enumerate(players)), at_s)


def applicant(
    ticket: str, members: Sequence[TicketPlayer], enqueued_ms: int, whole: RuleSet
) -> Party:
    """A ticket of a queue as the engine takes it.

    Raises:
        Unfit: see ``party``.
    """
    players: list[Mapping[str, Any]] = [
        {"id": one.id, "attributes": one.attributes, "latency_ms": one.latency_ms}
        for one in members
    ]
    return party(ticket, players, enqueued_ms / 1000.0, whole)


def _fits(size: int, whole: RuleSet) -> None:
    most = whole.party_max()
    if size > most:
        raise Unfit(f"its {size} players stay together, and no team takes more than {most}")


def _player(one: Mapping[str, Any], n: int, whole: RuleSet) -> Player:
    name = one.get("id")
    if not isinstance(name, str) or not name:
        raise Invalid("is missing; write a text", field=f"$.players[{n}].id")
    given = one.get("attributes") or {}
    if not isinstance(given, Mapping):
        raise Invalid("is no object", field=f"$.players[{n}].attributes")
    attributes = {}
    for attribute in whole.attributes.values():
        value = given.get(attribute.name)
        if value is None:
            if attribute.default is None:
                raise Unfit(f"player {name!r} has no {attribute.name!r}, which has no default")
            attributes[attribute.name] = attribute.default
            continue
        try:
            attributes[attribute.name] = plain(value, attribute.type)
        except Invalid as wrong:
            raise Unfit(f"{attribute.name!r} of player {name!r} {wrong}") from wrong
    latency_ms = _latencies(one.get("latency_ms") or {}, n)
    if not latency_ms and any(isinstance(rule, Latency) for rule in whole.judged()):
        raise Unfit(f"player {name!r} reports no latency, and a rule is about it")
    return Player(name, attributes, latency_ms)


def _latencies(given: object, n: int) -> dict[str, float]:
    place = f"$.players[{n}].latency_ms"
    if not isinstance(given, Mapping):
        raise Invalid("is no object of milliseconds", field=place)
    for region, value in given.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise Invalid("is no number of milliseconds", field=f"{place}.{region}")
    return dict(given)
