"""A rule set tried without a service: tickets come and go in virtual time, matches are made.

The engine is the director's own, with nothing held back for a better match: each match is
made at the first instant that the rules allow it. Those instants are when tickets arrive
and when expansions take effect for one, so nothing is missed between them.
"""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from core.errors import Invalid
from matchmaker.arrivals import Arrival
from matchmaker.engine.thorough import Search
from matchmaker.rules.applicants import Unfit, party
from matchmaker.rules.members import Party
from matchmaker.rules.ruleset import RuleSet


@dataclass(frozen=True, slots=True)
class Made:
    """A match, and when it was made."""

    time_s: float
    teams: dict[str, list[str]]
    """Tickets by team."""

    quality: float


@dataclass(slots=True)
class Outcome:
    """What became of everybody."""

    matches: list[Made] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    rejected: dict[str, str] = field(default_factory=dict)
    """Ticket to reason."""


def run(
    whole: RuleSet, arrivals: Iterable[Arrival], *, until_s: float | None = None, seed: int = 1
) -> Outcome:
    """Let everybody arrive, wait and be matched, up to and including ``until_s``.

    Without it, until nothing can happen any more. Tickets of one instant arrive together,
    before anybody is matched. ``seed``: decides where a crowd is too large to be searched
    to the end.

    Raises:
        Invalid: two tickets have one id, or one is malformed; ``field`` names it.
    """
    outcome, search = Outcome(), Search(whole, seed)
    coming = sorted(arrivals, key=lambda one: one.at_s)
    _refuse_doubles(coming)
    leaving = {one.id: one.cancel_at_s for one in coming if one.cancel_at_s is not None}
    waiting: dict[str, Party] = {}
    instants = _Instants(whole, coming)
    n = 0
    while (now_s := instants.next()) is not None and (until_s is None or now_s <= until_s):
        while n < len(coming) and coming[n].at_s <= now_s:
            _arrive(coming[n], waiting, search, whole, outcome)
            n += 1
        for ticket in [one for one in waiting if leaving.get(one, now_s + 1) <= now_s]:
            del waiting[ticket]
        for made in search.matches(waiting, now_s, last=instants.over(until_s)):
            outcome.matches.append(Made(now_s, made.teams(), made.quality))
            for gone in made.lineup.parties():
                del waiting[gone.id]
    outcome.waiting = list(waiting)
    return outcome


def _arrive(
    one: Arrival, waiting: dict[str, Party], search: Search, whole: RuleSet, outcome: Outcome
) -> None:
    try:
        came = party(one.id, list(one.players), one.at_s, whole)
        if why := search.never(came):
            raise Unfit(why)
    except Unfit as reason:
        outcome.rejected[one.id] = str(reason)
    else:
        waiting[one.id] = came


def _refuse_doubles(coming: Sequence[Arrival]) -> None:
    seen: set[str] = set()
    for one in coming:
        if one.id in seen:
            raise Invalid(f"two tickets have the id {one.id!r}", field="$.id")
        seen.add(one.id)


class _Instants:
    """When something may happen, in order, each once: arrivals, ages reached, cancellations."""

    def __init__(self, whole: RuleSet, coming: Sequence[Arrival]) -> None:
        self._heap = [one.at_s + wait_s for one in coming for wait_s in whole.ages_s()]
        self._heap += [one.cancel_at_s for one in coming if one.cancel_at_s is not None]
        heapq.heapify(self._heap)
        self._last: float | None = None

    def over(self, until_s: float | None) -> bool:
        """Whether nothing happens any more after the instant that was given last."""
        while self._heap and self._heap[0] == self._last:
            heapq.heappop(self._heap)
        return not self._heap or (until_s is not None and self._heap[0] > until_s)

    def next(self) -> float | None:
        while self._heap:
            at_s = heapq.heappop(self._heap)
            if at_s != self._last:
                self._last = at_s
                return at_s
        return None
