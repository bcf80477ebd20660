"""Who is in a match, as rules see them: a party counts by its aggregate where a rule says so."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from matchmaker.rules.ruleset import Team

Value = Any
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Player:
    """One player, with the rule set's defaults filled in."""

    id: str
    attributes: Mapping[str, Value] = field(default_factory=dict)
    latency_ms: Mapping[str, float] = field(default_factory=dict)
    """Region to round trip."""


@dataclass(frozen=True)
class Party:
    """One ticket: its players go to one team, all or none."""

    id: str
    players: tuple[Player, ...]
    at_s: float = 0.0
    """When it was enqueued."""

    avoids: frozenset[str] = frozenset()
    """Players with whom it is in no match."""

    _seen: dict[Hashable, Any] = field(default_factory=dict, repr=False, compare=False)

    def __hash__(self) -> int:
        return hash(self.id)

    def size(self) -> int:
        """Players in it."""
        return len(self.players)

    def keeps_from(self, other: "Party") -> bool:
        """Whether no match has both, because one of them avoids somebody of the other."""
        return bool(self.avoids or other.avoids) and not (
            self.avoids.isdisjoint(player.id for player in other.players)
            and other.avoids.isdisjoint(player.id for player in self.players)
        )

    def values(self, attribute: str, by: str = "") -> list[Value]:
        """One value for each player.

        ``by`` avg, min or max: numbers are the party's aggregate, for each of its players
        alike, so that a team's average stays one over players. ``by`` union or
        intersection: the players' lists made one list, which stands once for the party.
        """
        key = (attribute, by)
        found: list[Value] | None = self._seen.get(key)
        if found is None:
            found = _aggregated([player.attributes.get(attribute) for player in self.players], by)
            self._seen[key] = found
        return found

    def remembered(self, key: Hashable, work_out: Callable[[], Found]) -> Found:
        """What was worked out of this party under a key before; worked out the first time."""
        found: Found | None = self._seen.get(key)
        if found is None:
            found = self._seen[key] = work_out()
        return found

    def one(self, attribute: str, by: str) -> Value:
        """The party's single value of an attribute."""
        return self.values(attribute, by)[0]

    def regions(self, by: str) -> dict[str, float]:
        """Regions that all its players reported, with the party's latency."""
        return self.remembered(("\n", by), lambda: self._regions(by))

    def _regions(self, by: str) -> dict[str, float]:
        common = set(self.players[0].latency_ms).intersection(
            *(player.latency_ms for player in self.players[1:])
        )
        return {
            region: aggregate([player.latency_ms[region] for player in self.players], by)
            for region in sorted(common)
        }


def aggregate(values: Sequence[float], by: str) -> float:
    """One number for several: their min, their max, or their mean."""
    if by == "min":
        return min(values)
    if by == "max":
        return max(values)
    return sum(values) / len(values)


def _aggregated(values: list[Value], by: str) -> list[Value]:
    if len(values) == 1 or not by:
        return values
    if by in ("union", "intersection"):
        if not all(isinstance(value, list) for value in values):
            return values
        if by == "union":
            return [[text for value in values for text in value]]
        first, *rest = values
        return [[text for text in first if all(text in value for value in rest)]]
    if all(isinstance(value, int | float) for value in values):
        return [aggregate(values, by)] * len(values)
    return values


@dataclass(slots=True)
class Lineup:
    """Parties in the teams of a match, complete or not; what expressions are worked out on."""

    order: tuple[Team, ...]
    seated: dict[str, list[Party]]
    by: str = ""
    """How parties are aggregated for the rule that looks."""

    @classmethod
    def empty(cls, teams: Iterable[Team]) -> "Lineup":
        """Nobody yet."""
        order = tuple(teams)
        return cls(order, {team.name: [] for team in order})

    def seen_by(self, aggregation: str) -> "Lineup":
        """The same people, with parties aggregated so."""
        return Lineup(self.order, self.seated, aggregation)

    def parties(self) -> list[Party]:
        """Everybody, team by team."""
        return [party for team in self.order for party in self.seated[team.name]]

    def size(self, team: str) -> int:
        """Players in a team."""
        return sum(party.size() for party in self.seated[team])

    def players(self) -> int:
        """Players in the match."""
        return sum(self.size(team.name) for team in self.order)

    def teams(self, names: Sequence[str]) -> Sequence[str]:
        return [
            team.name
            for team in self.order
            if "*" in names or team.name in names or team.definition in names
        ]

    def ids(self, team: str) -> list[Value]:
        return [player.id for party in self.seated[team] for player in party.players]

    def attribute(self, team: str, name: str) -> list[Value]:
        return [value for party in self.seated[team] for value in party.values(name, self.by)]
