"""Writing the receipts of a pass: for the matches that are taken, not for all that were found."""

import numpy as np

from matchmaker.engine.dial import Dial, mean_wait_s
from matchmaker.engine.fast import Lane
from matchmaker.engine.forming import Formed
from matchmaker.engine.found import Matches
from matchmaker.engine.quality import terms
from matchmaker.engine.reach import within_reach
from matchmaker.engine.receipt import IN_FORCE_MAX, Because, Receipt, bounded
from matchmaker.rules.members import Party
from matchmaker.rules.ruleset import RuleSet
from matchmaker.rules.said import in_force


class Receipts:
    """Of one pass over a pool that has not changed since."""

    def __init__(self, lane: Lane, made: Matches) -> None:
        self._lane = lane
        self._qualities = np.sort(made.qualities())
        self._version = lane.whole.version()

    def of(self, made: Formed) -> Receipt:
        """Of one of its matches."""
        lane, whole = self._lane, self._lane.whole
        parties = made.lineup.parties()
        age_s = _age_s(whole, parties, lane.now_s)
        waited_s, coming_per_s = self._waited_s(parties), self._coming_per_s(parties)
        higher = np.searchsorted(self._qualities, made.quality + 1e-9, side="right")
        return Receipt(
            rules=self._version,
            name=whole.name,
            quality=made.quality,
            terms=bounded(dict(terms(made.lineup, whole.at(age_s)))),
            age_s=round(age_s, 3),
            in_force=in_force(whole, age_s)[:IN_FORCE_MAX],
            waiting=len(lane.columns),
            candidates=self._candidates(parties, age_s),
            found=len(self._qualities),
            better=len(self._qualities) - int(higher),
            waited_s=round(waited_s, 3),
            bar_s=round(lane.dial.bar_s(made.quality), 3),
            coming_per_s=round(coming_per_s, 3),
            because=_because(lane.dial, waited_s, made.quality),
        )

    def _waited_s(self, parties: list[Party]) -> float:
        at_s = np.array([[party.at_s for party in parties]])
        sizes = np.array([[party.size() for party in parties]])
        return float(mean_wait_s(at_s, sizes, self._lane.now_s)[0])

    def _coming_per_s(self, parties: list[Party]) -> float:
        """Matches' worth of players of this kind: of those of whom the match had the choice."""
        lane = self._lane
        rows = [lane.columns.row(party.id) for party in parties]
        # Nobody was dealt in a pool that was searched exactly: there all had the choice of all.
        crowd = int(lane.crowd[rows].max()) or int(lane.columns.size.sum(dtype=np.int64))
        players = sum(party.size() for party in parties)
        return float(lane.coming_per_s(np.array([crowd]))[0]) / players

    def _candidates(self, parties: list[Party], age_s: float) -> int:
        columns, reached = self._lane.columns, self._lane.whole.reached_s(age_s)
        rows = [columns.row(party.id) for party in parties]
        oldest = min(rows, key=lambda row: int(self._lane.age[row]))
        return int(within_reach(columns, oldest, self._lane.rules(len(reached) - 1)).sum())


def _age_s(whole: RuleSet, parties: list[Party], now_s: float) -> float:
    ages_s = [max(0.0, now_s - party.at_s) for party in parties]
    return min(ages_s) if whole.algorithm.age == "newest" else max(ages_s)


def _because(dial: Dial, waited_s: float, quality: float) -> Because:
    if dial.wait_s <= 0:
        return "allowed"
    return "waited" if waited_s >= dial.bar_s(quality) - 1e-9 else "thin"
