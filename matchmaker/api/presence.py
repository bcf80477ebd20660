"""Presence is liveness: while a player's socket or event stream is open, their ticket lives."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping

import structlog

from core.clock import Clock
from core.errors import Exhausted, StoreUnreachable
from core.ids import TicketId, queue_of
from core.supervise import every
from matchmaker.api.keys import Principal
from matchmaker.api.shapes import TicketOut
from matchmaker.store import QueueStore

log = structlog.get_logger("readyup.presence")

RENEW_S = 5.0
"""A quarter of the grace a lost socket leaves, so that three renewals may fail."""


class Presence:
    """Tickets whose owners are connected to this process."""

    def __init__(self, queues: Mapping[str, QueueStore], clock: Clock) -> None:
        self._queues = queues
        self._clock = clock
        self._present: Counter[TicketId] = Counter()

    @contextlib.contextmanager
    def of(self, ticket: TicketOut, caller: Principal) -> Iterator[None]:
        """The ticket's owner is there while the block lasts; others' presence does not count."""
        self.came(ticket, caller)
        try:
            yield
        finally:
            self.went(TicketId(ticket.id))

    def came(self, ticket: TicketOut, caller: Principal) -> None:
        """A socket of the ticket's players is open; each ``came`` wants one ``went``."""
        if not caller.is_backend():
            self._present[TicketId(ticket.id)] += 1

    def went(self, ticket: TicketId) -> None:
        """A socket was closed, or its ticket ended; more often than it came is fine."""
        self._present[ticket] -= 1
        if self._present[ticket] <= 0:
            del self._present[ticket]

    async def run(self, stop: asyncio.Event) -> None:
        """Renew everybody's presence every few seconds until ``stop``."""

        async def renew() -> None:
            by_queue: dict[str, list[TicketId]] = {}
            for ticket in self._present:
                by_queue.setdefault(queue_of(ticket), []).append(ticket)
            for queue, tickets in by_queue.items():
                with contextlib.suppress(StoreUnreachable, Exhausted):
                    await self._queues[queue].heartbeat(tickets, now_ms=self._clock.wall_ms())

        await every(RENEW_S, renew, stop=stop)
