"""The engine as a tool uses it that has the time: to the end wherever that can be reached.

Everybody is searched around exactly. Where a crowd is too large or too hard for that, the
engine of the director looks over its columns at those who are left, now and then.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from matchmaker.engine.forming import Formed, Former
from matchmaker.rules.members import Party
from matchmaker.rules.ruleset import RuleSet

if TYPE_CHECKING:
    from matchmaker.engine.engine import Engine

STEPS = 30_000
"""Parties seated in all exact searches of a run: about a second."""

STEPS_LEAST = 40
"""Parties seated in one look once those are used up."""

LOOKS_BETWEEN = 32
"""Looks after which the engine is asked again, at least; and a quarter of those who wait."""


class Search:
    """Looks at one queue, from its first ticket to its last."""

    def __init__(self, whole: RuleSet, seed: int) -> None:
        self._whole, self._seed = whole, seed
        self._former = Former(whole)
        self._steps_left = STEPS
        self._engine: Engine | None = None
        self._held: list[str] = []
        self._looks = 0
        """Since the engine was asked last."""

    def never(self, party: Party) -> str:
        """Why no team would ever take this party, whoever else comes; empty when one would."""
        return self._former.never(party)

    def matches(self, waiting: Mapping[str, Party], now_s: float, *, last: bool) -> list[Formed]:
        """The matches of this instant. ``last``: nothing happens after it."""
        allowed = max(STEPS_LEAST, self._steps_left)
        made = self._former.form(waiting.values(), now_s, steps=allowed)
        self._steps_left -= self._former.steps()
        self._looks += 1
        due = last or self._looks >= max(LOOKS_BETWEEN, len(waiting) / 4)
        if self._former.settled() or not due:
            return made
        self._looks = 0
        gone = {party.id for one in made for party in one.lineup.parties()}
        left = {ticket: party for ticket, party in waiting.items() if ticket not in gone}
        return [*made, *self._over_columns(left, now_s)]

    def _over_columns(self, waiting: Mapping[str, Party], now_s: float) -> Sequence[Formed]:
        # numpy takes longer to import than a small file takes to be matched.
        from matchmaker.engine.engine import Engine

        if self._engine is None:
            self._engine = Engine(self._whole)
        for ticket in self._held:
            if ticket not in waiting:
                self._engine.remove(ticket)
        for ticket, party in waiting.items():
            if ticket not in self._engine:
                self._engine.add(party)
        self._held = list(waiting)
        return list(self._engine.pass_(now_s, seed=self._seed))
