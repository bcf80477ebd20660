"""What a match lacks: who left and did not come back, what its game asks for, and who knows of it.

A link that breaks is no leaver yet: a player has a while to come back. Whoever did not is gone,
until they return or somebody else has their seat.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from core.ids import PlayerId
from core.placement import SeatedPlayer


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for."""

    open: Mapping[str, int] = field(default_factory=dict)
    """Team to seats."""

    gone: tuple[PlayerId, ...] = ()
    """Players whose seats may be given to others."""

    automatic: bool = True
    """Not the game asks, but we, for those who left."""


NOBODY = Request()

LATER = "filling"
"""The answer while newcomers are on their way: it is to be asked again."""


@dataclass(slots=True)
class Vacancies:
    """Of one match."""

    n: int = 0
    """Rises with every request that differs from the one before."""

    _left_s: dict[PlayerId, float] = field(default_factory=dict)
    _replaced: set[PlayerId] = field(default_factory=set)
    _by_game: Request | None = None
    _request: Request = NOBODY
    _answered_n: int = 0
    _said_s: float = 0.0
    _unwanted: bool = False
    """The queue wants nothing that no game asked for."""

    def left(self, player: PlayerId, now_s: float) -> None:
        """A player is not connected any more."""
        self._left_s.setdefault(player, now_s)

    def back(self, player: PlayerId) -> None:
        """A player is connected."""
        self._left_s.pop(player, None)

    def ask(self, open_: Mapping[str, int], gone: Collection[PlayerId]) -> None:
        """The game asks; without seats it asks no more."""
        wanted = {team: seats for team, seats in open_.items() if seats > 0}
        self._by_game = Request(wanted, tuple(sorted(gone)), automatic=False) if wanted else None

    def seated(self, players: Iterable[SeatedPlayer]) -> None:
        """These are the match's players from now on; what was asked for has been answered."""
        there = {seated.player for seated in players}
        lost = {player for player in self._left_s if player not in there}
        self._replaced |= lost
        self._by_game = None
        for player in lost:
            del self._left_s[player]

    def was_replaced(self, player: PlayerId) -> bool:
        """Whether somebody else has the player's seat."""
        return player in self._replaced

    def gone(self, now_s: float, *, rejoin_s: float) -> tuple[PlayerId, ...]:
        """Who left so long ago that they are not awaited."""
        return tuple(
            sorted(player for player, at_s in self._left_s.items() if now_s - at_s >= rejoin_s)
        )

    def leavers(self, now_s: float, *, rejoin_s: float) -> list[PlayerId]:
        """Who left and did not come back, those among them whose seats others have."""
        return sorted({*self._replaced, *self.gone(now_s, rejoin_s=rejoin_s)})

    def to_say(
        self, players: Iterable[SeatedPlayer], now_s: float, *, rejoin_s: float, again_s: float
    ) -> Request | None:
        """A request that has to be said now; it counts as said."""
        request = self._by_game or self._own(players, self.gone(now_s, rejoin_s=rejoin_s))
        if request != self._request:
            self._request, self.n, self._said_s = request, self.n + 1, -again_s
        if self._answered_n == self.n or now_s - self._said_s < again_s:
            return None
        if request.automatic and self._unwanted:
            return None
        self._said_s = now_s
        return request

    def answered(self, n: int, state: str) -> None:
        """The allocator took a request, or will not have it."""
        self._unwanted = self._unwanted or (state == "off" and self._request.automatic)
        if n == self.n and state != LATER:
            self._answered_n = n

    @staticmethod
    def _own(players: Iterable[SeatedPlayer], gone: tuple[PlayerId, ...]) -> Request:
        open_ = Counter(seated.team for seated in players if seated.player in gone)
        return Request(dict(open_), gone) if open_ else NOBODY
