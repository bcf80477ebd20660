"""Tickets as they are written for a rule set: read, filled with defaults, or turned away."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from core.errors import Invalid
from matchmaker.rules.attributes import plain
from matchmaker.rules.members import Party, Player
from matchmaker.rules.reading import shown
from matchmaker.rules.ruleset import PARTY_SIZE, Latency, RuleSet
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
    refuse_malformed(players)
    _fits(len(players), whole)
    known = {PARTY_SIZE: len(players)}
    return Party(ticket, tuple(_player(one, known, whole) for one in players), at_s)


def applicant(
    ticket: str,
    members: Sequence[TicketPlayer],
    enqueued_ms: int,
    whole: RuleSet,
    avoids: Collection[str] = (),
) -> Party:
    """A ticket of a queue as the engine takes it. ``avoids``: see ``Party``.

    Raises:
        Unfit, Invalid: see ``party``.
    """
    players: list[Mapping[str, Any]] = [
        {"id": one.id, "attributes": one.attributes, "latency_ms": one.latency_ms}
        for one in members
    ]
    made = party(ticket, players, enqueued_ms / 1000.0, whole)
    return replace(made, avoids=frozenset(avoids)) if avoids else made


def _fits(size: int, whole: RuleSet) -> None:
    most = whole.party_max()
    if size > most:
        raise Unfit(f"its {size} players stay together, and no team takes more than {most}")


def refuse_malformed(players: Sequence[object]) -> None:
    """Refuse players that no rule set could read.

    Raises:
        Invalid: ``field`` names the place.
    """
    for n, one in enumerate(players):
        place = f"$.players[{n}]"
        if not isinstance(one, Mapping):
            raise Invalid(f"is {shown(one)}; write an object", field=place)
        name, given = one.get("id"), one.get("attributes")
        if not isinstance(name, str) or not name:
            told = "is missing" if name is None else f"is {shown(name)}"
            raise Invalid(f"{told}; write a text", field=f"{place}.id")
        if given is not None and not isinstance(given, Mapping):
            raise Invalid(f"is {shown(given)}; write an object", field=f"{place}.attributes")
        _refuse_latencies(one.get("latency_ms"), f"{place}.latency_ms")


def _refuse_latencies(given: object, place: str) -> None:
    if given is None:
        return
    if not isinstance(given, Mapping):
        cure = "write an object of milliseconds by region"
        raise Invalid(f"is {shown(given)}; {cure}", field=place)
    for region, value in given.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
            raise Invalid(
                f"is {shown(value)}; write a number of milliseconds", field=f"{place}.{region}"
            )


def _player(one: Mapping[str, Any], known: Mapping[str, Any], whole: RuleSet) -> Player:
    name, given = one["id"], {**known, **(one.get("attributes") or {})}
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
    latency_ms = dict(one.get("latency_ms") or {})
    if not latency_ms and any(isinstance(rule, Latency) for rule in whole.judged()):
        raise Unfit(f"player {name!r} reports no latency, and a rule is about it")
    return Player(name, attributes, latency_ms)
