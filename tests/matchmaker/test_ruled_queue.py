"""A queue whose rules are a FlexMatch rule set, from the player API to the match."""

import asyncio
import json

import pytest
from prometheus_client import CollectorRegistry

from core.clock import SystemClock
from core.dice import stream
from core.errors import Invalid
from core.ids import FleetName, QueueName, TicketId
from core.redis import Store
from matchmaker.api.enlisting import enlisted
from matchmaker.api.shapes import Member
from matchmaker.director import Director
from matchmaker.metrics import MatchmakerMetrics
from matchmaker.rules import flexmatch
from matchmaker.settings import QueueSettings
from matchmaker.store import QueueStore
from matchmaker.tickets import NewTicket, Status
from tests.matchmaker.rooms import FewRooms

CLOCK = SystemClock()
RULES = flexmatch.load(
    json.dumps(
        {
            "ruleLanguageVersion": "1.0",
            "playerAttributes": [
                {"name": "rating", "type": "number"},
                {"name": "role", "type": "string_list", "default": ["any"]},
            ],
            "teams": [{"name": "side", "minPlayers": 1, "maxPlayers": 2, "quantity": 2}],
            "rules": [
                {
                    "name": "Near",
                    "type": "batchDistance",
                    "batchAttribute": "rating",
                    "maxDistance": 100,
                },
                {"name": "Ping", "type": "latency", "maxLatency": 80},
            ],
        }
    )
)
SETTINGS = QueueSettings(QueueName("arena"), RULES, FleetName("arena"), placing_s=5)


def member(name: str, rating: float = 1500.0, **more) -> Member:
    return Member(name, rating, latency_ms={"eu": 30.0}, **more)


def ruled(*rules: object, attributes: tuple[object, ...] = ()) -> QueueSettings:
    """A queue of duels."""
    written = {
        "ruleLanguageVersion": "1.0",
        "playerAttributes": attributes,
        "teams": [{"name": team, "minPlayers": 1, "maxPlayers": 1} for team in ("red", "blue")],
        "rules": rules,
    }
    rule_set = flexmatch.load(json.dumps(written))
    return QueueSettings(QueueName("arena"), rule_set, FleetName("arena"), placing_s=5)


async def enqueue(queue: QueueStore, *members: Member) -> TicketId:
    ticket = TicketId(f"arena.{members[0].id}")
    now_ms = CLOCK.wall_ms()
    players = enlisted(members, queue.settings, trusted=True)
    new = NewTicket(ticket, queue.settings.name, players, "backend:t", now_ms + 60_000, 0)
    await queue.enqueue(new, now_ms=now_ms)
    return ticket


def directs(queue: QueueStore) -> Director:
    return Director(
        queue,
        FewRooms(3),
        holder="d",
        clock=CLOCK,
        chance=stream(1, "d"),
        metrics=MatchmakerMetrics(CollectorRegistry()),
    )


async def test_those_whom_the_rule_set_allows_are_matched_and_others_wait(store: Store):
    queue = QueueStore(store, SETTINGS)
    director = directs(queue)
    pair = await enqueue(queue, member("ann"), member("ben", 1560))
    far = await enqueue(queue, member("far", 2000))
    near = await enqueue(queue, member("cleo", 1580))

    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group, asyncio.timeout(10):
        group.create_task(director.run(stop))
        while (record := await queue.ticket(near)) and record.status is not Status.COMPLETED:
            await asyncio.sleep(0.01)
        stop.set()

    assert record is not None
    assert record.match is not None
    match = await queue.match(record.match)
    assert match is not None
    assert set(match.tickets) == {pair, near}
    assert set(match.teams) == {"side_1", "side_2"}
    assert (await queue.ticket(far)).status is Status.QUEUED


NEAR = {
    "name": "Near",
    "type": "distance",
    "measurements": ["avg(teams[red].players.attributes[kills])"],
    "referenceValue": "avg(teams[blue].players.attributes[kills])",
    "maxDistance": 5,
}
KILLS = {"name": "kills", "type": "number", "default": 1}


@pytest.mark.parametrize(
    "settings", [ruled(), ruled(NEAR, attributes=(KILLS,))], ids=["no rules", "a default"]
)
async def test_players_of_whom_nothing_is_known_are_matched_too(
    store: Store, settings: QueueSettings
):
    queue = QueueStore(store, settings)
    ann = await enqueue(queue, Member("ann"))
    await enqueue(queue, Member("ben"))

    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group, asyncio.timeout(10):
        group.create_task(directs(queue).run(stop))
        while (record := await queue.ticket(ann)) and record.status is not Status.COMPLETED:
            await asyncio.sleep(0.01)
        stop.set()


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ([Member("a", 1500.0)], "no latency"),
        ([member("a", attributes={"role": "tank"})], "'role' of player 'a'"),
        ([member("a"), member("b"), member("c")], "no team takes more than 2"),
    ],
)
def test_who_could_never_be_matched_is_told_at_once(members: list[Member], reason: str):
    with pytest.raises(Invalid, match=reason):
        enlisted(members, SETTINGS, trusted=True)


def test_what_players_say_of_themselves_counts_only_where_the_queue_trusts_them():
    said = [member("a", 9000.0, attributes={"rating": 9000.0, "role": ["tank"]})]

    (trusted,) = enlisted(said, SETTINGS, trusted=True)
    (stranger,) = enlisted(said, SETTINGS, trusted=False)

    assert trusted.attributes == {"rating": 9000.0, "role": ["tank"]}
    assert stranger.attributes == {"rating": SETTINGS.default_rating}
    assert stranger.latency_ms == {"eu": 30.0}
