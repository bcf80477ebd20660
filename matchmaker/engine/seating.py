"""Seating parties in teams of given sizes, one by one, with a step back where a rule is lost."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from matchmaker.engine.reseat import reseat, strain
from matchmaker.engine.shapes import Shape
from matchmaker.rules.guards import Guards, Knowledge, guards
from matchmaker.rules.judge import meets_all
from matchmaker.rules.members import Lineup, Party
from matchmaker.rules.ruleset import RuleSet

STEPS_MAX = 4000
"""Parties seated for one anchor before it waits for the next pass."""

RESEATS_MAX = 12
"""Full lineups of one anchor whose teams are rearranged to meet the rules."""


@dataclass(slots=True)
class Attempt:
    """What the search around one anchor has used up."""

    steps: int = 0
    reseats: int = 0
    steps_max: int = STEPS_MAX


@dataclass(frozen=True, slots=True)
class Age:
    """From who is in a match to the rules as they stand for it."""

    whole: RuleSet
    now_s: float

    def rules(self, parties: Iterable[Party]) -> RuleSet:
        """The rules for a match of these."""
        ages = [self.now_s - party.at_s for party in parties]
        newest = self.whole.algorithm.age == "newest"
        return self.whole.at(min(ages) if newest else max(ages))


@dataclass(slots=True)
class Seating:
    """One try: these parties, teams of these sizes, the rules of one age."""

    rules: RuleSet
    shape: Shape
    parties: Sequence[Party]
    age: Age
    attempt: Attempt
    fixed: int = 1
    """So many of the parties, the first ones, are in any match: the anchor, and who is new."""

    lineup: Lineup = field(init=False)
    left: list[int] = field(init=False)
    """Places still open in each team."""

    guards: Guards = field(init=False)
    after: list[int] = field(init=False)
    """Players of the parties from each one on."""

    ahead: list[tuple[int, ...]] = field(init=False)
    """What the parties from each one on bring of what teams need."""

    def __post_init__(self) -> None:
        self.lineup = Lineup.empty(self.rules.teams)
        self.left = list(self.shape)
        self.guards = guards(self.rules)
        self.after, brought = [0], (0,) * len(self.guards.quotas)
        self.ahead = [brought]
        for party in reversed(self.parties):
            self.after.append(self.after[-1] + party.size())
            brought = tuple(
                had + quota.guard.brings(party)
                for had, quota in zip(brought, self.guards.quotas, strict=True)
            )
            self.ahead.append(brought)
        self.after.reverse()
        self.ahead.reverse()


def seat(seating: Seating, n: int, known: Knowledge | None = None) -> Lineup | None:
    """Seat party ``n`` and those after it; None when that leads to no match.

    ``known`` is what the guards know of those before it.
    """
    known = seating.guards.start() if known is None else known
    while True:
        open_places = sum(seating.left)
        if open_places == 0:
            return _complete(seating)
        if n >= len(seating.parties) or seating.attempt.steps >= seating.attempt.steps_max:
            return None
        if seating.after[n] < open_places:
            return None
        if not seating.guards.may_fill(known, seating.left, seating.ahead[n]):
            return None
        found = _seat_one(seating, n, known)
        if found is not None or n < seating.fixed:
            return found
        n += 1  # without this party


def _seat_one(seating: Seating, n: int, known: Knowledge) -> Lineup | None:
    """A match with party ``n`` in some team."""
    party = seating.parties[n]
    for team in _teams_in_turn(seating, party):
        seating.attempt.steps += 1
        name = seating.rules.teams[team].name
        seating.lineup.seated[name].append(party)
        seating.left[team] -= party.size()
        then = seating.guards.after(known, party, seating.rules.teams[team], seating.lineup)
        if then is not None:
            found = seat(seating, n + 1, then)
            if found is not None:
                return found
        seating.lineup.seated[name].pop()
        seating.left[team] += party.size()
    return None


def _teams_in_turn(seating: Seating, party: Party) -> list[int]:
    """Teams with room for a party, the emptiest first; of empty teams that are alike, one."""
    taken: set[tuple[str, int]] = set()
    found = []
    for team in sorted(range(len(seating.left)), key=lambda t: (-seating.left[t], t)):
        if seating.left[team] < party.size():
            continue
        if not seating.lineup.seated[seating.rules.teams[team].name]:
            alike = (seating.rules.teams[team].definition, seating.shape[team])
            if alike in taken:
                continue
            taken.add(alike)
        found.append(team)
    return found


def _complete(seating: Seating) -> Lineup | None:
    """The full lineup if it meets the rules, perhaps after swaps between its teams."""
    rules = seating.age.rules(seating.lineup.parties())
    lineup = Lineup(rules.teams, {name: [*ps] for name, ps in seating.lineup.seated.items()})
    if meets_all(lineup, rules):
        return lineup
    attempt = seating.attempt
    if attempt.reseats >= RESEATS_MAX or len(rules.teams) < 2:
        return None
    attempt.reseats += 1
    known = {rule.name: rule for rule in rules.rules}
    better, _ = reseat(lineup, lambda one: strain(one, rules, known))
    return better if meets_all(better, rules) else None
