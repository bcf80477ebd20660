"""The player API before one queue; a test of something else than the ready check has its own."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from core.dice import unguessable
from core.ids import FleetName, QueueName
from core.redis import Store
from matchmaker.director import Director
from matchmaker.metrics import MatchmakerMetrics
from matchmaker.rules.model import RatingWindow, Rules
from matchmaker.settings import QueueSettings
from matchmaker.store import QueueStore
from tests.matchmaker.api.playing import Api, KnownSessions
from tests.matchmaker.api.serving import CLOCK, served, service_of
from tests.matchmaker.rooms import FewRooms


@pytest.fixture
def duel(store: Store) -> QueueStore:
    """Two against two, who are asked whether they come."""
    rules, fleet = Rules(("red", "blue"), 2), FleetName("arena")
    return QueueStore(store, QueueSettings(QueueName("duel"), rules, fleet, acceptance_s=30))


@pytest.fixture
async def http(store: Store, duel: QueueStore) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the player API before that queue."""
    async with served(service_of(store, {"duel": duel})) as client:
        yield client


@pytest.fixture
async def api(store: Store) -> AsyncIterator[Api]:
    """The player API before two queues that are led, and three rooms."""
    wide = RatingWindow(start=3000, end=3000)
    queues = {
        name: QueueStore(
            store,
            QueueSettings(
                QueueName(name),
                Rules(("red", "blue"), size, wide),
                FleetName("arena"),
                group="all",
                trust_player_attributes=name == "duel",
            ),
        )
        for name, size in (("duel", 1), ("squad", 5))
    }
    rooms, sessions = FewRooms(3), KnownSessions()
    service = service_of(store, queues, sessions)
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for name, queue in queues.items():
            director = Director(
                queue,
                rooms,
                holder=f"d-{name}",
                clock=CLOCK,
                chance=unguessable(),
                metrics=MatchmakerMetrics(CollectorRegistry()),
            )
            group.create_task(director.run(stop))
        async with served(service) as http:
            yield Api(http, rooms, sessions, queues["duel"])
        stop.set()
