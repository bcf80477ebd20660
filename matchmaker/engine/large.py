"""Matches of 41 to 200 players: filled in order of likeness, team by team as FlexMatch does.

Teams that have not reached their minimum come first, and of those the one with the most
open places; after that again the one with the most open places.
Source: Amazon GameLift FlexMatch developer guide, design a large-match rule set.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from matchmaker.rules.judge import SLACK
from matchmaker.rules.members import Lineup, Party
from matchmaker.rules.ruleset import BatchDistance, Latency, RuleSet


def fill_large(anchor: Party, others: Sequence[Party], rules: RuleSet) -> Lineup | None:
    """A match around the anchor from others in the order given; None when too few fit."""
    if rules.algorithm.batching != "fastestRegion":
        return _filled(anchor, others, rules)
    for region in _regions_of(anchor, rules):
        reaching = [party for party in others if region in _regions_of(party, rules)]
        at_home = [party for party in reaching if _regions_of(party, rules)[0] == region]
        found = _filled(anchor, at_home, rules)
        if found is None and len(at_home) < len(reaching):
            visitors = [party for party in reaching if _regions_of(party, rules)[0] != region]
            found = _filled(anchor, [*at_home, *visitors], rules)
        if found is not None:
            return found
    return None if _limits(rules) else _filled(anchor, others, rules)


def enough(parties: Iterable[Party], rules: RuleSet, *, within: Party | None = None) -> bool:
    """Whether some region has players enough for the least match.

    ``within``: only the regions that this party reaches count.
    """
    least = sum(team.min_players for team in rules.teams)
    limits = _limits(rules)
    if not limits:
        return sum(party.size() for party in parties) >= least
    by, bound = limits[0].party, limits[0].max_latency
    players: dict[str, int] = {}
    for party in parties:
        size = party.size()
        for region, latency in party.regions(by).items():
            if latency <= bound:
                players[region] = players.get(region, 0) + size
    if within is not None:
        reached = within.regions(by)
        players = {region: count for region, count in players.items() if region in reached}
    return max(players.values(), default=0) >= least


def _limits(rules: RuleSet) -> list[Latency]:
    return [rule for rule in rules.rules if isinstance(rule, Latency)]


def _regions_of(party: Party, rules: RuleSet) -> list[str]:
    """Regions near enough for a party, the fastest first."""
    limits = _limits(rules)
    reported = party.regions(limits[0].party if limits else "avg")
    bound = min((rule.max_latency for rule in limits), default=float("inf"))
    near = [region for region, latency in reported.items() if latency <= bound]
    return sorted(near, key=lambda region: (reported[region], region))


@dataclass(slots=True)
class _Common:
    """What everybody so far has in common, for the two rules that large matches may have."""

    limits: list[Latency]
    distances: list[BatchDistance]
    regions: list[set[str] | None] = field(init=False)
    """For each latency rule the regions that are near enough for all; None before anybody."""

    spans: list[tuple[Any, Any] | None] = field(init=False)
    """For each batch distance the lowest and highest value."""

    def __post_init__(self) -> None:
        self.regions = [None] * len(self.limits)
        self.spans = [None] * len(self.distances)

    @classmethod
    def of(cls, rules: RuleSet) -> "_Common":
        distances = [rule for rule in rules.rules if isinstance(rule, BatchDistance)]
        return cls(_limits(rules), distances)

    def admit(self, party: Party) -> bool:
        """Take somebody in, unless that would leave nothing in common."""
        regions: list[set[str] | None] = []
        for rule, had in zip(self.limits, self.regions, strict=True):
            near = {r for r, ms in party.regions(rule.party).items() if ms <= rule.max_latency}
            common = near if had is None else had & near
            if not common:
                return False
            regions.append(common)
        spans: list[tuple[Any, Any] | None] = []
        for distance, span in zip(self.distances, self.spans, strict=True):
            values = party.values(distance.attribute, distance.party)
            wider = _wider(span, values)
            if not _close(wider, distance):
                return False
            spans.append(wider)
        self.regions, self.spans = regions, spans
        return True


def _wider(span: tuple[Any, Any] | None, values: list[Any]) -> tuple[Any, Any]:
    low, high = min(values), max(values)
    return (low, high) if span is None else (min(span[0], low), max(span[1], high))


def _close(span: tuple[Any, Any], rule: BatchDistance) -> bool:
    low, high = span
    if isinstance(low, str):
        return bool(low == high)
    return rule.max_distance is None or high - low <= rule.max_distance + SLACK


def _filled(anchor: Party, others: Iterable[Party], rules: RuleSet) -> Lineup | None:
    lineup, common = Lineup.empty(rules.teams), _Common.of(rules)
    sizes = dict.fromkeys(lineup.seated, 0)
    places = rules.players_max()
    for party in [anchor, *others]:
        team = _next_team(party, sizes, rules)
        if team is None or not common.admit(party):
            if party is anchor:
                return None
            continue
        lineup.seated[team].append(party)
        sizes[team] += party.size()
        places -= party.size()
        if places == 0:
            break
    full = all(sizes[team.name] >= team.min_players for team in rules.teams)
    return lineup if full else None


def _next_team(party: Party, sizes: dict[str, int], rules: RuleSet) -> str | None:
    fitting = [t for t in rules.teams if sizes[t.name] + party.size() <= t.max_players]
    if not fitting:
        return None
    short = [t for t in fitting if sizes[t.name] < t.min_players]
    return max(short or fitting, key=lambda team: team.max_players - sizes[team.name]).name
