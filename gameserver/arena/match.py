"""One match in the arena: its seats, its world, and when it begins and ends.

Time is counted in ticks that ran, so a server that stalls takes nothing from its players.
"""

from dataclasses import dataclass
from typing import Any, Final

from core.ids import PlayerId
from gameserver.arena import world as rules
from gameserver.arena.keeping import keep, restored
from gameserver.arena.link import Link
from gameserver.arena.path import PathMeter
from gameserver.arena.wire import Body, Input, Snapshot, encode_world
from gameserver.rooms import Assignment

TICK_HZ: Final = 60
_GATHER_TICKS: Final = 3 * TICK_HZ  # how long those who came first wait for the others
_EMPTY_TICKS: Final = 20 * TICK_HZ  # an arena that everybody left waits so long for a rejoin


@dataclass(slots=True)
class PlayerLink:
    """A player's end of the line, as the server holds it."""

    link: Link
    address: tuple[str, int]
    """Fixed by the join: a datagram from elsewhere is not heard."""

    path: PathMeter
    join: bytes
    """The datagram that opened it, and what it was answered."""

    welcome: bytes
    match: "ArenaMatch"
    seat: int
    heard_tick: int
    """When the player was heard last, in ticks that ran."""

    proven: bool = False
    """The player answered from that address, so snapshots may go there."""


@dataclass(slots=True)
class Seat:
    """One player's place in the match, whether they are there or not."""

    player: PlayerId
    team: str
    number: int
    """Within the team."""

    link: PlayerLink | None = None
    path: PathMeter | None = None
    """Of the newest link, also once it is gone."""

    joins: int = 0


class ArenaMatch:
    """A match from its assignment to its result, or from where another server left it.

    Knows no socket.
    """

    def __init__(self, assignment: Assignment, *, seconds: float, phase: int) -> None:
        players = sorted(assignment.players, key=lambda seated: (seated.team, seated.seat))
        self.id = assignment.match
        self.phase = phase
        """Which of the ticks between two snapshots is this match's: rooms take turns."""

        self.seats = [Seat(seated.player, seated.team, seated.seat) for seated in players]
        self.inputs: dict[int, Input] = {}
        """What each seat wants, until it says otherwise."""

        self._teams = sorted({seat.team for seat in self.seats})
        self.world = rules.begin([self._teams.index(seat.team) for seat in self.seats])
        self._seconds = seconds
        self._waited_ticks = 0
        self._empty_ticks = 0
        self._begun = False
        self.ticks = 0
        if assignment.snapshot is not None:
            before = restored(assignment.snapshot, players=len(self.seats))
            self.ticks, self.world = before.ticks, before.world

    def seat_for(self, player: PlayerId, team: str, number: int) -> int | None:
        """The place of a player in ``seats`` and in snapshots; None without such a seat.

        A newcomer takes the figure of whoever had the seat, with its score.
        """
        for n, seat in enumerate(self.seats):
            if (seat.team, seat.number) == (team, number):
                if seat.player != player:
                    seat.player, seat.joins = player, 0
                return n
        return None

    def sit(self, n: int, link: PlayerLink) -> PlayerLink | None:
        """The player of seat ``n`` is on this link now; returns the one it replaces."""
        seat = self.seats[n]
        before, seat.link, seat.path = seat.link, link, link.path
        seat.joins += 1
        self.inputs.pop(n, None)
        return before

    def leave(self, n: int) -> None:
        """The player of seat ``n`` is not connected; their figure stands still."""
        self.seats[n].link = None
        self.inputs.pop(n, None)

    def advance(self) -> bool:
        """One tick; True once the match is over."""
        here = sum(seat.link is not None for seat in self.seats)
        if not self._begun:
            came = any(seat.joins for seat in self.seats)
            self._waited_ticks += came
            self._begun = here == len(self.seats) or self._waited_ticks > _GATHER_TICKS
            if not self._begun:
                return False
        self.ticks += 1
        self.world = rules.step(self.world, self.inputs, 1 / TICK_HZ)
        self._empty_ticks = 0 if here else self._empty_ticks + 1
        return self.world.time_s >= self._seconds or self._empty_ticks > _EMPTY_TICKS

    @property
    def begun(self) -> bool:
        """Whether time runs: those who came wait for the others, at first and after a move."""
        return self._begun

    def keep(self) -> bytes:
        """What another server needs to go on."""
        return keep(self.ticks, self.world)

    def snapshot(self) -> bytes:
        """The world as every player of the match sees it."""
        left_ms = max(0, round(1000 * (self._seconds - self.world.time_s)))
        bodies = tuple(
            Body(round(x * 100), round(y * 100), min(score, 65535), seat.link is not None)
            for seat, (_, x, y, score, _) in zip(self.seats, self.world.players, strict=True)
        )
        return encode_world(Snapshot(self.ticks, left_ms, bodies))

    def result(self) -> dict[str, Any]:
        """Who won, and how each player's path was, as JSON."""
        best = rules.winner(self.world)
        return {
            "winner": None if best is None else self._teams[best],
            "teams": {self._teams[team]: n for team, n in rules.scores(self.world).items()},
            "players": {
                seat.player: {
                    "team": seat.team,
                    "score": player.score,
                    "joins": seat.joins,
                    **(seat.path.figures()._asdict() if seat.path else {}),
                }
                for seat, player in zip(self.seats, self.world.players, strict=True)
            },
            "seconds": round(self.world.time_s, 3),
        }
