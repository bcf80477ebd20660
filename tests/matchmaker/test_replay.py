"""What directors did, done once more from what they wrote down."""

import asyncio
import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from core.clock import SystemClock
from core.dice import stream
from core.ids import FleetName, PlayerId, QueueName, TicketId
from core.pause import Pause
from core.redis import Store
from matchmaker.director import Director
from matchmaker.metrics import MatchmakerMetrics
from matchmaker.recording import Recording, lines_of, recorded
from matchmaker.replay import rerun
from matchmaker.rules import flexmatch
from matchmaker.rules.asked import Asked
from matchmaker.rules.model import RatingWindow, Rules
from matchmaker.rules.rollout import Rollout
from matchmaker.rules.ruleset import RuleSet
from matchmaker.settings import QueueSettings
from matchmaker.store import QueueStore
from matchmaker.tickets import NewTicket, TicketPlayer
from tests.matchmaker.rooms import FewRooms

CLOCK = SystemClock()
REGIONS, MAPS = ("eu", "us", "ap"), tuple(f"map{n}" for n in range(70))


def rule_set(players: int, near: float, wider_s: float) -> Asked:
    target = {"target": "rules[near].maxDistance"}
    return flexmatch.load(
        json.dumps(
            {
                "ruleLanguageVersion": "1.0",
                "playerAttributes": [
                    {"name": "skill", "type": "number"},
                    {"name": "maps", "type": "string_list"},
                ],
                "teams": [
                    {"name": name, "minPlayers": 1, "maxPlayers": players}
                    for name in ("red", "blue")
                ],
                "rules": [
                    {
                        "name": "near",
                        "type": "batchDistance",
                        "batchAttribute": "skill",
                        "maxDistance": near,
                    },
                    {
                        "name": "map",
                        "type": "collection",
                        "operation": "intersection",
                        "measurements": ["flatten(teams[*].players.attributes[maps])"],
                        "minCount": 1,
                    },
                    {"name": "ping", "type": "latency", "maxLatency": 60},
                ],
                "expansions": [
                    {**target, "steps": [{"waitTimeSeconds": wider_s, "value": 10 * near}]}
                ],
            }
        )
    )


def somebody(n: int, dice: random.Random) -> list[TicketPlayer]:
    return [
        TicketPlayer(
            PlayerId(f"p{n}.{k}"),
            dice.gauss(1500, 200),
            {"skill": dice.gauss(1500, 200), "maps": dice.sample(MAPS[:6], 4)},
            {region: dice.uniform(20, 70) for region in dice.sample(REGIONS, 2)},
        )
        for k in range(dice.choice((1, 1, 2)))
    ]


async def evening(queue: QueueStore, dice: random.Random, *, many: int, crowd: int) -> None:
    """People come and go, rooms are few, the lead changes hands, and the queue is paused."""
    rooms, stop = FewRooms(many // 8), asyncio.Event()
    waiting: list[TicketId] = []
    async with asyncio.TaskGroup() as group:
        for holder in ("d1", "d2"):
            one = Director(
                queue,
                rooms,
                holder=holder,
                clock=CLOCK,
                chance=stream(1, holder),
                metrics=MatchmakerMetrics(CollectorRegistry()),
            )
            group.create_task(one.run(stop))
        for n in range(many):
            if n >= crowd:
                await asyncio.sleep(dice.expovariate(250))
            now_ms, players = CLOCK.wall_ms(), tuple(somebody(n, dice))
            ticket = TicketId(f"{queue.settings.name}.{n}")
            new = NewTicket(ticket, queue.settings.name, players, "b:t", now_ms + 60_000, 0)
            await queue.enqueue(new, now_ms=now_ms)
            waiting.append(ticket)
            if dice.random() < 0.15:
                await queue.cancel(dice.choice(waiting), now_ms=now_ms)
            if dice.random() < 0.1:
                rooms.new_room(f"late{n}")
            if n == many // 3:
                await queue.store.call("HSET", queue.leader, "until_ms", 0)
            if n == many // 2:
                await queue.pause.set(Pause("ann", now_ms))
                await asyncio.sleep(0.1)
                await queue.pause.clear()
        await asyncio.sleep(0.2)
        stop.set()


def settings(rules: Asked, **more: Any) -> QueueSettings:  # noqa: ANN401 - any of its fields
    return QueueSettings(QueueName("duel"), rules, FleetName("arena"), placing_s=0.5, **more)


async def recording_of(queue: QueueStore) -> Recording:
    lines = [dict(line) async for line in lines_of(queue, now_ms=CLOCK.wall_ms())]
    return recorded(json.loads(json.dumps(lines)), "duel")


@pytest.mark.parametrize(
    ("rules", "dial_s", "crowd"),
    [
        (lambda: Rules(("red", "blue"), 2, RatingWindow(30, 200, 1000)), 0.0, 0),
        (lambda: rule_set(2, 60, 0.2), 0.0, 0),
        (lambda: rule_set(3, 40, 0.1), 2.0, 60),
    ],
    ids=["a rating window", "a small pool", "a crowd, and a dial"],
)
async def test_every_pass_of_an_evening_comes_out_again(
    store: Store, rules: Callable[[], Asked], dial_s: float, crowd: int
):
    queue = QueueStore(store, settings(rules(), wait_for_quality_s=dial_s))
    await evening(queue, random.Random(7), many=80, crowd=crowd)

    found = rerun(await recording_of(queue))

    assert found.first is None
    assert found.unjudged == {}
    assert found.matches > 10


async def test_passes_under_two_versions_come_out_again(store: Store):
    new = rule_set(2, 300, 5)
    assert isinstance(new, RuleSet)
    queue = QueueStore(store, settings(rule_set(2, 200, 5), rollout_rules=Rollout(new, 50)))
    await evening(queue, random.Random(9), many=60, crowd=20)
    recording = await recording_of(queue)

    found = rerun(recording)

    assert found.first is None
    assert found.unjudged == {}
    assert found.matches > 5
    assert set(recording.rules) == {new.version(), queue.settings.rules.version()}


async def test_a_pass_that_comes_out_otherwise_is_named(store: Store):
    queue = QueueStore(store, settings(Rules(("red", "blue"), 1, RatingWindow(500, 0, 500))))
    await evening(queue, random.Random(3), many=20, crowd=0)
    recording = await recording_of(queue)
    recording.passes[1].quality[0] = 0.5

    found = rerun(recording)

    assert found.passes == 1
    assert found.first is not None
    assert found.first.record is recording.passes[1]
    assert "of quality 0.5" in found.first.what


async def test_who_came_before_the_log_begins_is_not_held_against_a_pass(store: Store):
    queue = QueueStore(store, settings(Rules(("red", "blue"), 1, RatingWindow(500, 0, 500))))
    await evening(queue, random.Random(4), many=30, crowd=10)
    recording = await recording_of(queue)
    recording.events, recording.whole = recording.events[5:], False

    found = rerun(recording)

    assert found.first is None
    assert sum(found.unjudged.values()) > 0


async def test_a_changed_log_is_told_from_one_that_begins_late(store: Store):
    queue = QueueStore(store, settings(Rules(("red", "blue"), 1, RatingWindow(500, 0, 500))))
    await evening(queue, random.Random(4), many=30, crowd=10)
    recording = await recording_of(queue)
    gone = next(event for event in recording.events if event["k"] == "ticket.enqueued")
    recording.events.remove(gone)

    found = rerun(recording)

    assert found.first is not None
    assert "waited, by the log" in found.first.what
