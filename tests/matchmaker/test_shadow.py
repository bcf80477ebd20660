"""The same people under other rules: who is there, who has left, and that nothing comes of it."""

import asyncio
import json

import msgspec
from prometheus_client import CollectorRegistry

from core.clock import SystemClock
from core.dice import stream
from core.eventlog import page
from core.ids import FleetName, MatchId, PlayerId, QueueName, TicketId
from core.redis import Store
from matchmaker.director import Director
from matchmaker.engine.search import Found
from matchmaker.metrics import MatchmakerMetrics
from matchmaker.rules.model import RatingWindow, Rules
from matchmaker.settings import QueueSettings
from matchmaker.shadow import Shadow
from matchmaker.shadow_figures import ShadowFigures
from matchmaker.shadowing import Shadowing
from matchmaker.store import QueueStore
from matchmaker.tickets import NewTicket, OpenMatch, TicketPlayer, WaitingTicket
from tests.matchmaker.rooms import FewRooms
from tests.matchmaker.test_rollout import rules

CLOCK = SystemClock()


def came(ticket: str, t: int, mmr: float = 1500.0) -> dict:
    body = json.dumps({"players": [f"p-{ticket}"], "mmr": mmr})
    return {"k": "ticket.enqueued", "t": t, "ticket": ticket, "body": body}


def shadow(distance: float = 50, **more) -> Shadow:
    return Shadow(rules(distance), wait_s=0.0, lifetime_s=60.0, **more)


def names(made) -> list[set[str]]:
    return [{one.id for one in match.tickets()} for match in made]


def test_who_is_matched_in_the_shadow_leaves_it():
    there = shadow()
    for event in (came("a", 0), came("b", 1000), came("c", 2000, 9000)):
        there.apply(event)

    assert names(there.run(3000)) == [{"a", "b"}]
    assert there.run(3100) == []
    assert len(there) == 1


def test_who_is_matched_in_reality_waits_on_in_the_shadow():
    there = shadow()
    there.apply(came("a", 0))
    there.apply({"k": "match.committed", "t": 500, "tickets": ["a", "x"]})
    there.apply(came("b", 1000))

    assert names(there.run(2000)) == [{"a", "b"}]


def test_who_takes_the_ticket_back_or_outlives_it_is_gone():
    there = shadow()
    there.apply(came("a", 0))
    there.apply(came("b", 100))
    there.apply({"k": "ticket.cancelled", "t": 200, "ticket": "b"})
    assert there.run(59_000) == []

    there.apply(came("c", 59_500))

    assert there.run(61_000) == []
    assert len(there) == 1


def test_lifetimes_end_in_their_order_though_it_begins_with_people_in_another():
    there = shadow()
    for event in (came("young", 50_000, 1000), came("old", 0, 2000)):
        there.apply(event)

    there.run(61_000)

    assert len(there) == 1


def test_there_are_no_more_than_it_may_hold():
    there = shadow(waiting_max=2)
    for n in range(5):
        there.apply(came(f"t{n}", n, 1000.0 * n))

    assert (len(there), there.left_out) == (2, 3)


async def test_newcomers_to_a_match_that_runs_are_no_match_to_compare_with(store: Store):
    window = Rules(("red", "blue"), 1)
    queue = QueueStore(store, QueueSettings(QueueName("duel"), window, FleetName("arena")))
    metrics = MatchmakerMetrics(CollectorRegistry())
    beside = Shadowing(queue, rules(10), clock=CLOCK, metrics=metrics)
    ticket = WaitingTicket(TicketId("duel.1"), (PlayerId("p"),), 1500.0, CLOCK.wall_ms())
    match = MatchId("duel.m")
    request = OpenMatch("r", match, 0, FleetName("arena"), 1, {"red": 1}, (), {}, {})

    beside.done([Found(((ticket,), ()), 0.0, 0.0, of=request)], CLOCK.wall_ms())
    beside._turn()

    assert beside.figures().live.matches_per_min == 0


async def test_a_queues_shadow_claims_nothing_and_shows_both_sides(store: Store):
    window = Rules(("red", "blue"), 1, RatingWindow(2000, 0, 2000))
    settings = QueueSettings(QueueName("duel"), window, FleetName("arena"), shadow_rules=rules(10))
    queue, metrics = QueueStore(store, settings), MatchmakerMetrics(CollectorRegistry())
    director = Director(
        queue, FewRooms(9), holder="d", clock=CLOCK, chance=stream(1, "d"), metrics=metrics
    )
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group, asyncio.timeout(10):
        group.create_task(director.run(stop))
        for n, rating in enumerate((1500, 1900, 1504, 1000)):
            now_ms, player = CLOCK.wall_ms(), TicketPlayer(PlayerId(f"p{n}"), rating)
            ticket = NewTicket(
                TicketId(f"duel.{n}"), settings.name, (player,), "b:t", now_ms + 60_000, 0
            )
            await queue.enqueue(ticket, now_ms=now_ms)
            await asyncio.sleep(0.15)
        while not (said := await store.call("GET", f"{queue.base}:shadow")):
            await asyncio.sleep(0.05)
        figures = msgspec.json.decode(said, type=ShadowFigures)
        while figures.live.matches_per_min == 0 or figures.shadow.matches_per_min == 0:
            await asyncio.sleep(0.1)
            figures = msgspec.json.decode(
                await store.call("GET", f"{queue.base}:shadow"), type=ShadowFigures
            )
        stop.set()

    log = await page(store, queue.log, "0-0")
    committed = [one for one in log if one["k"] == "match.committed"]
    assert [sorted(one["tickets"]) for one in committed] == [
        ["duel.0", "duel.1"],
        ["duel.2", "duel.3"],
    ]
    assert figures.version == rules(10).version()
    assert figures.shadow.quality_p50 > figures.live.quality_p50
    assert figures.waiting == 2
    where = {"queue": "duel", "side": "shadow"}
    name = "readyup_matchmaker_shadow_matches_per_minute"
    assert metrics.registry.get_sample_value(name, where) > 0
