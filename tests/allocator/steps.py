"""What tests of the pool do over and over: claim, take, release, and read what was told."""

from allocator.pool import Pool
from allocator.sessions import Sessions
from core.eventlog import decode
from core.ids import ServerUid
from core.placement import Placement
from core.redis import Store
from tests.allocator.worlds import NOW, order

LATER = NOW + 60_000
A, B, C = ServerUid("server-a"), ServerUid("server-b"), ServerUid("server-c")


async def placed(pool: Pool, name: str, *, now_ms: int = NOW) -> Placement:
    placement = await pool.claim(order(name), now_ms=now_ms)
    assert placement is not None
    return placement


async def acked(sessions: Sessions, held: Placement, *, now_ms: int = NOW) -> str:
    answer = await sessions.ack(held.match, held.room, held.server, held.epoch, now_ms=now_ms)
    return answer.why_not


async def released(sessions: Sessions, held: Placement, *, now_ms: int = NOW) -> bool:
    return await sessions.release(
        held.match, held.room, held.server, held.epoch, reason="finished", now_ms=now_ms
    )


async def told(store: Store) -> list[str]:
    entries = await store.read_stream("{f:arena}:log", "0-0", block_ms=1)
    said = []
    for event in map(decode, entries):
        assert event["t"] >= NOW
        match = event.get("match", "").removeprefix("duel.")
        said.append(" ".join(filter(None, [event["k"], match, event.get("reason", "")])))
    return said
