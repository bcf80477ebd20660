"""The same people in the evenest teams: means of one attribute as near to each other as can be.

Team sizes stay as they are. Whoever is farthest from the mean of all is seated first, where
it evens most; then parties of one size change places between the highest and the lowest
team as long as that helps.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from matchmaker.engine.filling import Sizes, players
from matchmaker.rules.members import Lineup, Party
from matchmaker.rules.ruleset import RuleSet

LOOKS_MAX = 20_000
"""Swaps that are looked at for one match."""


@dataclass(slots=True)
class _Team:
    places: int
    open_by_size: list[int]
    parties: list[Party] = field(default_factory=list)
    above: float = 0.0
    """By how much its players are above the mean of all, in sum."""

    def mean(self) -> float:
        return self.above / max(1, self.places)

    def take(self, party: Party, above: float) -> None:
        self.parties.append(party)
        self.open_by_size[party.size() - 1] -= 1
        self.above += above


def evened(chosen: Sequence[Party], seated: Sequence[Sizes], rules: RuleSet) -> Lineup:
    """These parties in teams that have so many of each size."""
    above = _above(chosen, rules.algorithm.balanced_attribute)
    teams = [_Team(players(sizes), list(sizes)) for sizes in seated]
    for party in sorted(chosen, key=lambda one: -abs(above[one.id])):
        fitting = [team for team in teams if team.open_by_size[party.size() - 1]]
        side = 1 if above[party.id] >= 0 else -1
        min(fitting, key=lambda team: side * team.mean()).take(party, above[party.id])
    _swap(teams, above)
    return Lineup(
        rules.teams,
        {team.name: held.parties for team, held in zip(rules.teams, teams, strict=True)},
    )


def _above(chosen: Iterable[Party], attribute: str) -> dict[str, float]:
    """By party: by how much its players are above the mean of all, in sum."""
    if not attribute:
        return dict.fromkeys((party.id for party in chosen), 0.0)
    sums = {party.id: party.one(attribute, "avg") * party.size() for party in chosen}
    mean = sum(sums.values()) / sum(party.size() for party in chosen)
    return {party.id: sums[party.id] - mean * party.size() for party in chosen}


def _swap(teams: Sequence[_Team], above: dict[str, float]) -> None:
    """Let the highest and the lowest team change parties of one size, while that helps."""
    played = [team for team in teams if team.places]
    looks = 0
    while len(played) > 1 and looks < LOOKS_MAX:
        high, low = max(played, key=_Team.mean), min(played, key=_Team.mean)
        looks += len(high.parties) * len(low.parties)
        # Afterwards they are as near as can be when so much has gone over.
        gap = high.mean() - low.mean()
        wanted = gap / (1 / high.places + 1 / low.places)
        nearest = min(
            (
                (abs(above[one.id] - above[other.id] - wanted), n, m)
                for n, one in enumerate(high.parties)
                for m, other in enumerate(low.parties)
                if one.size() == other.size()
            ),
            default=None,
        )
        if nearest is None or nearest[0] >= wanted - 1e-9:
            return
        _, n, m = nearest
        one, other = high.parties[n], low.parties[m]
        high.parties[n], low.parties[m] = other, one
        moved = above[one.id] - above[other.id]
        high.above, low.above = high.above - moved, low.above + moved
