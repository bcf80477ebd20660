"""The engine of a queue: who waits goes in, a pass tells which matches are made now.

A pass is a pure function of who waits, ``now_s`` and ``seed``; what is kept between passes
only saves work. A small pool is searched exactly, anchor by anchor; a large one by the fast
lane over columns, then exactly around a few of those who are left, the longest waiting
among them. For such a one a match of younger people may be given up: nobody is overtaken
for ever.
"""

import random
from collections.abc import Iterable, Iterator

import numpy as np

from matchmaker.engine.apart import Apart
from matchmaker.engine.columns import Mask, Rows
from matchmaker.engine.compiled import Compiled, columns_for
from matchmaker.engine.dial import NOW, Arrivals, Dial, Steadily, mean_wait_s
from matchmaker.engine.fast import Lane
from matchmaker.engine.forming import Formed, Former
from matchmaker.engine.found import Ledger, Matches
from matchmaker.engine.memory import Memory
from matchmaker.engine.reach import within_reach
from matchmaker.engine.receipt import Receipt
from matchmaker.engine.receipts import Receipts
from matchmaker.rules.members import Party
from matchmaker.rules.ruleset import RuleSet

SMALL = 48
"""Tickets of the largest pool that is searched exactly first."""

STEPS_MAX = 400
"""Parties seated exactly in one pass. Overload sheds quality here, never tickets."""

ANCHORS_OLDEST, ANCHORS_OTHER = 1, 1
"""Tickets of a large pool around which is searched exactly: the oldest, and some by chance."""

STEPS_OF_ANCHOR = 80
NEIGHBOURS = 24


class Engine:
    """Finds the matches of one queue, pass after pass. Called by one thread at a time."""

    def __init__(self, rules: RuleSet, dial: Dial = NOW) -> None:
        self._whole, self._dial = rules, dial
        self._pool = columns_for(rules)
        self._apart = Apart(self._pool)
        self._former = Former(rules)
        self._arrivals: Arrivals | Steadily = Arrivals()
        self._receipts: Receipts | None = None

    def __len__(self) -> int:
        return len(self._pool)

    def __contains__(self, ticket: object) -> bool:
        return ticket in self._pool

    def add(self, party: Party) -> None:
        """Let a party wait; one of the same id is replaced."""
        if party.id in self._pool:
            self._former.changed(party.id)
            self._apart.remove(self._pool.held(party.id))
        else:
            self._arrivals.note(party.at_s, party.size())
        self._pool.add(party)
        self._apart.add(party)

    def remove(self, ticket: str) -> None:
        """A ticket waits no more; one that did not is fine."""
        if ticket in self._pool:
            self._apart.remove(self._pool.held(ticket))
        self._pool.remove(ticket)

    def replace(self, parties: Iterable[Party]) -> None:
        """Exactly these wait."""
        self._pool, self._arrivals = columns_for(self._whole), Arrivals()
        self._apart = Apart(self._pool)
        for party in parties:
            self.add(party)

    def memory(self, now_s: float) -> Memory:
        """What the next pass depends on, besides who waits, the time and the seed."""
        pool, small = self._pool, len(self._pool) <= SMALL
        reached, failed = self._former.looked_at() if small else ({}, set())
        return Memory(
            players_per_s=self._arrivals.per_s(now_s),
            regions=tuple(pool.regions),
            texts=pool.texts(),
            reached={ticket: ages for ticket, ages in reached.items() if ticket in pool},
            failed=tuple(sorted(ticket for ticket in failed if ticket in pool)),
        )

    def recall(self, memory: Memory) -> None:
        """Have the next pass depend on this, and not on what was before."""
        pool = self._pool
        if (tuple(pool.regions), pool.texts()) != (memory.regions, dict(memory.texts)):
            self._pool = columns_for(self._whole)
            self._pool.know(memory.regions, memory.texts)
            for party in pool:
                self._pool.add(party)
            self._apart = Apart(self._pool)
        self._former.recall(memory.reached, memory.failed)
        self._arrivals = Steadily(memory.players_per_s)

    def never(self, party: Party) -> str:
        """Why no team would ever take this party, whoever else comes; empty when one would."""
        return self._former.never(party)

    def bytes_per_ticket(self) -> int:
        """Memory of the columns, without the party itself."""
        return self._pool.bytes_per_row()

    def pass_(self, now_s: float, *, seed: int = 0) -> Matches:
        """The matches that are made now. Nobody is removed: whoever takes a match does that."""
        players_per_s = self._arrivals.per_s(now_s)
        lane = Lane(self._pool, self._whole, now_s, self._dial, players_per_s, seed)
        lane.apart = self._apart.pairs()
        first: list[Formed] = []
        small = len(self._pool) <= SMALL
        if small:
            first = self._exact(lane)
        lane.run()
        ledger = Ledger(self._pool, lane.age, lane.taken)
        for made in first:
            ledger.add(made)
        if not small:
            self._reserve(lane, ledger, random.Random(seed))
        found = Matches(ledger, self._whole)
        self._receipts = Receipts(lane, found)
        return found

    def receipt(self, made: Formed) -> Receipt:
        """Of a match of the last pass, while those who wait are the same."""
        assert self._receipts is not None, "a match comes from a pass"
        return self._receipts.of(made)

    def _exact(self, lane: Lane) -> list[Formed]:
        """Everything that the exact lane finds in its steps, as far as the dial lets it."""
        waiting = [self._pool.party(row) for row in lane.waiting.tolist()]
        crowd = sum(party.size() for party in waiting)
        found = []
        for made in self._former.form(waiting, lane.now_s, steps=STEPS_MAX):
            if self._commits(made, lane, crowd):
                found.append(made)
                for party in made.lineup.parties():
                    lane.free[self._pool.row(party.id)] = False
        return found

    def _commits(self, made: Formed, lane: Lane, crowd: int) -> bool:
        parties = made.lineup.parties()
        at_s = np.array([[party.at_s for party in parties]])
        sizes = np.array([[party.size() for party in parties]])
        waited_s = mean_wait_s(at_s, sizes, lane.now_s)
        matches_per_s = lane.coming_per_s(np.array([crowd])) / made.lineup.players()
        return bool(self._dial.commits(waited_s, np.array([made.quality]), matches_per_s)[0])

    def _reserve(self, lane: Lane, ledger: Ledger, dice: random.Random) -> None:
        """Exact matches for some who are left, from whoever is free or came later."""
        left = lane.waiting[ledger.of[lane.waiting] < 0]
        for anchor in _anchors(left, dice):
            if ledger.of[anchor] >= 0:
                continue
            rules = lane.rules(int(lane.level[anchor]))
            near = _neighbours(lane, anchor, rules, ledger.younger(anchor))
            party = self._pool.party(anchor)
            others = [self._pool.party(row) for row in near.tolist()]
            former = Former(self._whole)
            made = former.around(party, others, lane.now_s, steps=STEPS_OF_ANCHOR)
            crowd = int(lane.crowd[anchor])
            if made is not None and self._commits(made, lane, crowd):
                ledger.add(made)


def _anchors(left: Rows, dice: random.Random) -> Iterator[int]:
    yield from left[:ANCHORS_OLDEST].tolist()
    others = left[ANCHORS_OLDEST:].tolist()
    yield from dice.sample(others, min(ANCHORS_OTHER, len(others)))


def _neighbours(lane: Lane, anchor: int, rules: Compiled, allowed: Mask) -> Rows:
    """Who could be in a match with this one, the nearest in skill and then the oldest first."""
    pool = lane.columns
    rows = np.flatnonzero(allowed & within_reach(pool, anchor, rules))
    value = pool.of[rules.sorted_by] if rules.sorted_by else np.zeros(len(pool.size))
    order = np.lexsort((lane.age[rows], np.abs(value[rows] - value[anchor])))[:NEIGHBOURS]
    nearest: Rows = rows[order]
    return nearest
