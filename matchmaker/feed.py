"""Keeps a director's pool in step with its queue: read once, then follow the log."""

import asyncio
from collections.abc import Callable

import structlog

from core.eventlog import Event, first_id, last_id, order_of, page, tail
from core.ids import MatchId, TicketId
from matchmaker.backfills import asked
from matchmaker.engine.pool import Pool
from matchmaker.logged import LoggedQueue
from matchmaker.records import Records

log = structlog.get_logger("readyup.director")


class Feed:
    """One term's view of the queue."""

    def __init__(self, queue: Records) -> None:
        self._queue = queue
        self.logged = LoggedQueue()
        self.applied = "0-0"
        """Id of the last log entry that the pool reflects."""

        self.changed = asyncio.Event()
        """Set when something came that may make a match."""

        self.accepted: asyncio.Queue[MatchId] = asyncio.Queue()
        """Matches whose players have all accepted, to be driven on."""

        self.heard: Callable[[Event], None] = _nobody
        """Is told of every event too."""

        self._one_at_a_time = asyncio.Lock()

    @property
    def pool(self) -> Pool:
        """Those of whom matches may be made."""
        return self.logged.pool

    async def load(self) -> None:
        """Read all that waits; then it is as the log says, up to an entry of it.

        Tickets are read one page after the other while the log goes on. What it said meanwhile
        is applied to all of them, which leaves each as the last of it says.
        """
        async with self._one_at_a_time:
            applied = await last_id(self._queue.store, self._queue.log)
            held = await self._queue.held(await self._queue.live())
            anew = LoggedQueue(held, await asked(self._queue))
            while events := await page(self._queue.store, self._queue.log, applied):
                for event in events:
                    self._apply(event, anew)
                applied = events[-1]["i"]
            anew.hold(self.logged.in_hand)
            anew.hold_requests(self.logged.requests_in_hand)
            self.logged, self.applied = anew, applied
        self.changed.set()

    async def follow(self, stop: asyncio.Event) -> None:
        """Apply the log as it grows, until ``stop``."""
        async for event in tail(self._queue.store, self._queue.log, self.applied, stop):
            async with self._one_at_a_time:
                if order_of(event["i"]) > order_of(self.applied):  # else it was read anew meanwhile
                    self._apply(event, self.logged)
                    self.applied = event["i"]

    async def missed_some(self) -> bool:
        """Whether the log was trimmed past us, so that ``load`` must read everything again."""
        oldest = await first_id(self._queue.store, self._queue.log)
        return order_of(oldest) > order_of(self.applied) and self.applied != "0-0"

    def _apply(self, event: Event, logged: LoggedQueue) -> None:
        if logged.apply(event):
            self.changed.set()
        self.heard(event)
        if event["k"] == "match.accepted":
            self.accepted.put_nowait(MatchId(event["match"]))

    async def put_back(self, tickets: list[TicketId], requests: list[MatchId]) -> None:
        """Those of the tickets that wait are looked at again, and so are the requests.

        Of others the log has yet to tell what became of them.
        """
        self.logged.let_go_requests(requests)
        if tickets:
            waiting = await self._queue.waiting(tickets)
            self.logged.let_go(ticket.id for ticket in waiting)
            self.changed.set()


def _nobody(_: Event) -> None:
    """Nobody else wants to know."""
