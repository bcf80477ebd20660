"""What a claim costs: a room out of 2,000 on a real Valkey, by 1, 16 and 64 at a time.

Timed are the director's own calls, the claim script through the store that every role has;
rooms are given back between the rounds, untimed. Beside each stands a script that does
nothing, called in the same way: the floor of whatever asks a store. Then rooms are claimed
at a steady rate beside the sessions API and 2,000 rooms of game servers in a process of
their own, and it is counted whose server acknowledged.
"""

import asyncio
import os
import resource
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from allocator.pool import Pool
from allocator.rooms import NewRoom
from allocator.sessions import Sessions
from allocator.settings import ACK_MS
from core import dice
from core.clock import SystemClock
from core.errors import Unreachable
from core.ids import (
    FleetName,
    MatchId,
    PlayerId,
    QueueName,
    ServerUid,
    TicketId,
    new_match_id,
    room_id,
)
from core.placement import ClaimOrder, Placement, SeatedPlayer
from core.redis import Store
from core.valkey import embedded_valkey
from readyup.bench.children import child
from readyup.bench.idle import NOTHING
from readyup.bench.machine import machine
from readyup.bots.report import percentile

FLEET = FleetName("bench")
SERVERS, ROOMS_EACH = 100, 20
CONCURRENCY = (1, 16, 64)
ROUND = 1_000
"""Claims between two givings-back: half of the rooms, so that the pool never runs dry."""

PACED, PER_S = 1_000, 250.0
"""Claims beside game servers, and how many of them a second: 15,000 matches a minute."""

CONNECTED_S = 30.0

_CLOCK = SystemClock()


@dataclass
class Ground:
    """A pool on a store, and who asks it."""

    store: Store
    pool: Pool
    sessions: Sessions

    async def claim(self, chance: Any) -> Placement:  # noqa: ANN401 - a random.Random
        """A room for a new duel."""
        match = new_match_id(QueueName("duel"), chance)
        players = tuple(
            SeatedPlayer(PlayerId(f"player-{n}"), TicketId(f"{match}-{n}"), team, 0)
            for n, team in enumerate(("red", "blue"))
        )
        now_ms = _CLOCK.wall_ms()
        order = ClaimOrder(match, QueueName("duel"), players, now_ms + 600_000)
        placement = await self.pool.claim(order, now_ms=now_ms)
        assert placement is not None, "the pool has run dry"
        return placement

    async def give_back(self, at: Placement) -> None:
        """As its server would: take it, and release it."""
        now_ms = _CLOCK.wall_ms()
        where = (at.match, at.room, at.server, at.epoch)
        await self.sessions.ack(*where, now_ms=now_ms)
        await self.sessions.release(*where, reason="finished", now_ms=now_ms)


async def bench_claim(*, seconds: float) -> dict[str, Any]:
    """Run it; ``seconds`` is how long claims are timed at each concurrency."""
    ran_on = machine()
    async with embedded_valkey() as url:
        store = await Store.connect(url)
        try:
            pool = Pool(store, FLEET)
            ground = Ground(store, pool, Sessions(pool))
            await _fill(ground)
            rows = [await _row(ground, many, seconds) for many in CONCURRENCY]
            served = await _served(ground, url)
        finally:
            await store.aclose()
    return {
        "machine": ran_on | {"load_after": round(os.getloadavg()[0], 2)},
        "rooms": SERVERS * ROOMS_EACH,
        "rows": rows,
        **served,
    }


def uids() -> list[ServerUid]:
    """The game servers that there are."""
    return [ServerUid(f"server-{n}") for n in range(SERVERS)]


async def _fill(ground: Ground) -> None:
    now_ms = _CLOCK.wall_ms()
    for n, (uid, room) in enumerate((uid, room) for uid in uids() for room in range(ROOMS_EACH)):
        new = NewRoom(room_id(uid, room), uid, "127.0.0.1", 7000, "v1")
        await ground.pool.add_room(new, now_ms=now_ms + n)


async def _row(ground: Ground, many: int, seconds: float) -> dict[str, Any]:
    chance = dice.stream(many, "matches")
    floor_ms, floor_s = await _timed(lambda: ground.store.run(NOTHING, [], []), ROUND, many)
    await _timed(lambda: ground.claim(chance), many, many)  # the script is known by now
    taken_ms: list[float] = []
    spent_s = cpu_s = valkey_us = 0.0
    while spent_s < seconds:
        held: list[Placement] = []

        async def claim(held: list[Placement] = held) -> None:
            held.append(await ground.claim(chance))

        before_s, before_us = _cpu_s(), await _valkey_us(ground.store)
        round_ms, round_s = await _timed(claim, ROUND, many)
        cpu_s += _cpu_s() - before_s
        valkey_us += await _valkey_us(ground.store) - before_us
        taken_ms += round_ms
        spent_s += round_s
        for at in held:
            await ground.give_back(at)
    ordered, floor = sorted(taken_ms), sorted(floor_ms)
    return {
        "concurrency": many,
        "claims": len(ordered),
        "per_s": round(len(ordered) / spent_s),
        "p50_ms": round(percentile(ordered, 0.5), 3),
        "p95_ms": round(percentile(ordered, 0.95), 3),
        "p99_ms": round(percentile(ordered, 0.99), 3),
        "ours_us_each": round(cpu_s / len(ordered) * 1e6, 1),
        "valkey_us_each": round(valkey_us / len(ordered), 1),
        "floor": {
            "per_s": round(len(floor) / floor_s),
            "p50_ms": round(percentile(floor, 0.5), 3),
            "p99_ms": round(percentile(floor, 0.99), 3),
        },
    }


async def _timed(
    act: Callable[[], Awaitable[Any]], times: int, many: int
) -> tuple[list[float], float]:
    """Milliseconds of each, ``many`` at a time, and seconds of all."""
    left, taken_ms = iter(range(times)), list[float]()

    async def work() -> None:
        for _ in left:
            began_s = _CLOCK.elapsed_s()
            await act()
            taken_ms.append((_CLOCK.elapsed_s() - began_s) * 1000)

    began_s = _CLOCK.elapsed_s()
    async with asyncio.TaskGroup() as group:
        for n in range(many):
            group.create_task(work(), name=f"claims-{n}")
    return taken_ms, _CLOCK.elapsed_s() - began_s


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def _valkey_us(store: Store) -> float:
    told = await store.call("INFO", "cpu")
    if isinstance(told, dict):
        said = {name: float(value) for name, value in told.items() if name.startswith("used_cpu")}
    else:
        pairs = (line.split(":") for line in told.splitlines() if line.startswith("used_cpu"))
        said = {name: float(value) for name, value in pairs}
    return (said["used_cpu_user"] + said["used_cpu_sys"]) * 1e6


async def _served(ground: Ground, url: str) -> dict[str, Any]:
    """Claims at a steady rate beside game servers: how many were acknowledged, and how soon."""
    async with child("readyup.bench.claim_servers", url) as servers:
        if await servers.ask(b"?\n", within_s=CONNECTED_S, line=True) != b"ready\n":
            raise Unreachable("the game servers did not connect")
        chance, taken_ms = dice.stream(1, "paced"), list[float]()
        placed: list[MatchId] = []

        async def claim() -> None:
            began_s = _CLOCK.elapsed_s()
            placed.append((await ground.claim(chance)).match)
            taken_ms.append((_CLOCK.elapsed_s() - began_s) * 1000)

        due_s = _CLOCK.elapsed_s()
        async with asyncio.TaskGroup() as group:
            for n in range(PACED):
                due_s += 1 / PER_S
                await asyncio.sleep(max(0.0, due_s - _CLOCK.elapsed_s()))
                group.create_task(claim(), name=f"claim-{n}")
        await asyncio.sleep(ACK_MS / 1000)
        waits_ms = [wait for match in placed if (wait := await _ack_ms(ground, match)) is not None]
    ordered, claims = sorted(waits_ms), sorted(taken_ms)
    return {
        "beside_servers": {
            "claims": len(placed),
            "per_s": PER_S,
            "claim_p50_ms": round(percentile(claims, 0.5), 3),
            "claim_p99_ms": round(percentile(claims, 0.99), 3),
            "acknowledged_share": round(len(ordered) / len(placed), 4),
            "ack_p50_ms": percentile(ordered, 0.5),
            "ack_p99_ms": percentile(ordered, 0.99),
        }
    }


async def _ack_ms(ground: Ground, match: MatchId) -> float | None:
    session = await ground.sessions.get(match)
    if session is None or not session.acked_ms:
        return None
    waited_ms = session.acked_ms - session.claimed_ms
    return float(waited_ms) if waited_ms <= ACK_MS else None
