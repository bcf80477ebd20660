"""Keeps a director's pool in step with its queue: read once, then follow the log."""

import asyncio

import structlog

from core.eventlog import Event, first_id, last_id, tail
from core.ids import MatchId, TicketId
from matchmaker.engine.pool import Pool
from matchmaker.records import Records, waiting_ticket

log = structlog.get_logger("readyup.director")


class Feed:
    """One term's view of the queue."""

    def __init__(self, queue: Records) -> None:
        self._queue = queue
        self.pool = Pool()
        self.applied = "0-0"
        """Id of the last log entry that the pool reflects."""

        self.changed = asyncio.Event()
        """Set when something came that may make a match."""

        self.accepted: asyncio.Queue[MatchId] = asyncio.Queue()
        """Matches whose players have all accepted, to be driven on."""

        self._one_at_a_time = asyncio.Lock()

    async def load(self) -> None:
        """Read all that waits. The log's end is noted first, so nothing falls between.

        What the log says meanwhile is applied to what was read, not to what is replaced.
        """
        async with self._one_at_a_time:
            self.applied = await last_id(self._queue.store, self._queue.log)
            self.pool.replace(await self._queue.waiting(await self._queue.live()))
        self.changed.set()

    async def follow(self, stop: asyncio.Event) -> None:
        """Apply the log as it grows, until ``stop``."""
        async for event in tail(self._queue.store, self._queue.log, self.applied, stop):
            async with self._one_at_a_time:
                await self._apply(event)
                self.applied = event["i"]

    async def missed_some(self) -> bool:
        """Whether the log was trimmed past us, so that ``load`` must read everything again."""
        oldest = await first_id(self._queue.store, self._queue.log)
        return _order(oldest) > _order(self.applied) and self.applied != "0-0"

    async def _apply(self, event: Event) -> None:
        match event["k"]:
            case "ticket.enqueued":
                self.pool.add(waiting_ticket(event["ticket"], event["body"], event["t"]))
                self.changed.set()
            case "ticket.updated":
                if held := self.pool.get(event["ticket"]):
                    self.pool.add(waiting_ticket(held.id, event["body"], held.enqueued_ms))
                    self.changed.set()
            case "ticket.cancelled" | "ticket.expired":
                self.pool.remove(event["ticket"])
            case "match.proposed":
                for ticket in event["tickets"]:
                    self.pool.remove(ticket)
            case "match.accepted":
                self.accepted.put_nowait(MatchId(event["match"]))
            case "match.closed":
                await self.put_back([TicketId(ticket) for ticket in event.get("tickets", ())])
            case _:
                pass

    async def put_back(self, tickets: list[TicketId]) -> None:
        """Those of the tickets that wait are held again, with their age."""
        if tickets:
            for ticket in await self._queue.waiting(tickets):
                self.pool.add(ticket)
            self.changed.set()


def _order(entry: str) -> tuple[int, int]:
    ms, _, n = entry.partition("-")
    return int(ms), int(n or 0)
