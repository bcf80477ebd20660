"""A game that speaks only an Agones SDK, as local processes, from the claim to the end."""

import asyncio
import random
import sys
from pathlib import Path

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from allocator.metrics import AllocatorMetrics
from allocator.pool import Pool
from allocator.role import FleetParts, allocator_role
from allocator.sessions import Session, Sessions
from allocator.settings import AllocatorSettings, ack_ms
from core.clock import SystemClock
from core.ids import MatchId
from core.redis import Store
from core.supervise import serve_all
from fleets.local.recipe import LocalSettings
from fleets.service import LocalFleets
from fleets.spec import FleetSpec, PortRange
from gameserver.sidecar.servers import SdkServers
from readyup.wiring.mirrored_servers import MirroredServers
from tests.allocator.worlds import FLEET, FakeMatches, order

GAME = Path(__file__).with_name("sdk_only_game.py")


async def ended(sessions: Sessions, name: str) -> Session:
    match = MatchId(f"duel.{name}")
    while (session := await sessions.get(match)) is None or session.live():
        await asyncio.sleep(0.02)
    return session


@pytest.mark.slow
@pytest.mark.parametrize("ack", ["label", "none"])
async def test_each_server_plays_one_match_and_the_next_plays_the_next(
    store: Store, tmp_path: Path, ack: str
):
    clock, chance, stop = SystemClock(), random.Random(3), asyncio.Event()
    command = (sys.executable, str(GAME))
    spec = FleetSpec(FLEET, command, PortRange(17500, 17549), replicas=2, reserve=2, ack=ack)
    matches = FakeMatches(committed={f"duel.{name}" for name in "abc"})
    settings = AllocatorSettings(FLEET, ack=spec.ack, reserve_rooms=2)
    parts = FleetParts(settings, MirroredServers(store, FLEET), matches)
    role = allocator_role(
        store,
        [parts],
        join_keys=["ab" * 32],
        clock=clock,
        chance=chance,
        metrics=AllocatorMetrics(CollectorRegistry()),
    )
    sessions = Sessions(Pool(store, FLEET, ack_ms=ack_ms(spec.ack)))
    async with asyncio.timeout(50), SdkServers(clock) as states, asyncio.TaskGroup() as group:
        fleets = LocalFleets(
            [spec], store, states, LocalSettings(tmp_path, "ws://x"), clock=clock, chance=chance
        )
        group.create_task(fleets.run(stop), name="fleets")
        group.create_task(states.run(stop), name="sdk")
        group.create_task(serve_all(role.services, stop=stop, drain_s=1.0), name="allocator")
        for name in "abc":
            now_ms = clock.wall_ms()
            asked = order(name, deadline_ms=now_ms + 30_000)
            await sessions.pool.claim(asked, now_ms=now_ms)
        played = [await ended(sessions, name) for name in "abc"]
        stop.set()

    events = [
        (fields["k"], msgspec.json.decode(fields["d"]))
        for _, fields in await store.call("XRANGE", sessions.pool.key("log"), "-", "+")
    ]
    acks = [event["by"] for kind, event in events if kind == "room.acked"]
    assert [(one.reason, one.epoch) for one in played] == [("finished", 1)] * 3
    assert len({one.server for one in played}) == 3
    assert acks == [{"label": "label", "none": "patch"}[ack]] * 3
