"""Fifty matches at once on a fleet that expected none: how soon it grows, who waits and how long.

The same burst four times in one run, each on an installation of its own: a fleet that is sized
by forecast, and beside it as the baseline one that keeps the same reserve by the plain plan, in
turns. Rooms are claimed as a director claims them; game servers are processes of this machine.
"""

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from allocator.pool import Pool
from core.clock import SystemClock
from core.eventlog import Event, decode
from core.game_server import ServerView, State
from core.ids import FleetName, MatchId, PlayerId, QueueName, TicketId
from core.placement import ClaimOrder, Placement, SeatedPlayer
from core.redis import Entry, Store
from fleets.capacity.settings import CapacitySettings
from fleets.spec import FleetSpec
from readyup.bench.machine import machine
from readyup.bots.report import percentiles
from readyup.demo.stack import Stack, running_stack
from readyup.fleetctl.why import InLine, why
from readyup.settings import Config

PATIENCE_S = 90.0
LOOK_S = 0.02
TURNS = ("baseline", "forecast", "forecast", "baseline")

_CLOCK = SystemClock()


@dataclass(frozen=True, slots=True)
class BurstSettings:
    """What is asked of the benchmark."""

    matches: int = 50
    rooms: int = 4
    reserve: int = 4
    calm_s: float = 5.0
    """With the reserve full, before the burst."""


async def bench_burst(config: Config, settings: BurstSettings, run_dir: Path) -> dict[str, Any]:
    """Run it; seconds throughout."""
    ran_on = machine()
    (fleet,) = config.fleets
    plain = replace(
        fleet,
        replicas=None,
        rooms=settings.rooms,
        reserve=settings.reserve,
        buffer=1,
        starting_max=4,
        capacity=None,
    )
    arms = {
        "baseline": plain,
        "forecast": replace(plain, capacity=CapacitySettings()),
    }
    runs: dict[str, list[Run]] = {name: [] for name in arms}
    for turn, name in enumerate(TURNS):
        asked = replace(config, fleets=(arms[name],))
        async with running_stack(asked, run_dir / f"{name}-{turn}", directors=1) as stack:
            await stack.until_up()
            runs[name].append(await _burst(stack, arms[name], settings))
    ours, theirs = (_figures(runs[name], settings.matches) for name in ("forecast", "baseline"))
    return {
        "bench": "burst",
        "machine": ran_on,
        "matches": settings.matches,
        "runs": len(TURNS) // 2,
        "baseline": theirs,
        "forecast": ours,
        "ratio": {
            what: round(ours[what]["p50"] / max(theirs[what]["p50"], 1e-3), 3)
            for what in ("scale_action_s", "wait_s")
        },
    }


def _figures(runs: list["Run"], matches: int) -> dict[str, Any]:
    """Of several bursts as one."""
    late = [wait_s for run in runs for wait_s in run.late_s]
    return {
        "servers_before": [run.servers_before for run in runs],
        "rooms_free_before": [run.rooms_free_before for run in runs],
        "servers_after": [run.servers_after for run in runs],
        "scale_action_s": percentiles((run.scale_action_s for run in runs), 50, 99),
        "waited_share": round(len(late) / (matches * len(runs)), 3),
        "wait_s": percentiles(late, 50, 95, 99),
        "told_off_by_s": percentiles((off_s for run in runs for off_s in run.told_off_s), 50, 95),
        "why": runs[-1].why,
    }


@dataclass(frozen=True, slots=True)
class Run:
    """What one burst came to."""

    rooms_free_before: int
    servers_before: int
    servers_after: int
    scale_action_s: float
    """From the burst to the first server that is begun."""

    late_s: list[float]
    """Waits of the matches that found no room free."""

    told_off_s: list[float]
    """How far what they were told is from what they waited."""

    why: str


async def _burst(stack: Stack, spec: FleetSpec, settings: BurstSettings) -> Run:
    pool = Pool(stack.store, spec.name)
    await _calm(pool, settings)
    free = int(await stack.store.call("ZCARD", pool.key("free")))
    before = {one.uid for one in await _servers(stack.store, spec.name)}
    began_ms = _CLOCK.wall_ms()
    orders = [_order(n, began_ms) for n in range(settings.matches)]
    async with asyncio.TaskGroup() as group:
        claims = [
            group.create_task(pool.claim(order, now_ms=began_ms), name=f"claim-{order.match}")
            for order in orders
        ]
        acting = group.create_task(_first_new(stack.store, spec.name, before), name="first-new")
    warm = [claim.result() for claim in claims if claim.result() is not None]
    told = await why(stack.store, spec)
    waits_s = await _waits(pool, orders, began_ms)
    return Run(
        rooms_free_before=free,
        servers_before=len(before),
        servers_after=len(await _servers(stack.store, spec.name)),
        scale_action_s=(acting.result() - began_ms) / 1000,
        late_s=_late(waits_s, warm),
        told_off_s=_off(told.line, waits_s),
        why=told.why,
    )


def _late(waits_s: dict[MatchId, float], warm: list[Placement | None]) -> list[float]:
    at_once = {one.match for one in warm if one is not None}
    return [wait_s for match, wait_s in waits_s.items() if match not in at_once]


def _off(line: list[InLine], waits_s: dict[MatchId, float]) -> list[float]:
    """How far what a match in line was told is from what it waited then, in seconds."""
    return [
        abs(one.waited_s + one.expected_s - waits_s[MatchId(one.match)])
        for one in line
        if MatchId(one.match) in waits_s
    ]


async def _calm(pool: Pool, settings: BurstSettings) -> None:
    """Until the reserve is full, and a little longer."""
    async with asyncio.timeout(PATIENCE_S):
        while int(await pool.store.call("ZCARD", pool.key("free"))) < settings.reserve:
            await asyncio.sleep(LOOK_S)
    await asyncio.sleep(settings.calm_s)


async def _first_new(store: Store, fleet: FleetName, before: set[Any]) -> int:
    """When the first server after the burst was begun, in milliseconds since 1970."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            new = [one for one in await _servers(store, fleet) if one.uid not in before]
            if new:
                return min(one.created_ms for one in new)
            await asyncio.sleep(LOOK_S)


async def _waits(pool: Pool, orders: list[ClaimOrder], began_ms: int) -> dict[MatchId, float]:
    """How long each match waited for its room, when all have one."""
    wanted = {order.match for order in orders}
    key, found, after = pool.key("log"), dict[MatchId, float](), "-"
    async with asyncio.timeout(PATIENCE_S):
        while wanted - found.keys():
            for entry_id, fields in await pool.store.call("XRANGE", key, after, "+"):
                event: Event = decode(Entry(entry_id, fields))
                if event["k"] == "room.claimed" and event["match"] in wanted:
                    found[MatchId(event["match"])] = (event["t"] - began_ms) / 1000
                after = f"({entry_id}"
            await asyncio.sleep(LOOK_S)
    return found


async def _servers(store: Store, fleet: FleetName) -> list[ServerView]:
    views = await store.call("HVALS", f"{{f:{fleet}}}:backend")
    seen = [msgspec.json.decode(view, type=ServerView) for view in views]
    return [one for one in seen if one.state is not State.SHUTDOWN]


def _order(n: int, now_ms: int) -> ClaimOrder:
    match = MatchId(f"duel.{n:032x}")
    players = tuple(
        SeatedPlayer(PlayerId(f"b{n}-{seat}"), TicketId(f"duel.{2 * n + seat:032x}"), team, 0)
        for seat, team in enumerate(("red", "blue"))
    )
    return ClaimOrder(match, QueueName("duel"), players, now_ms + round(PATIENCE_S * 1000))
