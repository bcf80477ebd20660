"""The search around one party: the fullest match that it can be in with some others.

Team sizes are tried from the fullest down, and for each of them parties are seated one by
one, with a step back wherever a rule could not be met any more. Only the finished match is
judged in the end, by the rules as they stand for its age. Every size has steps of its own,
so that a hopeless full match does not use up those of a smaller one; all together are
bounded, so that no ticket stops the others.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matchmaker.engine.gathering import Gathering
from matchmaker.engine.order import tried_first
from matchmaker.engine.quality import quality
from matchmaker.engine.reseat import reseat
from matchmaker.engine.seating import Age, Attempt, Seats
from matchmaker.engine.shapes import Shape, shapes
from matchmaker.rules.guards import guards
from matchmaker.rules.judge import meets_all
from matchmaker.rules.members import Lineup, Party
from matchmaker.rules.ruleset import ROUNDING_S, RuleSet

CANDIDATES_MAX = 64
"""Parties tried around one, besides those who bring what teams need."""

BRINGERS_MAX = 16
"""Of each thing that teams need, parties who bring it and are tried in any case."""

STEPS_MAX = 4000
"""Parties seated around one before it waits for the next pass."""

STEPS_OF_SIZE = 40
"""Of those at least so many for each of the team sizes."""

UNBOUNDED = 1 << 62
"""Steps, where only each search has a bound."""

Try = tuple[RuleSet, list[Party]]
"""Rules of one age, and who could be in a match under them."""


@dataclass(frozen=True, slots=True)
class Formed:
    """A match that can be made."""

    lineup: Lineup
    quality: float
    """0 to 1; 1 is best."""

    def teams(self) -> dict[str, list[str]]:
        """Tickets by team."""
        return {
            team.name: [party.id for party in self.lineup.seated[team.name]]
            for team in self.lineup.order
        }


class Around:
    """Searches for one queue. What it keeps between them only saves work."""

    def __init__(self, whole: RuleSet) -> None:
        self._whole = whole
        self._apart: dict[str, dict[tuple[float, str], bool]] = {}
        """By party: at an age, from whom no match could have it too."""

        self.steps_left = UNBOUNDED
        """Parties that may still be seated, in all searches together."""

        self.cut = False
        """Whether the last search ended before it had looked at everything."""

    def anchor(
        self, anchor: Party, younger: Iterable[Party], now_s: float, only: Party | None = None
    ) -> Formed | None:
        """The fullest match of an anchor and some who came later.

        ``only``: one that has this party too.
        """
        tries = self._tries(anchor, younger, now_s)
        if only is not None:
            tries = [(rules, near) for rules, near in tries if only in near]
        return self._fullest([anchor] if only is None else [anchor, only], tries, now_s)

    def anybody(self, party: Party, others: Sequence[Party], now_s: float) -> Formed | None:
        """The fullest match of a party and some others, whoever came first."""
        return self._fullest([party], self._tries_of_any(party, others, now_s), now_s)

    def _tries(self, anchor: Party, younger: Iterable[Party], now_s: float) -> list[Try]:
        oldest = self._whole.algorithm.age == "oldest"
        tries = []
        for wait_s in self._whole.reached_s(now_s - anchor.at_s)[-1 if oldest else 0 :]:
            near = [
                party
                for party in younger
                if (oldest or wait_s == 0.0 or now_s - party.at_s >= wait_s - ROUNDING_S)
                and not self._are_apart(wait_s, anchor, party)
            ]
            tries.append((self._whole.at(wait_s), near))
        return tries

    def _tries_of_any(self, party: Party, others: Sequence[Party], now_s: float) -> list[Try]:
        own_s = self._whole.reached_s(now_s - party.at_s)
        if self._whole.algorithm.age == "newest":
            return self._tries(party, others, now_s)
        reached = {one.id: self._whole.reached_s(now_s - one.at_s)[-1] for one in others}
        last_s = max((own_s[-1], *reached.values()))
        tries: list[Try] = []
        for wait_s in self._whole.ages_s():
            if own_s[-1] <= wait_s <= last_s:
                near = [
                    one
                    for one in others
                    if reached[one.id] <= wait_s and not self._are_apart(wait_s, party, one)
                ]
                tries.append((self._whole.at(wait_s), near))
        return tries

    def could_meet(self, anchor: Party, party: Party, now_s: float) -> bool:
        """Whether some match could have both, by the rules about two."""
        return not all(
            self._are_apart(wait_s, anchor, party)
            for wait_s in self._whole.reached_s(now_s - anchor.at_s)
        )

    def forget(self, waiting: set[str]) -> None:
        """Only these wait still."""
        self._apart = {one: row for one, row in self._apart.items() if one in waiting}
        for one, row in self._apart.items():
            if len(row) > 4 * len(waiting) + CANDIDATES_MAX:
                self._apart[one] = {key: was for key, was in row.items() if key[1] in waiting}

    def _fullest(self, fixed: list[Party], tries: list[Try], now_s: float) -> Formed | None:
        self.cut = False
        age = Age(self._whole, now_s)
        wanted: list[tuple[int, int, Shape]] = []
        for n, (rules, near) in enumerate(tries):
            there = fixed[0].size() + sum(party.size() for party in near)
            wanted += [(-sum(shape), n, shape) for shape in shapes(rules, there)]
        wanted.sort(key=lambda one: one[:2])  # stable: the evenest of a size stay first
        attempt = Attempt()
        found = self._seated(fixed, tries, wanted, age, attempt)
        self.steps_left -= attempt.steps
        self.cut = attempt.cut and found is None
        return found

    def _seated(
        self,
        fixed: list[Party],
        tries: list[Try],
        wanted: list[tuple[int, int, Shape]],
        age: Age,
        attempt: Attempt,
    ) -> Formed | None:
        least = max(STEPS_OF_SIZE, STEPS_MAX // max(1, len(wanted)))
        candidates: dict[int, list[Party]] = {}
        for at, (_, n, shape) in enumerate(wanted):
            rules, near = tries[n]
            if n not in candidates:
                free = [party for party in near if party not in fixed]
                candidates[n] = [*fixed, *_candidates(fixed[0], free, rules, attempt)]
            left, last = STEPS_MAX - attempt.steps, at == len(wanted) - 1
            share = max(least, left if last else left // 2)
            attempt.allow(min(share, self.steps_left - attempt.steps))
            seats = Seats(rules, shape, attempt)
            lineup = Gathering(seats, candidates[n], age, len(fixed)).match()
            if lineup is not None:
                return _finished(lineup, age)
            if attempt.steps >= self.steps_left:
                return None
        return None

    def _are_apart(self, wait_s: float, one: Party, other: Party) -> bool:
        """Whether no match at all could have both under the rules of this age."""
        row = self._apart.setdefault(one.id, {})
        key = (wait_s, other.id)
        if key not in row:
            row[key] = not guards(self._whole.at(wait_s)).together(one, other)
        return row[key]


def _candidates(centre: Party, free: list[Party], rules: RuleSet, attempt: Attempt) -> list[Party]:
    """Whom to try, in their order; of too many, also later ones who bring what teams need."""
    ordered = tried_first(centre, free, rules)
    if len(ordered) <= CANDIDATES_MAX:
        return ordered
    attempt.cut = True
    kept = set(range(CANDIDATES_MAX))
    for quota in guards(rules).quotas:
        bringers = [n for n, party in enumerate(ordered) if quota.guard.brings(party)]
        kept.update(bringers[:BRINGERS_MAX])
    return [ordered[n] for n in sorted(kept)]


def _finished(lineup: Lineup, age: Age) -> Formed:
    """The same people in the best teams that still meet the rules."""
    rules = age.rules(lineup.parties())

    def cost(one: Lineup) -> float:
        return 1.0 - quality(one, rules) if meets_all(one, rules) else 2.0

    best, _ = reseat(lineup, cost)
    return Formed(best, quality(best, rules))
