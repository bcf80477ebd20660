"""Parties that are kept apart, pair by pair, while both of them wait.

Somebody avoids a player, or has just met one: that is known of parties, and asked of whole
batches of matches. Pairs are kept up as parties come and go, and only of those who wait, so
that a pass asks about so many pairs and not about so many lists.
"""

from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from matchmaker.engine.batch import Batch
from matchmaker.engine.columns import Columns, Mask, Rows
from matchmaker.rules.members import Party


class Apart:
    """The pairs of one pool. Costs nothing before the first party avoids somebody."""

    def __init__(self) -> None:
        self._begun = False
        self._where: dict[str, str] = {}
        """Player to the ticket that they wait with."""

        self._avoided_by: defaultdict[str, set[str]] = defaultdict(set)
        """Player to the tickets that do not meet them."""

        self._from: dict[str, set[str]] = {}
        """Ticket to the tickets that it is kept from; both ways."""

    def add(self, party: Party, there: Iterable[Party]) -> None:
        """A party waits now, beside those who did already. It is no party of theirs."""
        if not self._begun:
            if not party.avoids:
                return
            self._begun = True
            for one in there:
                self._note(one)
        self._note(party)

    def remove(self, party: Party) -> None:
        """A party waits no more."""
        for player in party.players:
            self._where.pop(player.id, None)
        for name in party.avoids:
            self._avoided_by[name].discard(party.id)
            if not self._avoided_by[name]:
                del self._avoided_by[name]
        for other in self._from.pop(party.id, ()):
            self._from[other].discard(party.id)
            if not self._from[other]:
                del self._from[other]

    def pairs(self, columns: Columns) -> Rows:
        """Rows of those who are kept apart: two lines, a pair a column."""
        found = [
            (columns.row(ticket), columns.row(other))
            for ticket, others in self._from.items()
            for other in others
            if ticket < other
        ]
        return np.array(found, np.int64).reshape(-1, 2).T

    def _note(self, party: Party) -> None:
        for player in party.players:
            self._where[player.id] = party.id
        others = {self._where[name] for name in party.avoids if name in self._where}
        for player in party.players:
            others |= self._avoided_by.get(player.id, set())
        for name in party.avoids:
            self._avoided_by[name].add(party.id)
        for other in others - {party.id}:
            self._from.setdefault(party.id, set()).add(other)
            self._from.setdefault(other, set()).add(party.id)


def without_pairs(batch: Batch, pairs: Rows) -> Mask:
    """Which matches have nobody together who is kept apart. A row is in one match at most."""
    kept = np.ones(len(batch), np.bool_)
    if pairs.size and len(batch):
        match_of = np.full(len(batch.columns.size), -1)
        there = batch.there()
        match_of[batch.rows[there]] = np.nonzero(there)[0]
        first, second = match_of[pairs]
        kept[first[(first == second) & (first >= 0)]] = False
    return kept
