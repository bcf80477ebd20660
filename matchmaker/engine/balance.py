"""Splitting the parties of a match into teams of even strength."""

from collections.abc import Sequence
from dataclasses import dataclass

from matchmaker.tickets import WaitingTicket

TRIED_MAX = 4096
"""Splits looked at for one match; ten single players make 126, so small matches are exact."""


@dataclass(slots=True)
class _Search:
    parties: Sequence[WaitingTicket]
    team_size: int
    teams: list[list[WaitingTicket]]
    best: list[tuple[WaitingTicket, ...]] | None = None
    best_gap: float = float("inf")
    tried: int = 0


def balanced(
    parties: Sequence[WaitingTicket], *, teams: int, team_size: int
) -> tuple[list[tuple[WaitingTicket, ...]], float] | None:
    """Teams of exactly ``team_size`` whose mean ratings lie closest together.

    A party is never split. None when no split fits, as with parties of 3, 3 and 4 in two
    teams of 5. The gap is the largest difference of two teams' mean ratings, in points.
    """
    if sum(party.size() for party in parties) != teams * team_size:
        return None
    largest_first = sorted(parties, key=lambda party: (-party.size(), -party.mmr, party.id))
    search = _Search(largest_first, team_size, [[] for _ in range(teams)])
    _place(search, 0)
    return (search.best, search.best_gap) if search.best is not None else None


def _place(search: _Search, depth: int) -> None:
    if search.tried >= TRIED_MAX and search.best is not None:
        return
    if depth == len(search.parties):
        search.tried += 1
        gap = _gap(search.teams, search.team_size)
        if gap < search.best_gap:
            search.best_gap = gap
            search.best = [tuple(team) for team in search.teams]
        return
    party = search.parties[depth]
    tried_empty = False
    for team in search.teams:
        if not team and tried_empty:  # empty teams are alike; one of them stands for all
            continue
        tried_empty = tried_empty or not team
        if sum(member.size() for member in team) + party.size() <= search.team_size:
            team.append(party)
            _place(search, depth + 1)
            team.pop()


def _gap(teams: list[list[WaitingTicket]], team_size: int) -> float:
    means = [sum(party.mmr * party.size() for party in team) / team_size for team in teams]
    return max(means) - min(means)
