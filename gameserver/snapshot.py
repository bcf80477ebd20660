"""What another server would need to go on with a match: the newest of it, said now and then."""

import math
from dataclasses import dataclass

from core.errors import Invalid
from core.game_server import SNAPSHOT_MAX_BYTES


@dataclass(slots=True)
class Snapshot:
    """Of one match. What is newer replaces what was not said yet."""

    state: bytes | None = None
    n: int = 0
    """How many there were; the allocator keeps the one with the highest."""

    _said_n: int = 0
    _said_s: float = -math.inf

    def take(self, state: bytes) -> None:
        """The game's newest word.

        Raises:
            Invalid: it is larger than ``SNAPSHOT_MAX_BYTES``; the one before stands.
        """
        if len(state) > SNAPSHOT_MAX_BYTES:
            raise Invalid(
                f"a snapshot of {len(state)} bytes; at most {SNAPSHOT_MAX_BYTES} are kept",
                field="state",
            )
        self.state, self.n = state, self.n + 1

    def due(self, now_s: float, *, every_s: float) -> bool:
        """Whether there is something new, and the last time is ``every_s`` ago. 0: never."""
        return bool(every_s) and self._said_n < self.n and now_s - self._said_s >= every_s

    def said(self, now_s: float) -> None:
        """The newest was said."""
        self._said_n, self._said_s = self.n, now_s

    def unsaid(self) -> None:
        """Whoever heard it may be gone: it is to be said again."""
        self._said_n = 0
