"""Who is in which team: every way to seat some parties that no rule objects to yet."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from matchmaker.engine.shapes import Shape
from matchmaker.rules.expressions import paths
from matchmaker.rules.guards import Guards, Knowledge, guards
from matchmaker.rules.members import Lineup, Party
from matchmaker.rules.ruleset import Collection, Comparison, Distance, RuleSet


@dataclass(slots=True)
class Attempt:
    """What the search around one party has used up, and may use for the size it is at."""

    steps: int = 0
    steps_max: int = 0
    reseats: int = 0
    cut: bool = False
    """Whether something was left out that might have led to a match."""

    def allow(self, steps: int) -> None:
        """Let so many more steps be taken."""
        self.steps_max = self.steps + steps

    def used_up(self) -> bool:
        """Whether no step is left; then something is left out."""
        self.cut |= self.steps >= self.steps_max
        return self.steps >= self.steps_max


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


@dataclass(frozen=True, slots=True)
class Stand:
    """Some parties in teams, and what the guards know of them."""

    seats: tuple[tuple[Party, int], ...]
    """Each with the number of its team."""

    left: Shape
    """Places still open in each team."""

    known: Knowledge

    def parties(self) -> list[Party]:
        """Everybody, in the order in which they were chosen."""
        return [party for party, _ in self.seats]


@dataclass(slots=True)
class Seats:
    """Teams of these sizes, under the rules of one age."""

    rules: RuleSet
    shape: Shape
    attempt: Attempt
    guards: Guards = field(init=False)
    _apart: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.guards, self._apart = guards(self.rules), _named(self.rules)

    def empty(self) -> Stand:
        """Nobody yet."""
        return Stand((), self.shape, self.guards.start())

    def lineup(self, seats: Iterable[tuple[Party, int]]) -> Lineup:
        """The same seats, as rules look at them."""
        lineup = Lineup.empty(self.rules.teams)
        for party, team in seats:
            lineup.seated[self.rules.teams[team].name].append(party)
        return lineup

    def beside(self, stand: Stand, party: Party) -> Iterator[Stand]:
        """One more, in each team that it may be in; where they are alike, in the emptiest."""
        for team in self._teams_in_turn(stand.left, party):
            self.attempt.steps += 1
            seats = (*stand.seats, (party, team))
            lineup = self.lineup(seats if self.guards.looked_at else ())
            known = self.guards.after(stand.known, party, self.rules.teams[team], lineup)
            if known is not None:
                left = list(stand.left)
                left[team] -= party.size()
                yield Stand(seats, tuple(left), known)

    def ways(self, parties: Sequence[Party], stand: Stand | None = None) -> Iterator[Stand]:
        """Every way to seat these, besides those who stand there already."""
        if stand is None:
            # The largest first, so that what cannot fit shows at once.
            parties = sorted(parties, key=Party.size, reverse=True)
            stand = self.empty()
            if not fit(tuple(party.size() for party in parties), tuple(sorted(self.shape))):
                return
        if not parties:
            yield stand
            return
        for then in self.beside(stand, parties[0]):
            if self.attempt.used_up():
                return
            yield from self.ways(parties[1:], then)

    def _teams_in_turn(self, left: Shape, party: Party) -> list[int]:
        """Teams with room for a party, the emptiest first; of empty teams that are alike, one."""
        taken: set[tuple[str, int]] = set()
        found = []
        for team in sorted(range(len(left)), key=lambda t: (-left[t], t)):
            if left[team] < party.size():
                continue
            if left[team] == self.shape[team]:
                one = self.rules.teams[team]
                kind = (one.name if one.name in self._apart else one.definition, left[team])
                if kind in taken:
                    continue
                taken.add(kind)
            found.append(team)
        return found


@lru_cache(maxsize=4096)
def fit(sizes: tuple[int, ...], places: Shape) -> bool:
    """Whether parties of these sizes, the largest first, fit into teams with these places."""
    if not sizes:
        return True
    return any(
        fit(sizes[1:], tuple(sorted((*places[:n], free - sizes[0], *places[n + 1 :]))))
        for n, free in enumerate(places)
        if free >= sizes[0] and free not in places[:n]
    )


@lru_cache(maxsize=256)
def _named(rules: RuleSet) -> frozenset[str]:
    """Teams that some rule names one by one, so that they are like no other."""
    found: set[str] = set()
    for rule in rules.rules:
        if isinstance(rule, Distance | Comparison | Collection):
            told = [*rule.measurements, *([rule.reference] if rule.reference is not None else [])]
            found.update(name for one in told for path in paths(one) for name in path.teams)
    return frozenset(found)
