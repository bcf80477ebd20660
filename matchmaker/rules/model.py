"""What a queue asks of a match, as values: teams, their size, and the rating window."""

import hashlib
from dataclasses import dataclass

from core.errors import Invalid
from matchmaker.rules.asked import Asked


@dataclass(frozen=True, slots=True)
class RatingWindow:
    """How far apart the ratings of one match may lie; wider the longer one waits."""

    start: float = 100.0
    """Points a fresh ticket accepts between the best and the worst of its match."""

    per_s: float = 50.0
    """Points added for each second of waiting."""

    end: float = 1000.0
    """Points beyond which it never widens."""

    def width(self, waited_s: float) -> float:
        """Points accepted after so many seconds."""
        return min(self.end, self.start + self.per_s * max(0.0, waited_s))


@dataclass(frozen=True, slots=True)
class Rules(Asked):
    """The rules of one queue."""

    teams: tuple[str, ...]
    team_size: int
    """Players in each team. A party never exceeds it."""

    window: RatingWindow = RatingWindow()

    def __post_init__(self) -> None:
        if not self.teams or len(set(self.teams)) != len(self.teams):
            raise Invalid("teams needs at least one name, each once", field="$.teams")
        if not 1 <= self.team_size <= 100:
            raise Invalid(f"{self.team_size} is outside 1 to 100", field="$.team_size")

    def team_names(self) -> tuple[str, ...]:
        return self.teams

    def party_max(self) -> int:
        return self.team_size

    def match_size(self) -> int:
        """Players in a full match."""
        return len(self.teams) * self.team_size

    def version(self) -> str:
        """Twelve hex digits that change whenever a rule does."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:12]
