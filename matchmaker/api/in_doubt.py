"""Tickets whose creation was asked for and is not answered yet.

What a script did is announced at once, and lasts only once a replica has it. Whoever is told
"you wait" in between would wait for nothing after a failover that forgets it.
"""

import contextlib
from collections.abc import Callable, Iterator

from core.ids import TicketId


class InDoubt:
    """What this process has announced to it and does not pass on yet."""

    def __init__(self) -> None:
        self._held: dict[TicketId, list[Callable[[], None]]] = {}

    @contextlib.contextmanager
    def until_known(self, ticket: TicketId) -> Iterator[None]:
        """Hold what is said of a new ticket: told when the block ends well, else dropped."""
        held = self._held[ticket] = []
        try:
            yield
        except BaseException:
            self.known(ticket)
            raise
        if ticket in self._held:
            self.known(ticket)
            for tell in held:
                tell()

    def hold(self, ticket: TicketId, tell: Callable[[], None]) -> bool:
        """Tell it later if the ticket is in doubt; False when it is not."""
        if ticket not in self._held:
            return False
        self._held[ticket].append(tell)
        return True

    def known(self, ticket: TicketId) -> None:
        """It is in doubt no more, and what was held is old; twice is fine."""
        self._held.pop(ticket, None)
