"""Waiting tickets as the parties that the rules look at, whatever rules a queue has."""

from core.errors import Invalid
from matchmaker.rules.applicants import Unfit, applicant
from matchmaker.rules.asked import Asked
from matchmaker.rules.members import Party, Player
from matchmaker.rules.ruleset import RuleSet
from matchmaker.rules.window import as_rule_set
from matchmaker.tickets import WaitingTicket


def whole_of(rules: Asked) -> RuleSet:
    """A queue's rules as a rule set, also where they are a rating window."""
    return rules if isinstance(rules, RuleSet) else as_rule_set(rules)


def as_party(ticket: WaitingTicket, whole: RuleSet, *, now_ms: int) -> Party | None:
    """A ticket for ``whole``; None when these rules can never take it."""
    avoids = ticket.avoids(now_ms)
    if ticket.members or "rating" not in whole.attributes:
        try:
            return applicant(ticket.id, ticket.each(), ticket.enqueued_ms, whole, avoids)
        except (Unfit, Invalid):  # of another version of the rules
            return None
    players = tuple(Player(str(one), {"rating": ticket.mmr}) for one in ticket.players)
    return Party(str(ticket.id), players, ticket.enqueued_ms / 1000.0, frozenset(avoids))
