"""From what a caller says of players to what their queue's rules will see of them."""

from collections.abc import Sequence
from typing import Any

from core.errors import Invalid
from core.ids import PlayerId
from matchmaker.api.shapes import Member
from matchmaker.rules.applicants import Unfit, applicant
from matchmaker.rules.ruleset import SIGMA, RuleSet
from matchmaker.settings import QueueSettings
from matchmaker.tickets import TicketPlayer

RATING, RATING_SIGMA = "rating", "rating" + SIGMA
"""Attributes of these names are filled from a player's rating and its uncertainty where they are
not given."""


def enlisted(
    members: Sequence[Member], settings: QueueSettings, *, trusted: bool
) -> tuple[TicketPlayer, ...]:
    """The players of a ticket; what only a trusted caller may say is left out otherwise.

    Raises:
        Invalid: under the queue's rule set this ticket could never be matched.
    """
    rules = settings.rules
    players = tuple(
        _under(rules, member, settings, trusted=trusted)
        if isinstance(rules, RuleSet)
        else TicketPlayer(PlayerId(member.id), _rating(member, settings, trusted=trusted))
        for member in members
    )
    if isinstance(rules, RuleSet):
        try:
            applicant("", players, 0, rules)
        except Unfit as reason:
            raise Invalid(str(reason), field="$.players") from reason
    return players


def _rating(member: Member, settings: QueueSettings, *, trusted: bool) -> float:
    if trusted and member.rating is not None:
        return member.rating
    return settings.default_rating


def _under(
    rules: RuleSet, member: Member, settings: QueueSettings, *, trusted: bool
) -> TicketPlayer:
    given = (member.attributes or {}) if trusted else {}
    attributes: dict[str, Any] = {
        name: value for name, value in given.items() if name in rules.attributes
    }
    rated = rules.attributes.get(RATING)
    if rated is not None and rated.type == "number" and RATING not in attributes:
        attributes[RATING] = _rating(member, settings, trusted=trusted)
    uncertain = rules.attributes.get(RATING_SIGMA)
    if trusted and member.rating_sigma is not None and uncertain is not None:
        attributes.setdefault(RATING_SIGMA, member.rating_sigma)
    return TicketPlayer(
        PlayerId(member.id),
        _headline(rules, attributes, _rating(member, settings, trusted=trusted)),
        attributes,
        member.latency_ms or {},
    )


def _headline(rules: RuleSet, attributes: dict[str, Any], rating: float) -> float:
    """The one number by which people see how strong a player is."""
    numbers = [one.name for one in rules.attributes.values() if one.type == "number"]
    for name in (RATING, rules.algorithm.balanced_attribute, *numbers):
        value = attributes.get(name)
        if isinstance(value, int | float):
            return float(value)
    return rating
