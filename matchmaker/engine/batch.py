"""Many finished matches side by side, as the vectorised rules read them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matchmaker.engine.columns import Column, Columns, Mask, Rows
from matchmaker.rules.members import Lineup
from matchmaker.rules.ruleset import Team


@dataclass(frozen=True, slots=True)
class Batch:
    """Matches, one a line; a line has as many places as the match of most parties."""

    columns: Columns
    rows: Rows
    """Who, by match and place; 0 where nobody is."""

    team: NDArray[np.int16]
    """In which team, by match and place; -1 where nobody is."""

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, which: NDArray[Any]) -> "Batch":
        """Some of the matches."""
        return Batch(self.columns, self.rows[which], self.team[which])

    def there(self, teams: tuple[int, ...] | None = None) -> Mask:
        """Which places are taken, or taken by someone of these teams."""
        if teams is None:
            return self.team >= 0
        found: Mask = self.team == teams[0]
        for team in teams[1:]:
            found |= self.team == team
        return found

    def values(self, column: Column) -> NDArray[Any]:
        """A column by match and place; anything where nobody is."""
        return self.columns.of[column][self.rows]

    def sizes(self) -> Rows:
        """Players by match and place."""
        return np.where(self.there(), self.columns.size[self.rows], 0).astype(np.int64)

    def members(self, match: int) -> Rows:
        """Rows of one match."""
        members: Rows = self.rows[match][self.team[match] >= 0]
        return members

    def lineup(self, match: int, order: tuple[Team, ...]) -> Lineup:
        """One match as it stands outside of columns."""
        lineup = Lineup.empty(order)
        for row, team in zip(self.rows[match].tolist(), self.team[match].tolist(), strict=True):
            if team >= 0:
                lineup.seated[order[team].name].append(self.columns.party(row))
        return lineup
