"""New rules for a share of a queue's tickets, chosen by a hash that anybody can compute again."""

import hashlib
from dataclasses import dataclass

from core.errors import Invalid
from matchmaker.rules.ruleset import RuleSet

PARTS = 10_000
"""A percentage counts to the hundredth."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """A rule set on its way in."""

    rules: RuleSet
    percent: float
    """Of the tickets; the others go by the queue's own rules."""

    mercy_s: float = 60.0
    """Who has waited for so long among the chosen goes by the queue's own rules after all."""

    def __post_init__(self) -> None:
        if not 0 <= self.percent <= 100:
            raise Invalid(f"{self.percent:g} is outside 0-100", field="$.percent")
        if not 0 < self.mercy_s <= 3600:
            raise Invalid(f"{self.mercy_s:g} is outside 0-3600 seconds", field="$.mercy_s")

    def chooses(self, ticket: str) -> bool:
        """Whether a ticket goes by the new rules; the same for the same ticket and rules.

        The rules' version is hashed too, so that not always the same tickets are chosen.
        """
        said = hashlib.blake2b(f"{self.rules.version()} {ticket}".encode(), digest_size=8)
        return int.from_bytes(said.digest()) % PARTS < round(self.percent * PARTS / 100)
