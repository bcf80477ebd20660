"""Nodes that go, at once or one after the other: what servers are asked, and matches promised."""

from dataclasses import replace
from typing import Self, cast

import msgspec

from allocator import frames
from allocator.drain import Drain
from allocator.draining import Draining
from allocator.handover import Handover
from allocator.link import Link
from allocator.metrics import AllocatorMetrics
from allocator.pool import Pool
from allocator.ports import CLAIM_LABEL
from allocator.sessions import Sessions
from allocator.settings import AllocatorSettings
from core.game_server import State
from core.ids import MatchId, ServerUid
from core.pause import Pause
from tests.allocator.worlds import FLEET, NOW, FakeMatches, FakeServers, order, room, server


class Wire:
    """A server's link, as far as it is used here."""

    def __init__(self) -> None:
        self.pushed: list[frames.Frame] = []

    def push(self, frame: frames.Frame) -> None:
        self.pushed.append(frame)


class House:
    """A warm room on a server of its own, and a match in play on each of some nodes."""

    def __init__(self, pool: Pool, metrics: AllocatorMetrics, *names: str) -> None:
        self.pool = pool
        self.names = names
        self.sessions, self.servers = Sessions(pool), FakeServers()
        self.wires = {ServerUid(f"uid-{name}"): Wire() for name in names}
        settings = AllocatorSettings(FLEET)
        matches = FakeMatches({MatchId(f"duel.{name}") for name in names})
        handover = Handover(self.sessions, matches, settings, metrics)
        links = {uid: cast("Link", wire) for uid, wire in self.wires.items()}
        self.draining = Draining(self.servers, handover, settings, links)

    async def plays(self) -> Self:
        for name in self.names:
            uid = ServerUid(f"uid-{name}")
            taken = server(name, state=State.ALLOCATED)
            labels = {CLAIM_LABEL: f"refill-{uid}"}
            self.servers.have(replace(taken, node=f"node-{name}", labels=labels))
            await self.pool.add_room(room(uid), now_ms=NOW)
            at = await self.pool.claim(order(name), now_ms=NOW)
            assert at is not None
            await self.sessions.ack(at.match, at.room, at.server, 1, now_ms=NOW)
        await self.pool.add_room(room(ServerUid("uid-warm")), now_ms=NOW)
        return self

    async def drained(self, *names: str, now_ms: int) -> int:
        """How many matches were asked for after these nodes, and no others, were to be empty."""
        await self.pool.store.call("DEL", self.pool.key("drains"))
        for name in names:
            text = msgspec.json.encode(Drain(f"node-{name}", NOW, NOW)).decode()
            await self.pool.store.call("HSET", self.pool.key("drains"), f"node-{name}", text)
        await self.draining.step(now_ms=now_ms)
        return sum(len(wire.pushed) for wire in self.wires.values())


async def test_one_warm_room_is_promised_to_one_match_however_many_nodes_go(
    pool: Pool, metrics: AllocatorMetrics
):
    house = await House(pool, metrics, "a", "b").plays()

    assert await house.drained("a", "b", now_ms=NOW + 1) == 1


async def test_a_drain_that_was_taken_back_leaves_a_match_its_last_word(
    pool: Pool, metrics: AllocatorMetrics
):
    house = await House(pool, metrics, "a").plays()
    asked = [await house.drained("a", now_ms=NOW + 1), await house.drained(now_ms=NOW + 2)]
    asked.append(await house.drained("a", now_ms=NOW + 60_000))
    session = await house.sessions.get(MatchId("duel.a"))

    assert asked == [1, 1, 2]
    assert session is not None
    assert session.server == "uid-a", "it has its second anew"


async def test_while_the_fleet_is_paused_no_room_is_warm(pool: Pool, metrics: AllocatorMetrics):
    house = await House(pool, metrics, "a").plays()
    await pool.pause.set(Pause("ann", NOW))
    asked = [await house.drained("a", now_ms=NOW + ms) for ms in (1, 60_000)]
    session = await house.sessions.get(MatchId("duel.a"))

    assert asked == [0, 0]
    assert session is not None
    assert session.server == "uid-a", "there it plays on"
