"""Seats in a session that runs: newcomers get them, in the place of those who left."""

from allocator.pool import Pool
from allocator.rooms import placement_of
from core.lua import LuaScript, as_json
from core.placement import Placement, SeatOrder

SEAT = LuaScript.load("allocator.lua", "seat")
UNSEAT = LuaScript.load("allocator.lua", "unseat")


async def seat(pool: Pool, order: SeatOrder, *, now_ms: int) -> Placement | None:
    """Take seats for newcomers; the same order again gets the same answer.

    None when the match is over, is played at another epoch, has no such seats, or the order was
    taken back.
    """
    reply = await SEAT(
        pool.store.durably,
        keys={"fleet": pool.slot},
        args={
            "match": order.match,
            "fill": order.fill,
            "epoch": order.epoch,
            "players": as_json(order.players),
            "out": as_json(order.out),
            "now_ms": now_ms,
        },
    )
    return placement_of(pool.fleet, order.match, reply)


async def unseat(pool: Pool, order: SeatOrder, *, now_ms: int) -> None:
    """Take an order back: who left has the seats again that nobody else has by now.

    The order never counts again.
    """
    await UNSEAT(
        pool.store.durably,
        keys={"fleet": pool.slot},
        args={
            "match": order.match,
            "fill": order.fill,
            "players": as_json(order.players),
            "now_ms": now_ms,
        },
    )
