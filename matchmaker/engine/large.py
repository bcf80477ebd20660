"""Matches of 41 to 200 players: the fullest there is, its teams balanced by one attribute.

Parties are taken in the order of likeness and seated as FlexMatch does: teams that have not
reached their minimum come first, and of those the one with the most open places; after that
again the one with the most open places. Where that leaves places open that others could
fill, sizes are chosen anew. Then the teams are made even, with the same sizes.
Source: Amazon GameLift FlexMatch developer guide, design a large-match rule set.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from matchmaker.engine.crowds import Crowd, crowds, near
from matchmaker.engine.evening import evened
from matchmaker.engine.filling import Places, Sizes, fullest, players
from matchmaker.engine.order import tried_first
from matchmaker.rules.members import Lineup, Party
from matchmaker.rules.ruleset import Latency, RuleSet, Team


def fill_large(fixed: Sequence[Party], others: Sequence[Party], rules: RuleSet) -> Lineup | None:
    """The fullest match of the fixed ones with some others; None when there is none.

    With ``fastestRegion`` it is the fullest in the first region of the first of them that
    has one; those who are fastest there come before all others.
    """
    if rules.algorithm.batching == "fastestRegion":
        found = _in_fastest(fixed, others, rules)
        if found is not None or _limit(rules) is not None:
            return found
    return _fullest(fixed, crowds(fixed, others, rules), rules)


def could_fill(fixed: Sequence[Party], crowd: Crowd, rules: RuleSet) -> bool:
    """Whether there is a match of the fixed ones with some of a crowd."""
    return _by_size(fixed, crowd.others, rules) is not None


def _in_fastest(fixed: Sequence[Party], others: Sequence[Party], rules: RuleSet) -> Lineup | None:
    limit = _limit(rules)
    if limit is None:
        limit = Latency("any region", float("inf"))
        rules = replace(rules, rules=(limit, *rules.rules))
    reported = fixed[0].regions(limit.party)
    found = list(crowds(fixed, others, rules))
    for region in sorted(near(fixed[0], limit), key=lambda one: (reported[one], one)):
        there = [crowd for crowd in found if crowd.region == region]
        made = _fullest(fixed, [_at_home(crowd, limit) for crowd in there], rules)
        made = made or _fullest(fixed, there, rules)
        if made is not None:
            return made
    return None


def _limit(rules: RuleSet) -> Latency | None:
    return next((rule for rule in rules.rules if isinstance(rule, Latency)), None)


def _at_home(crowd: Crowd, limit: Latency) -> Crowd:
    """Those of a crowd who are fastest in its region."""
    home = [party for party in crowd.others if _fastest(party, limit) == crowd.region]
    away = sum(party.size() for party in crowd.others) - sum(party.size() for party in home)
    return Crowd(home, crowd.players - away, crowd.region)


def _fastest(party: Party, limit: Latency) -> str:
    reported = party.regions(limit.party)
    return min(near(party, limit), key=lambda region: (reported[region], region))


def _fullest(fixed: Sequence[Party], some: Iterable[Crowd], rules: RuleSet) -> Lineup | None:
    """The fullest match with the fixed ones; of equally full ones that of the most people."""
    best: Lineup | None = None
    had, most = -1, rules.players_max()
    for crowd in sorted(some, key=lambda one: -one.players):
        if had >= min(most, crowd.players):
            break
        found = _filled(fixed, crowd, rules)
        if found is not None and found.players() > had:
            best, had = found, found.players()
    return best


def _filled(fixed: Sequence[Party], crowd: Crowd, rules: RuleSet) -> Lineup | None:
    ordered = tried_first(fixed[0], crowd.others, rules)
    limit = _limit(rules)
    if crowd.region and limit is not None and rules.algorithm.batching == "fastestRegion":
        ordered.sort(key=lambda party: _fastest(party, limit) != crowd.region)
    seated = _in_turn([*fixed, *ordered], rules)
    had = sum(map(players, seated)) if _are_full(seated, fixed, rules) else -1
    if had < min(rules.players_max(), crowd.players):
        better = _by_size(fixed, crowd.others, rules)
        if better is not None and sum(map(players, better)) > had:
            seated, had = list(better), 0
    if had < 0:
        return None
    chosen = _first([*fixed, *ordered], seated)
    return evened(chosen, seated, rules)


def _in_turn(parties: Iterable[Party], rules: RuleSet) -> list[Sizes]:
    """Parties by size in each team, when they are seated one after the other."""
    open_places = {team.name: team.max_players for team in rules.teams}
    widest = max(open_places.values())
    seated = {team.name: [0] * widest for team in rules.teams}
    left = rules.players_max()
    for party in parties:
        size = party.size()
        if size > widest:
            continue
        team = _next_team(size, open_places, rules)
        open_places[team.name] -= size
        seated[team.name][size - 1] += 1
        left -= size
        widest = max(open_places.values())
        if left == 0:
            break
    return [tuple(sizes) for sizes in seated.values()]


def _next_team(size: int, open_places: dict[str, int], rules: RuleSet) -> Team:
    fitting = [team for team in rules.teams if open_places[team.name] >= size]
    short = [t for t in fitting if t.max_players - open_places[t.name] < t.min_players]
    return max(short or fitting, key=lambda team: open_places[team.name])


def _are_full(seated: Sequence[Sizes], fixed: Sequence[Party], rules: RuleSet) -> bool:
    """Whether each team has its minimum, and everybody a seat who plays in any case."""
    for team, sizes in zip(rules.teams, seated, strict=True):
        if players(sizes) < team.min_players:
            return False
    return all(
        len(seated[0]) >= party.size()
        and sum(sizes[party.size() - 1] for sizes in seated)
        >= sum(one.size() == party.size() for one in fixed)
        for party in fixed
    )


def _by_size(
    fixed: Sequence[Party], others: Sequence[Party], rules: RuleSet
) -> tuple[Sizes, ...] | None:
    """Parties by size in each team of the fullest match with the fixed ones."""
    there = [*fixed, *others]
    if not there:
        return None
    widest = max(party.size() for party in there)
    teams = tuple(Places(team.min_players, team.max_players) for team in rules.teams)
    # More of a size than find a place change nothing.
    counts = _counted(there, widest)
    places = [sum(team.high // size for team in teams) for size in range(1, widest + 1)]
    must = _counted(fixed, widest)
    return fullest(tuple(map(min, counts, places)), must, teams)


def _counted(parties: Iterable[Party], widest: int) -> Sizes:
    counts = [0] * widest
    for party in parties:
        counts[party.size() - 1] += 1
    return tuple(counts)


def _first(ordered: Iterable[Party], seated: Sequence[Sizes]) -> list[Party]:
    """Of each size as many as are seated, in their order."""
    left = [sum(counts) for counts in zip(*seated, strict=True)]
    chosen = []
    for party in ordered:
        size = party.size()
        if size <= len(left) and left[size - 1]:
            left[size - 1] -= 1
            chosen.append(party)
    return chosen
