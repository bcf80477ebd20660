"""Matches under a rule set: around the longest waiting party, the fullest match there is.

``Former.form`` is a pure function of who waits and what time it is; what it keeps between
calls only saves work. Anchors are asked in turn, the longest waiting first. An anchor that
had no match is asked again only for the sake of somebody new, and only once a search around
that one has found that they could be in some match.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate

from matchmaker.engine.around import UNBOUNDED, Around, Formed
from matchmaker.engine.forming_large import around_large, form_large
from matchmaker.engine.order import by_age
from matchmaker.rules.guards import guards
from matchmaker.rules.hopeless import hopeless
from matchmaker.rules.members import Lineup, Party
from matchmaker.rules.ruleset import ROUNDING_S, RuleSet

__all__ = ["Formed", "Former"]


@dataclass(slots=True)
class _Look:
    """One look at who waits."""

    now_s: float
    left: list[Party]
    news: list[Party]
    """Who came, or reached another age, since the look before."""

    found: dict[str, Formed | None] = field(default_factory=dict)
    """By new party: the fullest match that it was in when it was first asked about."""

    def take(self, made: Formed) -> None:
        """Leave out those of a match."""
        gone = {party.id for party in made.lineup.parties()}
        self.left = [party for party in self.left if party.id not in gone]
        self.news = [party for party in self.news if party.id not in gone]

    def still_found(self) -> Formed | None:
        """A match whose parties all wait still, that of the longest waiting of the news."""
        there = {party.id for party in self.left}
        for party in self.news:
            made = self.found.get(party.id)
            if made is not None and all(one.id in there for one in made.lineup.parties()):
                return made
        return None


class Former:
    """Forms the matches of one queue."""

    def __init__(self, whole: RuleSet) -> None:
        self._whole = whole
        self._around = Around(whole)
        sizes = (sum(t.min_players for t in whole.at(age_s).teams) for age_s in whole.ages_s())
        self._smallest = tuple(accumulate(sizes, min))
        """By age: players of the smallest match that somebody may have."""

        self._reached: dict[str, int] = {}
        """How many ages each party had reached when it was looked at last."""

        self._failed: set[str] = set()
        """Anchors without a match among those who were looked at last."""

        self._unsettled: set[str] = set()
        """Parties around whom a search had to stop early."""

        self._steps = 0
        """That the last look was allowed."""

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
        self._steps = self._around.steps_left = steps
        reached = self._ages_reached(left, now_s)
        # Who leaves makes no match possible; who comes, or reaches another age, may.
        news = [one for one in left if self._reached.get(one.id) != reached[one.id]]
        self._failed -= {party.id for party in news}
        self._unsettled -= {party.id for party in news}
        look = _Look(now_s, left, news)
        formed = self._large(look, most) if self._whole.large() else self._formed(look, most)
        self._reached = {party.id: reached[party.id] for party in look.left}
        self._forget({party.id for party in look.left})
        return formed

    def around(
        self, anchor: Party, others: Iterable[Party], now_s: float, *, steps: int
    ) -> Formed | None:
        """The fullest match of this party with some of these, within so many steps."""
        if self._whole.large():
            return around_large(self._whole, [anchor], list(others), now_s)
        self._around.steps_left = steps
        return self._around.anchor(anchor, list(others), now_s)

    def looked_at(self) -> tuple[dict[str, int], set[str]]:
        """Whom it looked at last: how many ages each had reached, and around whom it failed."""
        return self._reached, self._failed

    def recall(self, reached: Mapping[str, int], failed: Iterable[str]) -> None:
        """Go on as if these had been looked at last."""
        self._reached, self._failed = dict(reached), set(failed)

    def changed(self, ticket: str) -> None:
        """A ticket is not what it was when it was looked at."""
        self._reached.pop(ticket, None)
        self._around = Around(self._whole)

    def settled(self) -> bool:
        """Whether the last look found every match there was: no search had to stop early."""
        return not self._unsettled

    def steps(self) -> int:
        """Parties that were seated in the last look."""
        return self._steps - self._around.steps_left

    def _ages_reached(self, left: list[Party], now_s: float) -> dict[str, int]:
        """By party: how many ages it has reached. ``left``: the longest waiting first."""
        reached = dict.fromkeys((party.id for party in left), 1)
        for n, wait_s in enumerate(self._whole.ages_s()[1:], start=2):
            old = bisect_right(left, -wait_s, key=lambda one: -(now_s - one.at_s + ROUNDING_S))
            reached |= dict.fromkeys((party.id for party in left[:old]), n)
        return reached

    def _large(self, look: _Look, most: int | None) -> list[Formed]:
        news = [party for party in look.left if party.id not in self._failed]
        formed = form_large(self._whole, look.left, news, look.now_s, most=most)
        for made in formed:
            look.take(made)
        if len(formed) != most:
            self._failed |= {party.id for party in look.left}
        return formed

    def _formed(self, look: _Look, most: int | None) -> list[Formed]:
        formed: list[Formed] = []
        at, players = 0, sum(party.size() for party in look.left)
        while at < len(look.left) and players >= self._least(look.left[at], look.now_s):
            if len(formed) == most:
                return formed
            if self._around.steps_left <= 0:
                self._unsettled |= {party.id for party in look.left[at:]} - self._failed
                made = look.still_found()
                if made is None:
                    return formed
            else:
                made = self._match_of(look.left[at], look.left[at + 1 :], look)
            if made is None:
                # Who could not be the anchor of a match is in none of a younger anchor.
                self._failed.add(look.left[at].id)
                players -= look.left[at].size()
                at += 1
                continue
            formed.append(made)
            players -= sum(p.size() for p in made.lineup.parties() if p in look.left[at:])
            at -= sum(p in look.left[:at] for p in made.lineup.parties())
            look.take(made)
        # The anchors that were not reached have too few around them, until somebody comes.
        self._failed |= {party.id for party in look.left}
        return formed

    def _match_of(self, anchor: Party, younger: list[Party], look: _Look) -> Formed | None:
        only = None
        if anchor.id in self._failed:
            # There was no match before: one that there is now has somebody new in it.
            concerned = [
                party
                for party in look.news
                if party.at_s >= anchor.at_s and party.id != anchor.id
                if self._around.could_meet(anchor, party, look.now_s)
                if self._is_hopeful(party, look)
            ]
            if not concerned:
                return None
            only = concerned[0] if len(concerned) == 1 else None
        made = self._around.anchor(anchor, younger, look.now_s, only)
        if made is None and self._around.cut:
            self._unsettled.add(anchor.id)
        return made

    def _is_hopeful(self, party: Party, look: _Look) -> bool:
        """Whether somebody new could be in a match at all, as far as a search tells."""
        others = [one for one in look.left if one.id != party.id]
        if party.id not in look.found:
            look.found[party.id] = self._around.anybody(party, others, look.now_s)
            if self._around.cut:
                self._unsettled.add(party.id)
        return look.found[party.id] is not None

    def _least(self, anchor: Party, now_s: float) -> int:
        """Players of the smallest match that this anchor may have."""
        reached = len(self._whole.reached_s(now_s - anchor.at_s))
        return self._smallest[reached - 1]

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

    def _teams_for(self, party: Party, rules: RuleSet) -> list[str]:
        """Teams that this party alone could be in."""
        alone = guards(rules).alone
        return [
            team.name
            for team in rules.teams
            if party.size() <= team.max_players and alone(party, team)
        ]

    def _forget(self, waiting: set[str]) -> None:
        self._failed &= waiting
        self._unsettled &= waiting
        self._around.forget(waiting)
