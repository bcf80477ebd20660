"""Last words, repeated until they are answered with a goodbye or some seconds have passed."""

from collections.abc import Iterator
from typing import Final

from gameserver.arena.match import TICK_HZ, PlayerLink
from gameserver.arena.wire import Kind

REPEAT_TICKS: Final = 3 * TICK_HZ
"""How long a last word is repeated; who hears none of them will notice the silence."""


class Farewells:
    """Links that have ended for the server, but whose players may not know yet."""

    def __init__(self) -> None:
        self._words: dict[int, tuple[PlayerLink, Kind, bytes, int]] = {}

    def __contains__(self, link: int) -> bool:
        """Whether this link is on its way out."""
        return link in self._words

    def say(self, player: PlayerLink, kind: Kind, payload: bytes, *, tick: int) -> bytes:
        """The datagram to send now; more follow from ``again``."""
        self._words[player.link.id] = player, kind, payload, tick + REPEAT_TICKS
        return player.link.seal(kind, payload)

    def again(self, tick: int) -> Iterator[tuple[PlayerLink, bytes]]:
        """What to repeat now; an empty datagram for a link that is to be forgotten."""
        for link, (player, kind, payload, until_tick) in list(self._words.items()):
            if tick > until_tick:
                del self._words[link]
                yield player, b""
            else:
                yield player, player.link.seal(kind, payload)

    def answered(self, link: int) -> None:
        """The player said goodbye."""
        self._words.pop(link, None)
