"""Matches under a rule set: around the longest waiting party, the fullest match there is.

``Former.form`` is a pure function of who waits and what time it is; what it keeps between
calls only saves work. For each anchor, the longest waiting first, team sizes are tried
from the fullest down, and for each of them parties are seated one by one, with a step back
wherever a rule could not be met any more. Only the finished match is judged in the end,
by the rules as they stand for its age. Each anchor has a bounded number of steps, so that
no ticket stops the others.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from matchmaker.engine.large import enough, fill_large
from matchmaker.engine.order import by_age, tried_first
from matchmaker.engine.quality import quality
from matchmaker.engine.reseat import reseat
from matchmaker.engine.seating import STEPS_MAX, Age, Attempt, Seating, seat
from matchmaker.engine.shapes import Shape, shapes
from matchmaker.rules.guards import guards
from matchmaker.rules.hopeless import hopeless
from matchmaker.rules.judge import meets_all
from matchmaker.rules.members import Lineup, Party
from matchmaker.rules.ruleset import ROUNDING_S, RuleSet

CANDIDATES_MAX = 64
"""Parties tried around one anchor. Overload sheds quality here, never tickets."""

UNBOUNDED = 1 << 62
"""Steps, where only each anchor has a bound."""


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


class Former:
    """Forms the matches of one queue."""

    def __init__(self, whole: RuleSet) -> None:
        self._whole = whole
        self._reached: dict[str, int] = {}
        """How many ages each party had reached when it was looked at last."""

        self._failed: set[str] = set()
        """Anchors without a match among those who were looked at last."""

        self._apart: dict[tuple[float, str, str], bool] = {}
        self._steps_left = UNBOUNDED

    def form(
        self,
        waiting: Iterable[Party],
        now_s: float,
        *,
        most: int | None = None,
        steps: int = UNBOUNDED,
    ) -> list[Formed]:
        """Matches without a common party, those of the longest waiting first.

        ``most``: matches. ``steps``: parties seated for all anchors together; anchors for
        whom none are left are looked at next time.
        """
        left = by_age(waiting)
        self._steps_left = steps
        reached = {party.id: len(self._whole.reached_s(now_s - party.at_s)) for party in left}
        # Who leaves makes no match possible; who comes, or reaches another age, may.
        news = [one for one in left if self._reached.get(one.id) != reached[one.id]]
        self._failed -= {party.id for party in news}
        formed: list[Formed] = []
        at, players = 0, sum(party.size() for party in left)
        if self._whole.large() and not self._enough(left, now_s):
            at = len(left)
        while at < len(left) and players >= self._least(left[at], now_s):
            if len(formed) == most or self._steps_left <= 0:
                break
            # Who could not be the anchor of a match is in none of a younger anchor.
            anchor, others = left[at], left[at + 1 :]
            made = None
            if anchor.id not in self._failed:
                made = self._around(anchor, others, now_s)
            elif concerned := self._concerning(anchor, news, now_s):
                # There was no match before: one that there is now has somebody new in it.
                only = concerned[0] if len(concerned) == 1 else None
                made = self._around(anchor, others, now_s, only)
            if made is None:
                self._failed.add(anchor.id)
                players -= anchor.size()
                at += 1
                continue
            formed.append(made)
            gone = {party.id for party in made.lineup.parties()}
            players -= made.lineup.players()
            left = left[:at] + [party for party in left[at:] if party.id not in gone]
        else:
            # The anchors that were not reached have too few around them, until somebody comes.
            self._failed |= {party.id for party in left}
        self._reached = {party.id: reached[party.id] for party in left}
        self._forget({party.id for party in left})
        return formed

    def around(
        self, anchor: Party, others: Iterable[Party], now_s: float, *, steps: int
    ) -> Formed | None:
        """The fullest match of this party with some of these, within so many steps."""
        self._steps_left = steps
        return self._around(anchor, list(others), now_s)

    def _enough(self, parties: list[Party], now_s: float) -> bool:
        """Whether there are players enough for a large match at any age they have reached."""
        oldest_s = max((now_s - party.at_s for party in parties), default=0.0)
        newest = self._whole.algorithm.age == "newest"
        return any(
            enough(
                [one for one in parties if not newest or now_s - one.at_s >= wait_s - ROUNDING_S],
                self._whole.at(wait_s),
            )
            for wait_s in self._whole.reached_s(oldest_s)
        )

    def _least(self, anchor: Party, now_s: float) -> int:
        """Players of the smallest match that this anchor may have."""
        reached = self._whole.reached_s(now_s - anchor.at_s)
        return min(
            sum(team.min_players for team in self._whole.at(wait_s).teams) for wait_s in reached
        )

    def _concerning(self, anchor: Party, news: Iterable[Party], now_s: float) -> list[Party]:
        """Those of the news who could be in a match with this anchor."""
        reached = self._whole.reached_s(now_s - anchor.at_s)
        return [
            party
            for party in news
            if party.at_s >= anchor.at_s and party.id != anchor.id
            if not all(
                self._are_apart(wait_s, self._whole.at(wait_s), anchor, party) for wait_s in reached
            )
        ]

    def never(self, party: Party) -> str:
        """Why no team would ever take this party, whoever else comes; empty when one would."""
        for age_s in self._whole.ages_s():
            if self._teams_for(party, self._whole.at(age_s)):
                return ""
        last = self._whole.at(self._whole.ages_s()[-1])
        lineup = Lineup.empty(last.teams)
        lineup.seated[last.teams[0].name].append(party)
        known = {rule.name: rule for rule in last.rules}
        names = [rule.name for rule in last.judged() if hopeless(rule, lineup, known)]
        told = " and ".join(repr(name) for name in names) or "the rules"
        return f"{told} never let it into any team, however long it waits"

    def _around(
        self, anchor: Party, others: list[Party], now_s: float, only: Party | None = None
    ) -> Formed | None:
        """The fullest match of an anchor with some others; ``only`` one that has this party."""
        whole, age_s = self._whole, now_s - anchor.at_s
        reached = whole.reached_s(age_s)
        if whole.algorithm.age == "oldest":
            reached = reached[-1:]
        tries: list[tuple[RuleSet, list[Party]]] = []
        for wait_s in reached:
            rules = whole.at(wait_s)
            old_enough = whole.algorithm.age == "oldest" or wait_s == 0.0
            near = [
                party
                for party in others
                if (old_enough or now_s - party.at_s >= wait_s - ROUNDING_S)
                and not self._are_apart(wait_s, rules, anchor, party)
            ]
            if only is None or only in near or whole.large():
                tries.append((rules, near))
        fixed = [anchor] if only is None else [anchor, only]
        return self._fullest(fixed, tries, Age(whole, now_s))

    def _fullest(
        self, fixed: list[Party], tries: list[tuple[RuleSet, list[Party]]], age: Age
    ) -> Formed | None:
        anchor = fixed[0]
        if self._whole.large():
            return self._fullest_large(anchor, tries, age)
        attempt = Attempt(steps_max=min(STEPS_MAX, self._steps_left))
        wanted: list[tuple[int, int, Shape]] = []
        for n, (rules, near) in enumerate(tries):
            there = anchor.size() + sum(party.size() for party in near)
            wanted += [(-sum(shape), n, shape) for shape in shapes(rules, there)]
        wanted.sort(key=lambda one: one[:2])  # stable: the evenest of a size stay first
        found = self._seated(fixed, tries, wanted, age, attempt)
        self._steps_left -= attempt.steps
        return found

    @staticmethod
    def _seated(
        fixed: list[Party],
        tries: list[tuple[RuleSet, list[Party]]],
        wanted: list[tuple[int, int, Shape]],
        age: Age,
        attempt: Attempt,
    ) -> Formed | None:
        ordered: dict[int, list[Party]] = {}
        for _, n, shape in wanted:
            rules, near = tries[n]
            if n not in ordered:
                free = [party for party in near if party not in fixed]
                ordered[n] = [*fixed, *tried_first(fixed[0], free, rules)[:CANDIDATES_MAX]]
            seating = Seating(rules, shape, ordered[n], age, attempt, len(fixed))
            lineup = seat(seating, 0)
            if lineup is not None:
                return _finished(lineup, age)
            if attempt.steps >= attempt.steps_max:
                return None
        return None

    def _fullest_large(
        self, anchor: Party, tries: list[tuple[RuleSet, list[Party]]], age: Age
    ) -> Formed | None:
        best: Lineup | None = None
        for rules, near in tries:
            if not enough([anchor, *near], rules, within=anchor):
                continue
            lineup = fill_large(anchor, tried_first(anchor, near, rules), rules)
            if lineup is None or not meets_all(lineup, age.rules(lineup.parties())):
                continue
            if best is None or lineup.players() > best.players():
                best = lineup
        return None if best is None else Formed(best, quality(best, age.rules(best.parties())))

    def _teams_for(self, party: Party, rules: RuleSet) -> list[str]:
        """Teams that this party alone could be in."""
        alone = guards(rules).alone
        return [
            team.name
            for team in rules.teams
            if party.size() <= team.max_players and alone(party, team)
        ]

    def _are_apart(self, wait_s: float, rules: RuleSet, one: Party, other: Party) -> bool:
        """Whether no match at all could have both."""
        key = (wait_s, one.id, other.id)
        if key not in self._apart:
            self._apart[key] = not self._go_together(rules, one, other)
        return self._apart[key]

    def _go_together(self, rules: RuleSet, one: Party, other: Party) -> bool:
        watched = guards(rules)
        for first in rules.teams:
            if one.size() > first.max_players or not watched.alone(one, first):
                continue
            for second in rules.teams:
                there = other.size() + (one.size() if first is second else 0)
                if there <= second.max_players and watched.together(one, first, other, second):
                    return True
        return False

    def _forget(self, waiting: set[str]) -> None:
        self._failed &= waiting
        self._apart = {
            key: apart
            for key, apart in self._apart.items()
            if key[1] in waiting and key[2] in waiting
        }


def _finished(lineup: Lineup, age: Age) -> Formed:
    """The same people in the best teams that still meet the rules."""
    rules = age.rules(lineup.parties())

    def cost(one: Lineup) -> float:
        return 1.0 - quality(one, rules) if meets_all(one, rules) else 2.0

    best, _ = reseat(lineup, cost)
    return Formed(best, quality(best, rules))
