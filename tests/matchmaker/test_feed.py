"""The director's copy of its queue: what the log brings while all of it is read anew."""

import asyncio
import contextlib
from collections.abc import Sequence

from core.clock import SystemClock
from core.ids import FleetName, PlayerId, QueueName, TicketId
from core.redis import Store
from matchmaker.feed import Feed
from matchmaker.rules.model import Rules
from matchmaker.settings import QueueSettings
from matchmaker.store import QueueStore
from matchmaker.tickets import NewTicket, TicketPlayer, WaitingTicket

DUEL = QueueName("duel")
CLOCK = SystemClock()


async def enqueue(queue: QueueStore, name: str) -> None:
    now_ms = CLOCK.wall_ms()
    players = (TicketPlayer(PlayerId(name), 1500.0),)
    ticket = NewTicket(TicketId(f"duel.{name}"), DUEL, players, "b:t", now_ms + 60_000, 0)
    await queue.enqueue(ticket, now_ms=now_ms)


class Slow(QueueStore):
    """Somebody enqueues while the waiting tickets are read, and the log has all the time."""

    feed: Feed

    async def held(self, tickets: Sequence[TicketId]) -> list[tuple[str, WaitingTicket]]:
        found = await super().held(tickets)
        await enqueue(self, "bo")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.1):
                while self.feed.pool.get(TicketId("duel.bo")) is None:
                    await asyncio.sleep(0.002)
        return found


async def test_who_comes_while_the_queue_is_read_anew_is_not_forgotten(store: Store):
    queue = Slow(store, QueueSettings(DUEL, Rules(("red", "blue"), 1), FleetName("arena")))
    feed = queue.feed = Feed(queue)
    await enqueue(queue, "ann")
    stop = asyncio.Event()
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(feed.follow(stop))
        while feed.pool.get(TicketId("duel.ann")) is None:
            await asyncio.sleep(0.002)
        await feed.load()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                while len(feed.pool) < 2:
                    await asyncio.sleep(0.002)
        stop.set()

    assert feed.pool.players() == 2
