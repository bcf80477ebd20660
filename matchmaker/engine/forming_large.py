"""Large matches among those who wait: around the longest waiting party that can play.

Of a crowd that was looked through before only somebody new makes a match possible. So it is
asked first who of the news could play at all, and then which is the longest waiting party
that could play with them.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

from matchmaker.engine.around import Formed
from matchmaker.engine.crowds import could_meet, crowds
from matchmaker.engine.large import could_fill, fill_large
from matchmaker.engine.quality import quality
from matchmaker.engine.seating import Age
from matchmaker.rules.judge import meets_all
from matchmaker.rules.members import Lineup, Party
from matchmaker.rules.ruleset import ROUNDING_S, RuleSet

FEW = 4
"""News of whom each is asked about by itself; of more the whole crowd is."""

Try = tuple[RuleSet, Sequence[Party]]
"""Rules of one age, and who could be in a match under them."""


def form_large(
    whole: RuleSet,
    waiting: Sequence[Party],
    news: Sequence[Party],
    now_s: float,
    *,
    most: int | None = None,
) -> list[Formed]:
    """Matches without a common party, those of the longest waiting first.

    ``waiting``: the longest waiting first. ``news``: without them there is no match.
    ``most``: matches.
    """
    playable = _playable(whole, news, waiting, now_s)
    if not playable:
        return []
    place = {party.id: n for n, party in enumerate(waiting)}
    fresh = {party.id for party in news}
    left, formed, at = list(waiting), list[Formed](), 0
    while playable and at < len(left) and len(formed) != most:
        anchor = left[at]
        made = None
        if anchor.id in playable:
            made = around_large(whole, [anchor], left[at + 1 :], now_s)
        elif anchor.id not in fresh:
            with_it = [one for one in playable.values() if place[one.id] > place[anchor.id]]
            fixed = [anchor, *with_it] if len(with_it) == 1 else [anchor]
            if with_it and _could_meet(whole, anchor, with_it, now_s):
                made = around_large(whole, fixed, left[at + 1 :], now_s)
        if made is None:
            at += 1
            continue
        formed.append(made)
        gone = {party.id for party in made.lineup.parties()}
        left = [party for party in left if party.id not in gone]
        still = [party for party in playable.values() if party.id not in gone]
        playable = _playable(whole, still, left, now_s)
    return formed


def around_large(
    whole: RuleSet, fixed: Sequence[Party], others: Sequence[Party], now_s: float
) -> Formed | None:
    """The fullest match of these with some others; of equally full ones that of least age."""
    if any(one.keeps_from(other) for one, other in combinations(fixed, 2)):
        return None
    age, best = Age(whole, now_s), None
    there = {party.id for party in fixed}
    free = _at_peace(fixed, [party for party in others if party.id not in there])
    for rules, near in _tries(whole, fixed, free, now_s):
        found = _of_age(fixed, near, rules, age)
        if found is not None and (best is None or found.players() > best.players()):
            best = found
    return None if best is None else Formed(best, quality(best, age.rules(best.parties())))


def _at_peace(fixed: Sequence[Party], others: Sequence[Party]) -> Sequence[Party]:
    """Those who are kept from none of the fixed ones, nor from one before them."""
    if not any(party.avoids for party in (*fixed, *others)):
        return others
    kept = list(fixed)
    for party in others:
        if not any(party.keeps_from(one) for one in kept):
            kept.append(party)
    return kept[len(fixed) :]


def _of_age(
    fixed: Sequence[Party], near: Sequence[Party], rules: RuleSet, age: Age
) -> Lineup | None:
    found = fill_large(fixed, near, rules)
    if found is None or meets_all(found, age.rules(found.parties())):
        return found
    # All of them are older, and rules for those are stricter: somebody of this age plays too.
    for party in near:
        if age.rules([party]) is rules:
            others = [one for one in near if one is not party]
            found = fill_large([*fixed, party], others, rules)
            if found is not None and meets_all(found, age.rules(found.parties())):
                return found
    return None


def _tries(
    whole: RuleSet, fixed: Sequence[Party], others: Sequence[Party], now_s: float
) -> Iterator[Try]:
    """The ages that a match with the fixed ones may have, and who could be in it then."""
    at_s = [party.at_s for party in fixed or others]
    if whole.algorithm.age == "newest":
        for wait_s in whole.reached_s(now_s - (max(at_s) if fixed else min(at_s))):
            near = [one for one in others if now_s - one.at_s + ROUNDING_S >= wait_s]
            yield whole.at(wait_s), near if wait_s else others
        return
    own_s = whole.reached_s(now_s - min(at_s))[-1] if fixed else 0.0
    oldest_s = max(now_s - party.at_s for party in (*fixed, *others))
    for wait_s in whole.reached_s(oldest_s):
        if wait_s >= own_s:
            near = [o for o in others if whole.reached_s(now_s - o.at_s)[-1] <= wait_s]
            yield whole.at(wait_s), near


def _could_meet(whole: RuleSet, anchor: Party, some: Iterable[Party], now_s: float) -> bool:
    reached = [whole.at(wait_s) for wait_s in whole.reached_s(now_s - anchor.at_s)]
    return any(could_meet([anchor, one], rules) for one in some for rules in reached)


def _playable(
    whole: RuleSet, news: Sequence[Party], waiting: Sequence[Party], now_s: float
) -> dict[str, Party]:
    """Which of the news could be in some match, as far as one can tell at once."""
    if not news or not waiting:
        return {}
    found: dict[str, Party] = {}
    for fixed in [[one] for one in news] if len(news) <= FEW else [[]]:
        there = {party.id for party in fixed}
        others = [party for party in waiting if party.id not in there]
        for rules, near in _tries(whole, fixed, others, now_s):
            found |= _of_crowds(fixed, near, rules)
    return {party.id: party for party in news if party.id in found}


def _of_crowds(fixed: Sequence[Party], near: Sequence[Party], rules: RuleSet) -> dict[str, Party]:
    found: dict[str, Party] = {}
    for crowd in crowds(fixed, near, rules):
        if could_fill(fixed, crowd, rules):
            found |= {party.id: party for party in (*fixed, *crowd.others)}
            if fixed:
                break
    return found
