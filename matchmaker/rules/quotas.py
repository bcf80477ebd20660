"""What teams need at least of something, and whether it can still come."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from matchmaker.rules.expressions import Expression
from matchmaker.rules.guard_kinds import Contains, Guard, Known, speaks_of
from matchmaker.rules.members import Party
from matchmaker.rules.ruleset import RuleSet

Kind = tuple[str, tuple[str, ...], str]
"""An attribute, the values of it that are counted, and how parties are aggregated."""


@dataclass(frozen=True, slots=True)
class Quota:
    """What some teams need at least of something."""

    at: int
    """Place of its guard, which counts."""

    guard: Contains
    least: float
    teams: tuple[int, ...]
    kind: Kind
    apart: bool
    """Whether no two of this kind speak of one team, so that what one gets the others lack."""

    def each(self) -> int:
        """What one player can bring at most."""
        return len(self.guard.wanted)


def quotas(rules: RuleSet, watching: Sequence[Guard]) -> tuple[Quota, ...]:
    """Of the rules with a least count, in the order of their guards."""
    found = list(_quotas(rules, watching))
    scopes: dict[Kind, list[int]] = {}
    for one in found:
        scopes.setdefault(one[3], []).extend(one[2])
    return tuple(
        Quota(at, guard, least, teams, kind, len(scopes[kind]) == len(set(scopes[kind])))
        for (at, guard), least, teams, kind in found
    )


def may_fill(
    needed: Sequence[Quota],
    knowledge: Sequence[Known],
    left: Sequence[int],
    ahead: Sequence[int],
) -> bool:
    """Whether what teams need at least can still come into the places that are left.

    ``left``: open places of each team. ``ahead``: by quota, what the parties to come bring.
    """
    lacking: dict[Kind, float] = {}
    for quota, coming in zip(needed, ahead, strict=True):
        lack = quota.least - (knowledge[quota.at] or 0)
        if lack > 0:
            places = sum(left[team] for team in quota.teams)
            shared = lacking[quota.kind] = lacking.get(quota.kind, 0) + lack
            if lack > places * quota.each() or (shared if quota.apart else lack) > coming:
                return False
    return True


def falls_short(
    needed: Sequence[Quota], there: Sequence[Party], left: int, ahead: Sequence[int]
) -> bool:
    """Whether these and those to come bring too little, whatever teams they are in.

    ``left``: open places of the whole match.
    """
    least: dict[Kind, float] = {}
    for quota, coming in zip(needed, ahead, strict=True):
        least[quota.kind] = asked = quota.least + (least.get(quota.kind, 0) if quota.apart else 0)
        brought = sum(quota.guard.brings(party) for party in there)
        if brought + min(coming, left * quota.each()) < asked:
            return True
    return False


def _quotas(
    rules: RuleSet, watching: Sequence[Guard]
) -> Iterator[tuple[tuple[int, Contains], float, tuple[int, ...], Kind]]:
    for at, guard in enumerate(watching):
        if not isinstance(guard, Contains):
            continue
        bare = guard.rule.min_count is None and guard.rule.max_count is None
        least = 1.0 if bare else guard.rule.min_count
        if least:
            kind = (guard.attribute, guard.wanted, guard.rule.party)
            yield (at, guard), least, _teams(guard.measurement, rules), kind


def _teams(measurement: Expression, rules: RuleSet) -> tuple[int, ...]:
    return tuple(n for n, team in enumerate(rules.teams) if speaks_of(measurement, team))
