"""Crowds: parties of whom any could play together, under the rules of large matches.

Those rules look at each region and at each span of values by itself. A match is one if all
of it is within one crowd, so whoever looks through the crowds has looked at every match.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from matchmaker.rules.judge import SLACK
from matchmaker.rules.members import Party
from matchmaker.rules.ruleset import BatchDistance, Latency, RuleSet

Part = tuple[str, Sequence[Party]]
"""Some of those who could join, and their region where it was a region that parted them."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """Who could join those who play in any case."""

    others: Sequence[Party]
    players: int
    """With those who play in any case."""

    region: str
    """By the first latency rule; empty without one."""


def crowds(fixed: Sequence[Party], others: Sequence[Party], rules: RuleSet) -> Iterator[Crowd]:
    """Every crowd with the fixed ones that has players enough for the least match."""
    own = sum(party.size() for party in fixed)
    least = sum(team.min_players for team in rules.teams) - own
    for region, some in _parted(fixed, others, _parting(rules), least):
        yield Crowd(some, own + _players(some), region)


def near(party: Party, rule: Latency) -> frozenset[str]:
    """Regions that are near enough for a party."""

    def work_out() -> frozenset[str]:
        reported = party.regions(rule.party).items()
        return frozenset(region for region, ms in reported if ms <= rule.max_latency)

    return party.remembered(("near", rule.party, rule.max_latency), work_out)


def could_meet(parties: Sequence[Party], rules: RuleSet) -> bool:
    """Whether no rule keeps these apart, whoever else plays."""
    return all(_is_met(parties, rule) for rule in _parting(rules))


def _parting(rules: RuleSet) -> list[Latency | BatchDistance]:
    """What keeps people apart; what is looked up before what has to be sorted."""
    distances = [rule for rule in rules.rules if isinstance(rule, BatchDistance)]
    texts = [rule for rule in distances if rules.attributes[rule.attribute].type == "string"]
    numbers = [rule for rule in distances if rule not in texts]
    return [*texts, *(rule for rule in rules.rules if isinstance(rule, Latency)), *numbers]


def _is_met(parties: Sequence[Party], rule: Latency | BatchDistance) -> bool:
    if isinstance(rule, Latency):
        return bool(frozenset.intersection(*(near(party, rule) for party in parties)))
    values = [value for party in parties for value in party.values(rule.attribute, rule.party)]
    if isinstance(values[0], str):
        return len(set(values)) == 1
    return rule.max_distance is None or max(values) - min(values) <= rule.max_distance + SLACK


def _players(parties: Sequence[Party]) -> int:
    return sum(map(Party.size, parties))


def _parted(
    fixed: Sequence[Party],
    others: Sequence[Party],
    rules: Sequence[Latency | BatchDistance],
    least: int,
) -> Iterator[Part]:
    """Parts in which every rule is met, each with at least so many players to join."""
    if _players(others) < least:
        return
    if not rules:
        yield "", others
        return
    rule, *further = rules
    for region, some in _parts(fixed, others, rule, least):
        for inner, fewer in _parted(fixed, some, further, least):
            yield region or inner, fewer


def _parts(
    fixed: Sequence[Party], others: Sequence[Party], rule: Latency | BatchDistance, least: int
) -> Iterator[Part]:
    if fixed and not _is_met(fixed, rule):
        return
    if isinstance(rule, Latency):
        reached = [near(party, rule) for party in others]
        choice = frozenset[str]().union(*reached)
        if fixed:
            choice = frozenset.intersection(*(near(party, rule) for party in fixed))
        for region in sorted(choice):
            there = zip(others, reached, strict=True)
            yield region, [party for party, regions in there if region in regions]
        return
    first = [*fixed, *others][:1]
    if first and isinstance(first[0].one(rule.attribute, rule.party), str):
        yield from _alike(fixed, others, rule)
    else:
        yield from _spans(fixed, others, rule, least)


def _alike(fixed: Sequence[Party], others: Sequence[Party], rule: BatchDistance) -> Iterator[Part]:
    if fixed:
        text = fixed[0].one(rule.attribute, rule.party)
        valued = ((party, party.values(rule.attribute, rule.party)) for party in others)
        yield "", [party for party, values in valued if values.count(text) == len(values)]
        return
    by_text: dict[str, list[Party]] = {}
    for party in others:
        texts = set(party.values(rule.attribute, rule.party))
        if len(texts) == 1:
            by_text.setdefault(texts.pop(), []).append(party)
    yield from (("", some) for some in by_text.values())


def _spans(
    fixed: Sequence[Party], others: Sequence[Party], rule: BatchDistance, least: int
) -> Iterator[Part]:
    """Every span of values that is as wide as may be and holds those who play in any case."""
    if rule.max_distance is None:
        yield "", others
        return
    most = rule.max_distance + SLACK
    held = [party.one(rule.attribute, rule.party) for party in fixed]
    ordered = sorted(others, key=lambda party: party.one(rule.attribute, rule.party))
    values = [party.one(rule.attribute, rule.party) for party in ordered]
    until = list(accumulate((len(party.players) for party in ordered), initial=0))
    lows, reached = sorted({*values, *held}), -1
    if held:
        lows = lows[bisect_left(lows, max(held) - most) : bisect_right(lows, min(held))]
    for low in lows:
        start, end = bisect_left(values, low), bisect_right(values, low + most)
        # One that ends where another did has nobody whom that one did not have.
        if until[end] - until[start] >= least and end > reached:
            yield "", ordered[start:end]
        reached = max(reached, end)
