"""What ``hopeless`` would say, kept up to date party by party while a match is being seated.

``Guards.after`` takes what is known of those seated so far and one more party in one team,
and answers what is then known, or None when some rule can be met no more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from matchmaker.rules.expressions import Literal
from matchmaker.rules.guard_kinds import (
    LOST,
    Among,
    Batch,
    Contains,
    Guard,
    Known,
    Regions,
    Span,
    speaks_of,
)
from matchmaker.rules.hopeless import hopeless, spread_bound
from matchmaker.rules.members import Lineup, Party
from matchmaker.rules.quotas import Quota, quotas
from matchmaker.rules.ruleset import (
    BatchDistance,
    Collection,
    Comparison,
    Compound,
    Distance,
    Latency,
    Rule,
    RuleSet,
    Team,
)
from matchmaker.rules.trends import lists_each

Knowledge = tuple[Known, ...]
"""What all guards know."""


@dataclass(frozen=True, slots=True)
class Guards:
    """The rules of one age, watched."""

    rules: RuleSet
    known: Mapping[str, Rule]
    watching: tuple[Guard, ...]
    looked_at: tuple[Rule, ...]
    """Rules that are asked about the whole lineup each time."""

    quotas: tuple[Quota, ...]
    whole: tuple[int, ...]
    """Places of the guards to whom it is all one who is in which team."""

    def start(self) -> Knowledge:
        """Nobody is seated."""
        return (None,) * len(self.watching)

    def after(
        self, knowledge: Knowledge, party: Party, team: Team, lineup: Lineup
    ) -> Knowledge | None:
        """What is known once a party is in a team; None when a rule is lost.

        ``lineup`` has the party in it already.
        """
        if not self.alone(party, team):
            return None
        later = []
        for guard, had in zip(self.watching, knowledge, strict=True):
            has = guard.after(had, party, team)
            if has is LOST:
                return None
            later.append(has)
        if any(hopeless(rule, lineup, self.known) for rule in self.looked_at):
            return None
        return tuple(later)

    def admit(self, knowledge: Knowledge, party: Party) -> bool:
        """Whether one more could be in the match, by the guards to whom teams are all one."""
        team = self.rules.teams[0]
        return all(
            self.watching[at].after(knowledge[at], party, team) is not LOST for at in self.whole
        )

    def alone(self, party: Party, team: Team) -> bool:
        """Whether a party could be in a team at all, if nobody else stood in the way."""
        return party.remembered((self.rules, team.name), lambda: self._alone(party, team))

    def _alone(self, party: Party, team: Team) -> bool:
        lineup = Lineup.empty(self.rules.teams)
        lineup.seated[team.name].append(party)
        return not any(hopeless(rule, lineup, self.known) for rule in self.rules.judged())

    def together(self, one: Party, other: Party) -> bool:
        """Whether two parties could be in one match, in whichever teams."""
        for at in self.whole:
            guard, team = self.watching[at], self.rules.teams[0]
            known = guard.after(None, one, team)
            if known is LOST or guard.after(known, other, team) is LOST:
                return False
        return any(
            self._together(one, team, other, their_team)
            for team in self.rules.teams
            if one.size() <= team.max_players
            for their_team in self.rules.teams
            if other.size() + (one.size() if team is their_team else 0) <= their_team.max_players
        )

    def _together(self, one: Party, team: Team, other: Party, their_team: Team) -> bool:
        lineup = Lineup.empty(self.rules.teams)
        lineup.seated[team.name].append(one)
        knowledge = self.after(self.start(), one, team, lineup)
        if knowledge is None:
            return False
        lineup.seated[their_team.name].append(other)
        return self.after(knowledge, other, their_team, lineup) is not None


@lru_cache(maxsize=256)
def guards(rules: RuleSet) -> Guards:
    """The guards of a rule set at one age."""
    watching: list[Guard] = []
    looked_at: list[Rule] = []
    for rule in rules.judged():
        match rule:
            case BatchDistance():
                watching.append(Batch(rule))
            case Latency():
                watching.append(Regions(rule))
            case Distance():
                bound = spread_bound(rule, rules.teams)
                watching += [Span(rule, path.attribute, bound[1]) for path in bound[0]]
            case Comparison(reference=None):
                plain = all(lists_each(one) for one in rule.measurements)
                watching += [Among(rule, one) for one in rule.measurements if plain]
            case Collection(reference=None | Literal()) if rule.operation != "intersection":
                each = all(lists_each(one) for one in rule.measurements)
                if each and rule.operation == "contains":
                    watching += [Contains.of(rule, one, rules.teams) for one in rule.measurements]
            case Collection() | Compound():
                looked_at.append(rule)
            case _:
                pass
    known = {rule.name: rule for rule in rules.rules}
    whole = tuple(n for n, one in enumerate(watching) if _is_of_all(one, rules.teams))
    needed = quotas(rules, watching)
    return Guards(rules, known, tuple(watching), tuple(looked_at), needed, whole)


def _is_of_all(guard: Guard, teams: Sequence[Team]) -> bool:
    """Whether a guard asks everybody in the match the same, whichever team they are in."""
    match guard:
        case Batch() | Span() | Regions():
            return True
        case Among(measurement=measurement) | Contains(measurement=measurement):
            return all(speaks_of(measurement, team) for team in teams)
        case _:
            return False
