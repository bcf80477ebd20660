"""The baseline of the engine's benchmark: first come, first seated, one party at a time.

A lobby for each region and each step of skill; a party joins the first lobby with room for
it in one of its teams, and a full lobby that meets the rules is a match. One that does not
sends its last party to the next lobby. What a queue does that was written in a day.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from matchmaker.engine.quality import quality
from matchmaker.rules.judge import meets_all
from matchmaker.rules.members import Lineup, Party
from matchmaker.rules.ruleset import RuleSet

STEP = 100.0
"""Points of skill in one lobby, so that the rules' windows always hold."""

LOBBIES_MAX = 16
"""Open lobbies of one kind that a party asks for room."""


@dataclass(slots=True)
class Fifo:
    """One pass over everybody who waits."""

    rules: RuleSet
    step: float = STEP
    matches: list[Lineup] = field(default_factory=list)

    def players(self) -> int:
        """Who plays."""
        return sum(match.players() for match in self.matches)

    def qualities(self) -> list[float]:
        """Of the matches that were made."""
        return [quality(match, self.rules) for match in self.matches]

    def run(self, waiting: Iterable[Party]) -> None:
        """Seat everybody in turn."""
        lobbies: dict[tuple[str, int], list[Lineup]] = defaultdict(list)
        for party in waiting:
            near = party.regions("avg")
            home = min(near, key=near.__getitem__) if near else ""
            kind = (home, int(party.one("skill", "avg") // self.step))
            self._seat(party, lobbies[kind])

    def _seat(self, party: Party, open_lobbies: list[Lineup]) -> None:
        for n, lobby in enumerate(open_lobbies[:LOBBIES_MAX]):
            team = self._team(party, lobby)
            if team is None:
                continue
            lobby.seated[team].append(party)
            if lobby.players() < self.rules.players_max():
                return
            if meets_all(lobby, self.rules):
                self.matches.append(lobby)
                del open_lobbies[n]
                return
            lobby.seated[team].pop()
        lobby = Lineup.empty(self.rules.teams)
        lobby.seated[self.rules.teams[0].name].append(party)
        open_lobbies.append(lobby)

    def _team(self, party: Party, lobby: Lineup) -> str | None:
        for team in self.rules.teams:
            if lobby.size(team.name) + party.size() <= team.max_players:
                return team.name
        return None
