"""Newcomers on their way to a match that runs."""

from dataclasses import replace

from prometheus_client import CollectorRegistry

from core.clock import SystemClock
from core.dice import stream
from core.ids import PlayerId
from core.placement import Placement, SeatOrder
from core.redis import Store
from matchmaker.backfills import Wanted, ask, asked
from matchmaker.cooldown import kept_apart
from matchmaker.engine.backfill import newcomers
from matchmaker.engine.pool import PoolView
from matchmaker.metrics import MatchmakerMetrics
from matchmaker.placing import Placing
from matchmaker.store import QueueStore
from tests.matchmaker.rooms import FewRooms
from tests.matchmaker.test_store import M1, A, B, C, lead, new, placement, proposed, settings

CLOCK = SystemClock()


class Seats(FewRooms):
    """Every match that runs has the seats that are asked for."""

    async def seat(self, order: SeatOrder, *, now_ms: int) -> Placement | None:
        return replace(placement(order.match), epoch=order.epoch)


async def test_newcomers_are_not_matched_again_at_once_with_those_they_came_to(store: Store):
    queue = QueueStore(store, settings(backfill="manual", rematch_cooldown_s=60.0))
    epoch, now_ms = await lead(queue), CLOCK.wall_ms()
    for ticket in (A, B, C):
        times = {"expires_ms": now_ms + 60_000}
        await queue.enqueue(new(ticket, **times), now_ms=now_ms)
    await proposed(queue, M1, epoch)
    await queue.commit(M1, placement(M1), epoch=epoch, now_ms=now_ms)
    await ask(queue, Wanted(M1, "", {"blue": 1}, (PlayerId("p-b"),)), now_ms=now_ms)
    ((request, _),) = await asked(queue)
    waiting = PoolView.of(await queue.waiting([C]))
    found = newcomers(request, waiting, queue.settings.rules, now_ms=now_ms)
    assert found is not None
    placing = Placing(
        queue, Seats(0), epoch=epoch, clock=CLOCK, chance=stream(1, "placing"),
        metrics=MatchmakerMetrics(CollectorRegistry()),
    )  # fmt: skip

    assert await placing.place([placing.form(found)]) == []

    assert list(await kept_apart(queue, [PlayerId("p-c")], [], now_ms=now_ms)) == ["p-a"]
