"""Turns of the allocation benchmark: clients that ask again as soon as they are answered."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

from allocator.rooms import NewRoom
from allocator.sessions import Sessions
from core.clock import SystemClock
from core.ids import RoomId, ServerUid
from readyup.bench.allocate_ours import Ours
from readyup.bots.report import percentiles

_CLOCK = SystemClock()


@dataclass(slots=True)
class Turn:
    """What one rival did in one go."""

    took_ms: list[float] = field(default_factory=list)
    failed: int = 0
    seconds: float = 0.0
    """Without the pauses in which rooms came back."""

    def per_s(self) -> float:
        """Answers a second."""
        return len(self.took_ms) / self.seconds if self.seconds else 0.0


async def closed_loop(
    ask: Callable[[], Awaitable[object]], *, clients: int, calls: int | None, seconds: float
) -> Turn:
    """So many calls, or as many as begin in so many seconds; one under way for each client."""
    turn, loop_began_s = Turn(), _CLOCK.elapsed_s()
    rest: Iterator[None] = repeat(None) if calls is None else repeat(None, calls)

    async def client() -> None:
        for _ in rest:
            began_s = _CLOCK.elapsed_s()
            if began_s - loop_began_s >= seconds:
                return
            if await ask():
                turn.took_ms.append((_CLOCK.elapsed_s() - began_s) * 1000)
            else:
                turn.failed += 1

    async with asyncio.TaskGroup() as group:
        for n in range(clients):
            group.create_task(client(), name=f"client-{n}")
    turn.seconds = _CLOCK.elapsed_s() - loop_began_s
    return turn


async def claims(ours: Ours, rooms: int, *, clients: int, seconds: float) -> Turn:
    """Claims alone: while there are rooms, then a pause until all are free again."""
    turn, until_s = Turn(), _CLOCK.elapsed_s() + seconds
    while _CLOCK.elapsed_s() < until_s:
        some = await closed_loop(ours.claim, clients=clients, calls=rooms, seconds=seconds)
        turn.took_ms += some.took_ms
        turn.failed += some.failed
        turn.seconds += some.seconds
        await ours.until_free(rooms)
    return turn


async def known(ours: Ours, rooms: int, *, clients: int, seconds: float) -> tuple[Turn, float]:
    """Claims until the server knows, again and again; beside them sessions ended a second.

    Each server gives its room back as soon as the match is its own, so what is sustained is
    the whole circle: claim, assign, acknowledge, release.
    """
    await asyncio.sleep(0.3)  # what ended before has been heard by then
    before, began_s = ours.ended, _CLOCK.elapsed_s()
    turn = await closed_loop(ours.until_known, clients=clients, calls=None, seconds=seconds)
    await ours.until_free(rooms)
    while ours.ended - before < len(turn.took_ms):
        await asyncio.sleep(0.002)
    return turn, (ours.ended - before) / (_CLOCK.elapsed_s() - began_s)


async def scripts(ours: Ours, *, clients: int, seconds: float) -> Turn:
    """Claim, acknowledge and release as the roles call them, without sockets in between.

    What Valkey and one Python process can do: the ceiling for everything around them.
    """
    pool, sessions = ours.pool, Sessions(ours.pool)
    for n in range(4 * clients):
        server = ServerUid(f"none-{n}")
        room = NewRoom(RoomId(f"{server}/0"), server, "127.0.0.1", 1, "")
        await pool.add_room(room, now_ms=_CLOCK.wall_ms())

    async def circle() -> bool:
        now_ms = _CLOCK.wall_ms()
        placed = await pool.claim(ours.order(), now_ms=now_ms)
        if placed is None:
            return False
        where = placed.match, placed.room, placed.server, placed.epoch
        await sessions.ack(*where, now_ms=now_ms)
        return await sessions.release(*where, reason="finished", now_ms=now_ms)

    return await closed_loop(circle, clients=clients, calls=None, seconds=seconds)


def figures(turns: Sequence[Turn]) -> dict[str, Any]:
    """Turns of one rival together; percentiles exact, by nearest rank."""
    took = [ms for turn in turns for ms in turn.took_ms]
    seconds = sum(turn.seconds for turn in turns)
    return {
        **percentiles(took, 50, 95, 99),
        "per_s": round(len(took) / seconds, 1) if seconds else 0.0,
        "answers": len(took),
        "failed": sum(turn.failed for turn in turns),
        "p99_by_round": [percentiles(turn.took_ms, 99)["p99"] for turn in turns],
    }
