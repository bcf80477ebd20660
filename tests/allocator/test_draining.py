"""Several nodes that go at once: what one of them is promised, another one is not."""

from dataclasses import replace
from typing import cast

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
from tests.allocator.worlds import FLEET, NOW, FakeMatches, FakeServers, order, room, server


class Wire:
    """A server's link, as far as it is used here."""

    def __init__(self) -> None:
        self.pushed: list[frames.Frame] = []

    def push(self, frame: frames.Frame) -> None:
        self.pushed.append(frame)


async def test_one_warm_room_is_promised_to_one_match_however_many_nodes_go(
    pool: Pool, metrics: AllocatorMetrics
):
    sessions, servers, settings = Sessions(pool), FakeServers(), AllocatorSettings(FLEET)
    wires = {ServerUid(f"uid-{name}"): Wire() for name in ("a", "b")}
    for n, uid in enumerate(wires):
        name = uid.removeprefix("uid-")
        taken = server(name, state=State.ALLOCATED)
        servers.have(replace(taken, node=f"node-{name}", labels={CLAIM_LABEL: f"refill-{uid}"}))
        await pool.add_room(room(uid), now_ms=NOW)
        at = await pool.claim(order(f"m{n}"), now_ms=NOW)
        assert at is not None
        await sessions.ack(at.match, at.room, at.server, 1, now_ms=NOW)
        text = msgspec.json.encode(Drain(f"node-{name}", NOW, NOW)).decode()
        await pool.store.call("HSET", pool.key("drains"), f"node-{name}", text)
    await pool.add_room(room(ServerUid("uid-c")), now_ms=NOW)
    matches = FakeMatches({MatchId("duel.m0"), MatchId("duel.m1")})
    handover = Handover(sessions, matches, settings, metrics)
    links = {uid: cast("Link", wire) for uid, wire in wires.items()}
    await Draining(servers, handover, settings, links).step(now_ms=NOW + 1)

    assert sum(len(wire.pushed) for wire in wires.values()) == 1
