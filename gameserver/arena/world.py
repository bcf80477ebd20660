"""The rules of the arena, pure: players walk about and tag players of other teams.

A square with sides of 100 units. A player walks at most 12 units a second; a tag reaches the
nearest player of another team within 6 units, scores one for the team, sends the tagged back
to where they began, and tires the tagger for half a second.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from gameserver.arena.wire import Input

SIDE: Final = 100.0
SPEED: Final = 12.0
REACH: Final = 6.0
TIRED_S: Final = 0.5
_FULL: Final = 127.0  # the largest direction on the wire


class Player(NamedTuple):
    """One player's place, in units, and score."""

    team: int
    x: float
    y: float
    score: int = 0
    tired_s: float = 0.0
    """Seconds until the next tag."""


@dataclass(frozen=True, slots=True)
class World:
    """Everything that the next step depends on. ``players`` keep their order for ever."""

    time_s: float
    players: tuple[Player, ...]


def begin(teams: Sequence[int]) -> World:
    """The world before the first step: everybody on a circle, 15 units from the middle."""
    return World(0.0, tuple(Player(team, *_corner(n, len(teams))) for n, team in enumerate(teams)))


def step(world: World, inputs: Mapping[int, Input], dt_s: float) -> World:
    """The world ``dt_s`` later; who is not in ``inputs`` stands still.

    All walk first, then tags are settled in the order of the players: of two who tag
    each other in the same step, the first one wins.
    """
    players = [_walked(player, inputs.get(n), dt_s) for n, player in enumerate(world.players)]
    for n in range(len(players)):
        wish = inputs.get(n)
        if wish is not None and wish.tag and players[n].tired_s <= 0:
            _tag(players, n)
    return World(world.time_s + dt_s, tuple(players))


def scores(world: World) -> dict[int, int]:
    """Each team's score."""
    found: dict[int, int] = {}
    for player in world.players:
        found[player.team] = found.get(player.team, 0) + player.score
    return found


def winner(world: World) -> int | None:
    """The team with the highest score; None for a draw."""
    ranked = sorted(scores(world).items(), key=lambda team: -team[1])
    if len(ranked) > 1 and ranked[0][1] == ranked[1][1]:
        return None
    return ranked[0][0] if ranked else None


def _walked(player: Player, wish: Input | None, dt_s: float) -> Player:
    team, x, y, score, tired_s = player
    if tired_s > 0:
        tired_s = max(0.0, tired_s - dt_s)
    if wish is not None and (wish.dx or wish.dy):
        # A diagonal is no faster: the direction is cut to the circle.
        way = SPEED * dt_s / max(_FULL, math.hypot(wish.dx, wish.dy))
        x = min(SIDE, max(0.0, x + wish.dx * way))
        y = min(SIDE, max(0.0, y + wish.dy * way))
    elif tired_s == player.tired_s:
        return player
    return Player(team, x, y, score, tired_s)


def _tag(players: list[Player], n: int) -> None:
    team, x, y, score, _ = players[n]
    nearest, nearest_square = -1, REACH * REACH
    for other, (other_team, other_x, other_y, _, _) in enumerate(players):
        if other_team != team:
            square = (other_x - x) ** 2 + (other_y - y) ** 2
            if square <= nearest_square:
                nearest, nearest_square = other, square
    if nearest >= 0:
        players[n] = Player(team, x, y, score + 1, TIRED_S)
        home_x, home_y = _corner(nearest, len(players))
        players[nearest] = players[nearest]._replace(x=home_x, y=home_y)


def _corner(n: int, count: int) -> tuple[float, float]:
    angle = math.tau * n / count
    return SIDE / 2 * (1 + 0.3 * math.cos(angle)), SIDE / 2 * (1 + 0.3 * math.sin(angle))
