"""How long one duel takes on an idle queue with warm servers: enqueue to pushed assignment.

Each match is measured alone: one player waits already, the clock starts when the second
one's enqueue frame is sent and stops when that player's assignment arrives. Every part is
the real one, in processes of their own, game servers included. Beside it, in the same
run, stands the floor: a frame to the API and back, and the five scripts that a match
needs one after another (enqueue, propose, claim, commit, announce) at the price of a
script that does nothing.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from allocator.pool import Pool
from allocator.rooms import NewRoom
from core.clock import SystemClock
from core.eventlog import Event, decode
from core.ids import FleetName, MatchId, PlayerId, QueueName, RoomId, ServerUid, TicketId
from core.lua import LuaScript
from core.placement import ClaimOrder, SeatedPlayer
from core.redis import Store
from readyup.bench.machine import machine
from readyup.bots.report import percentile
from readyup.demo.stack import Stack, running_stack
from readyup.settings import Config

SCRIPTS_A_MATCH = 5
WARM_UP = 20
"""Matches played before any is counted: connections, script caches, branch predictors."""

NOTHING = LuaScript("nothing", "return 1", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db", (), ())

_CLOCK = SystemClock()


@dataclass(frozen=True, slots=True)
class IdleSettings:
    """What is asked of the benchmark."""

    matches: int = 400
    servers: int = 4


async def bench_idle(config: Config, settings: IdleSettings, run_dir: Path) -> dict[str, Any]:
    """Run it; milliseconds throughout, exact nearest-rank percentiles."""
    ran_on = machine()
    rooms = -(-(settings.matches + WARM_UP) // settings.servers) + 1
    fleets = tuple(
        replace(
            fleet,
            replicas=settings.servers,
            rooms=rooms,
            reserve=rooms * settings.servers,
            capacity=None,
        )
        for fleet in config.fleets
    )
    # The floor asks as fast as it is answered, which no player may.
    api = replace(config.api, limits=replace(config.api.limits, frames_per_s=1e6))
    config = replace(config, fleets=fleets, api=api)
    async with running_stack(config, run_dir, directors=2) as stack:
        await stack.until_up()
        await _until_warm(stack, rooms * settings.servers)
        floor = await _floor(stack)
        assigned = await _duels(stack, settings.matches)
        await asyncio.sleep(2.5)  # an acknowledgement later than 2 s would move the match
        events = await _events(stack)
        claim_alone = await _claims_alone(stack.store, settings.matches)
    claims = [e["claim_us"] / 1000 for e in events if e["k"] == "match.announced"][WARM_UP:]
    claimed = sum(e["k"] == "room.claimed" for e in events)
    acked = sum(e["k"] == "room.acked" for e in events)
    floor_ms = floor["frame"]["p50"] + SCRIPTS_A_MATCH * floor["script"]["p50"]
    assignment = _figures(assigned)
    return {
        "machine": ran_on,
        "matches": len(assigned),
        "servers": settings.servers,
        "enqueue_to_assignment_ms": assignment,
        "floor_ms": {**floor, "sum": round(floor_ms, 3)},
        "ratio_to_floor": round(assignment["p50"] / floor_ms, 2),
        "claim_in_director_ms": _figures(claims),
        "claim_alone_ms": claim_alone,
        "claims": claimed,
        "acknowledged_share": round(acked / claimed, 4) if claimed else 0.0,
    }


async def _until_warm(stack: Stack, rooms: int) -> None:
    (fleet,) = stack.config.fleets
    async with asyncio.timeout(30):
        while await stack.store.call("ZCARD", f"{{f:{fleet.name}}}:free") < rooms:
            await asyncio.sleep(0.05)
    await asyncio.sleep(1.0)  # let what started the servers come to rest


class _Player:
    """One socket of the player API."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws

    async def say(self, frame: str) -> None:
        await self.ws.send_str(frame)

    async def until(self, kind: str) -> dict[str, Any]:
        async with asyncio.timeout(10):
            while True:
                message = msgspec.json.decode(await self.ws.receive_str(), type=dict[str, Any])
                if message["type"] == kind:
                    return message


@contextlib.asynccontextmanager
async def _player(stack: Stack, http: aiohttp.ClientSession, name: str) -> AsyncIterator[_Player]:
    headers = {"Authorization": f"Bearer dev-player:{name}"}
    async with http.ws_connect(f"{stack.api_url()}/v1/connect", headers=headers) as ws:
        player = _Player(ws)
        await player.until("hello")
        yield player


ENQUEUE = '{"type":"enqueue","queue":"duel","rating":1500}'


async def _duels(stack: Stack, matches: int) -> list[float]:
    taken: list[float] = []
    async with aiohttp.ClientSession() as http:
        for n in range(matches + WARM_UP):
            async with (
                _player(stack, http, f"first-{n}") as first,
                _player(stack, http, f"second-{n}") as second,
            ):
                await first.say(ENQUEUE)
                await first.until("ticket")
                await asyncio.sleep(0.01)  # the queue is idle again
                began_s = _CLOCK.elapsed_s()
                await second.say(ENQUEUE)
                await second.until("assignment")
                taken.append((_CLOCK.elapsed_s() - began_s) * 1000)
                await first.until("assignment")
    return taken[WARM_UP:]


async def _floor(stack: Stack) -> dict[str, dict[str, float]]:
    """What nothing costs: a frame to the API and back, and an empty script."""
    frames, scripts = [], []
    async with (
        aiohttp.ClientSession() as http,
        _player(stack, http, "floor") as player,
    ):
        for _ in range(200 + WARM_UP):
            began_s = _CLOCK.elapsed_s()
            await player.say('{"type":"heartbeat"}')
            await player.until("heartbeat")
            frames.append((_CLOCK.elapsed_s() - began_s) * 1000)
            began_s = _CLOCK.elapsed_s()
            await NOTHING(stack.store, keys={}, args={})
            scripts.append((_CLOCK.elapsed_s() - began_s) * 1000)
    return {"frame": _figures(frames[WARM_UP:]), "script": _figures(scripts[WARM_UP:])}


async def _claims_alone(store: Store, claims: int) -> dict[str, float]:
    """The claim's script as the director calls it, one after another, nothing else running."""
    pool = Pool(store, FleetName("bench"))
    now_ms = _CLOCK.wall_ms()
    for n in range(claims + WARM_UP):
        server = ServerUid(f"bench{n}")
        room = NewRoom(RoomId(f"{server}/0"), server, "127.0.0.1", 1, "bench")
        await pool.add_room(room, now_ms=now_ms)
    taken = []
    for n in range(claims + WARM_UP):
        players = tuple(
            SeatedPlayer(PlayerId(f"p{n}-{team}"), TicketId(f"duel.{n}-{team}"), team, 0)
            for team in ("red", "blue")
        )
        match = MatchId(f"duel.bench-{n}")
        order = ClaimOrder(match, QueueName("duel"), players, now_ms + 30_000)
        began_s = _CLOCK.elapsed_s()
        placement = await pool.claim(order, now_ms=now_ms)
        taken.append((_CLOCK.elapsed_s() - began_s) * 1000)
        assert placement is not None
    return _figures(taken[WARM_UP:])


async def _events(stack: Stack) -> list[Event]:
    events: list[Event] = []
    for key in stack.streams().values():
        after = "0-0"
        while entries := await stack.store.read_stream(key, after, block_ms=1, count=5000):
            after = entries[-1].id
            events += [decode(entry) for entry in entries]
    return events


def _figures(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        name: round(percentile(ordered, share), 3)
        for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
    }
