"""Why is this ticket waiting, and what would release it: answers from the rules themselves.

Nothing is guessed. A candidate is excluded by the rules that could not be met with it in
any team, and the release is what the engine itself does with those who wait now, when time
goes on and nobody else comes.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from core.words import many
from matchmaker.engine.forming import Former
from matchmaker.rules.hopeless import hopeless
from matchmaker.rules.members import Lineup, Party
from matchmaker.rules.ruleset import Rule, RuleSet
from matchmaker.rules.said import said

NEAREST = 5
"""Would-be partners that are told."""

LOOKED_AT = 200
"""Candidates with whom the future is tried, the longest waiting first."""


KEPT_APART = "players who are kept apart"
"""Said of those whom somebody avoids or has just met; of no rule."""


@dataclass(frozen=True, slots=True)
class Partner:
    """Somebody else who waits."""

    ticket: str
    players: int
    excluded_by: tuple[str, ...]
    """Rules that keep the two apart now; none when they could play."""

    opens_in_s: float | None
    """When they could, by the rules' expansions; 0 for now, None for never."""


@dataclass(frozen=True, slots=True)
class Release:
    """The match that comes if nobody else does."""

    in_s: float
    tickets: tuple[str, ...]
    because: tuple[str, ...]
    """What will have been relaxed by then, e.g. ``Near.maxDistance 150``."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What can be said of one waiting ticket."""

    ticket: str
    waited_s: float
    players_min: int
    """Players of the smallest match that the rules allow at its age."""

    players_max: int
    waiting: int
    """Other tickets in the queue."""

    compatible: int
    """Of those, how many it could play with now."""

    compatible_players: int
    excluded: dict[str, int]
    """Rule to the number of tickets that it keeps away now."""

    nearest: tuple[Partner, ...]
    release: Release | None

    def sentence(self) -> str:
        """The answer for somebody who waits."""
        if self.release is not None and self.release.in_s <= 0:
            return "A match is being made now."
        if self.release is not None:
            why = f", when {' and '.join(self.release.because)}" if self.release.because else ""
            return f"A match in {self.release.in_s:.0f} s{why}, if nobody else comes before."
        short = self.players_min - self.compatible_players
        if not self.waiting:
            return f"Nobody else waits; the smallest match has {self.players_min} players."
        worst = max(self.excluded, key=self.excluded.__getitem__, default="")
        barred = f"; {worst!r} keeps {many(self.excluded[worst], 'ticket')} away" if worst else ""
        if short == 1:
            return f"1 more player is needed who fits{barred}."
        if short > 1:
            return f"{short} more players are needed who fit{barred}."
        return f"Those who fit cannot be put together under the rules{barred}."


def explain(rules: RuleSet, ticket: str, waiting: Iterable[Party], now_s: float) -> Explanation:
    """Look at one ticket among those that wait, now and ahead.

    Raises:
        KeyError: the ticket is not among them.
    """
    parties = {party.id: party for party in waiting}
    now = kept_away(rules, ticket, parties.values(), now_s)
    mine = parties.pop(ticket)
    others = sorted(parties.values(), key=lambda party: party.at_s)
    partners = [_partner(rules, mine, other, now_s) for other in others]
    return replace(
        now,
        nearest=tuple(sorted(partners, key=_nearness)[:NEAREST]),
        release=_release(rules, mine, others[:LOOKED_AT], now_s),
    )


def kept_away(rules: RuleSet, ticket: str, waiting: Iterable[Party], now_s: float) -> Explanation:
    """Who could play with one ticket now, and what keeps the others away.

    It does not look ahead: a few milliseconds for a hundred others, where the future takes a
    hundred times that.

    Raises:
        KeyError: the ticket is not among them.
    """
    parties = {party.id: party for party in waiting}
    mine = parties.pop(ticket)
    excluded: Counter[str] = Counter()
    fitting = []
    for other in parties.values():
        names = apart(rules.at(_age_s(rules, mine, other, now_s)), mine, other)
        excluded.update(names)
        if not names:
            fitting.append(other)
    stands = rules.at(now_s - mine.at_s)
    return Explanation(
        ticket=ticket,
        waited_s=now_s - mine.at_s,
        players_min=sum(team.min_players for team in stands.teams),
        players_max=stands.players_max(),
        waiting=len(parties),
        compatible=len(fitting),
        compatible_players=mine.size() + sum(one.size() for one in fitting),
        excluded=dict(excluded.most_common()),
        nearest=(),
        release=None,
    )


def _partner(rules: RuleSet, mine: Party, other: Party, now_s: float) -> Partner:
    age_s = _age_s(rules, mine, other, now_s)
    names = apart(rules.at(age_s), mine, other)
    opens_in_s: float | None = 0.0 if not names else None
    for wait_s in rules.ages_s() if names else ():
        if wait_s > age_s and not apart(rules.at(wait_s), mine, other):
            opens_in_s = wait_s - age_s
            break
    return Partner(other.id, other.size(), names, opens_in_s)


def apart(rules: RuleSet, one: Party, other: Party) -> tuple[str, ...]:
    """Rules that no match with both could meet, whichever teams they are in."""
    if one.keeps_from(other):
        return (KEPT_APART,)
    known = {rule.name: rule for rule in rules.rules}
    lineups = list(_together(rules, one, other))
    if not lineups:
        return ("team sizes",)
    free = [lineup for lineup in lineups if not _broken(rules, lineup, known)]
    if free:
        return ()
    # Rules that are broken wherever they sit; else whatever breaks in the best of places.
    everywhere = set.intersection(*(_broken(rules, lineup, known) for lineup in lineups))
    best = everywhere or min((_broken(rules, lineup, known) for lineup in lineups), key=len)
    return tuple(rule.name for rule in rules.judged() if rule.name in best)


def _broken(rules: RuleSet, lineup: Lineup, known: dict[str, Rule]) -> set[str]:
    return {rule.name for rule in rules.judged() if hopeless(rule, lineup, known)}


def _together(rules: RuleSet, one: Party, other: Party) -> Iterable[Lineup]:
    for first in rules.teams:
        for second in rules.teams:
            lineup = Lineup.empty(rules.teams)
            lineup.seated[first.name].append(one)
            lineup.seated[second.name].append(other)
            if all(lineup.size(team.name) <= team.max_players for team in (first, second)):
                yield lineup


def _age_s(rules: RuleSet, mine: Party, other: Party, now_s: float) -> float:
    newest = rules.algorithm.age == "newest"
    at_s = max(mine.at_s, other.at_s) if newest else min(mine.at_s, other.at_s)
    return now_s - at_s


def _nearness(partner: Partner) -> tuple[float, int]:
    opens = partner.opens_in_s
    return (opens if opens is not None else float("inf"), len(partner.excluded_by))


def _release(rules: RuleSet, mine: Party, others: Sequence[Party], now_s: float) -> Release | None:
    """What the engine makes of those who wait now, as time goes on."""
    waiting = {party.id: party for party in (mine, *others)}
    instants = {
        party.at_s + wait_s
        for party in waiting.values()
        for wait_s in rules.ages_s()
        if party.at_s + wait_s > now_s
    }
    former = Former(rules)
    for at_s in (now_s, *sorted(instants)):
        for made in former.form(waiting.values(), at_s):
            tickets = tuple(party.id for party in made.lineup.parties())
            if mine.id in tickets:
                age_s = _age_of(rules, made.lineup.parties(), at_s)
                return Release(at_s - now_s, tickets, _relaxed(rules, age_s, at_s - now_s))
            for one in tickets:
                del waiting[one]
    return None


def _age_of(rules: RuleSet, parties: Sequence[Party], at_s: float) -> float:
    ages_s = [at_s - party.at_s for party in parties]
    return min(ages_s) if rules.algorithm.age == "newest" else max(ages_s)


def _relaxed(rules: RuleSet, age_s: float, in_s: float) -> tuple[str, ...]:
    """Expansions that will have taken effect between now and then."""
    found = []
    for one in rules.expansions:
        reached = [step for step in one.steps if age_s - in_s < step.wait_s <= age_s + 1e-6]
        if reached:
            found.append(f"{said(one)} is {reached[-1].value}")
    return tuple(found)
