"""Parties that are kept apart, pair by pair, while both of them wait.

Somebody avoids a player, or has just met one: that is known of parties, and asked of whole
batches of matches. Pairs are kept up as parties come and go, and only of those who wait, so
that a pass asks about so many pairs and not about so many lists.
"""

from collections import defaultdict
from typing import Final

import numpy as np

from matchmaker.engine.batch import Batch
from matchmaker.engine.columns import Columns, Mask, Rows
from matchmaker.rules.members import Party

FIRST_PAIRS: Final = 64
"""Pairs for which there is room at first; it doubles when there are more."""


class Apart:
    """The pairs of one pool. Costs nothing before the first party avoids somebody."""

    def __init__(self, columns: Columns) -> None:
        """``columns``: who waits. A party is added here after it was there, and removed before."""
        self._columns = columns
        self._begun = False
        self._where: dict[str, str] = {}
        """Player to the ticket that they wait with."""

        self._avoided_by: defaultdict[str, set[str]] = defaultdict(set)
        """Player to the tickets that do not meet them."""

        self._from: defaultdict[str, dict[str, int]] = defaultdict(dict)
        """Ticket to the tickets that it is kept from, both ways, with the place of the pair."""

        self._pairs: Rows = np.full((2, FIRST_PAIRS), -1)
        self._free = list(range(FIRST_PAIRS - 1, -1, -1))
        if any(party.avoids for party in columns):
            self._begin()

    def add(self, party: Party) -> None:
        """A party waits now, beside those who did already."""
        if self._begun:
            self._note(party)
        elif party.avoids:
            self._begin()

    def remove(self, party: Party) -> None:
        """A party waits no more."""
        for player in party.players:
            self._where.pop(player.id, None)
        for name in party.avoids:
            self._avoided_by[name].discard(party.id)
            if not self._avoided_by[name]:
                del self._avoided_by[name]
        for other, place in self._from.pop(party.id, {}).items():
            self._pairs[:, place] = -1
            self._free.append(place)
            del self._from[other][party.id]
            if not self._from[other]:
                del self._from[other]

    def pairs(self) -> Rows:
        """Rows of those who are kept apart: two lines, a pair a column."""
        held: Rows = self._pairs[:, self._pairs[0] >= 0]
        return held

    def _begin(self) -> None:
        self._begun = True
        for party in self._columns:
            self._note(party)

    def _note(self, party: Party) -> None:
        for player in party.players:
            self._where[player.id] = party.id
        others = {self._where[name] for name in party.avoids if name in self._where}
        for player in party.players:
            others |= self._avoided_by.get(player.id, set())
        for name in party.avoids:
            self._avoided_by[name].add(party.id)
        for other in others - {party.id}:
            self._pair(party.id, other)

    def _pair(self, ticket: str, other: str) -> None:
        if not self._free:
            places = self._pairs.shape[1]
            self._pairs = np.concatenate([self._pairs, np.full((2, places), -1)], axis=1)
            self._free = list(range(2 * places - 1, places - 1, -1))
        place = self._free.pop()
        self._pairs[:, place] = self._columns.row(ticket), self._columns.row(other)
        self._from[ticket][other] = self._from[other][ticket] = place


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
