"""How long servers take from their creation to Ready, as whoever watches them sees it."""

from collections.abc import Sequence

from core.game_server import ServerView, State
from core.ids import ServerUid
from fleets.past import BEFORE_READY

UP = frozenset({State.READY, State.ALLOCATED, State.RESERVED})


class Starts:
    """Remembers who was starting. Servers that were Ready when first seen say nothing."""

    def __init__(self) -> None:
        self._starting: set[ServerUid] = set()

    def seen(self, servers: Sequence[ServerView], *, now_ms: int) -> list[float]:
        """Of those that became Ready since the last look, how many seconds each took."""
        took_s = [
            max(0.0, (now_ms - one.created_ms) / 1000)
            for one in servers
            if one.uid in self._starting and one.state in UP
        ]
        self._starting = {one.uid for one in servers if one.state in BEFORE_READY}
        return took_s
