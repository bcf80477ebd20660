"""Faults for the demo: each role in turn is killed with -9, then stopped and let go on.

A stopped process (SIGSTOP) is the nastier one: it wakes up believing that it still leads.
It is stopped for twice the lease, so that somebody else leads by then.
"""

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import msgspec
import structlog

from core.clock import Clock, SystemClock
from core.game_server import ServerView, State
from core.lease import LEASE_MS
from readyup.demo.asked import refuse_roles
from readyup.demo.stack import Stack
from readyup.demo.store_faults import harm_primary

log = structlog.get_logger("readyup.chaos")

BETWEEN_S = 5.0
"""Play between two faults: matches are in every step of their way by then."""

STOPPED_S = 2 * LEASE_MS / 1000
BACK_S = 45.0
"""A role that is not back by then is reported as such, and the run goes on."""

_view = msgspec.json.Decoder(ServerView).decode


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault and what it cost."""

    role: str
    kind: str
    """kill or stop."""

    gone_s: float
    """Seconds from the fault until the role's service was there again."""

    came_back: bool


@dataclass
class Chaos:
    """Does harm to a stack until it is told to stop."""

    roles: Sequence[str]
    chance: random.Random
    for_s: float = 0.0
    """Seconds until no further harm is done; 0 goes on until it is cancelled."""

    clock: Clock = field(default_factory=SystemClock)
    faults: list[Fault] = field(default_factory=list)

    def __post_init__(self) -> None:
        refuse_roles(self.roles)

    async def meanwhile(self, stack: Stack) -> None:
        """Fault after fault while the bots come and go; none once they only finish."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.for_s or None):
                while True:
                    for role in self.roles:
                        for kind in ("kill", "stop"):
                            await asyncio.sleep(BETWEEN_S)
                            await self._harm(stack, role, kind)

    async def _harm(self, stack: Stack, role: str, kind: str) -> None:
        if role == "redis":
            gone_s, came_back = await harm_primary(stack, kind, clock=self.clock)
            self.faults.append(Fault(role, kind, round(gone_s, 2), came_back))
            return
        victim, is_back = await self._target(stack, role)
        if not victim:
            return
        log.warning("chaos", fault=kind, role=role, pid=victim)
        began_s = self.clock.elapsed_s()
        with contextlib.suppress(ProcessLookupError):
            if kind == "kill":
                os.kill(victim, signal.SIGKILL)
                came_back = await _within(BACK_S, is_back)
            else:
                came_back = await self._stop_for_a_while(victim, is_back)
            gone_s = self.clock.elapsed_s() - began_s
            self.faults.append(Fault(role, kind, round(gone_s, 2), came_back))

    async def _stop_for_a_while(self, victim: int, is_back: Callable[[], Awaitable[bool]]) -> bool:
        os.kill(victim, signal.SIGSTOP)
        try:
            # A role with a second process serves on before the first one wakes.
            came_back = await _within(STOPPED_S, is_back)
            if came_back:
                await asyncio.sleep(0.5)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim, signal.SIGCONT)
        return came_back or await _within(BACK_S, is_back)

    async def _target(self, stack: Stack, role: str) -> tuple[int, Callable[[], Awaitable[bool]]]:
        """Whom to harm, and how to see that the service is back: by news from after the fault."""
        since_ms = self.clock.wall_ms() + 100
        match role:
            case "director":
                queue = next(iter(stack.config.queues.values()))
                key = f"{queue.base()}:leader"
                holder, epoch = await stack.store.call("HMGET", key, "holder", "epoch")
                name = str(holder).rpartition(".")[0]
                return _pid(stack, name), lambda: _led_anew(stack, key, epoch)
            case "api":
                return _pid(stack, "api-1"), lambda: _serves(f"{stack.api_url()}/readyz")
            case "allocator":
                return _pid(stack, "allocator-1"), lambda: _challenges(stack)
            case "fleets":
                return _pid(stack, "fleets-1"), lambda: _kept(stack, since_ms)
            case _:
                servers = [view for view in await _servers(stack) if view.state is State.ALLOCATED]
                victim = self.chance.choice(servers).pid if servers else 0
                return victim, lambda: _all_heard(stack, since_ms)


def round_s(roles: Sequence[str]) -> float:
    """About how many seconds it takes until each role had each fault once."""
    return len(roles) * (2 * BETWEEN_S + STOPPED_S + 4.0)


def summary(faults: Sequence[Fault]) -> dict[str, Any]:
    """Seconds without service by role and fault: how often, the median and the longest."""
    found: dict[str, Any] = {}
    for fault in faults:
        held = found.setdefault(f"{fault.role}-{fault.kind}", {"times": 0, "gone_s": [], "lost": 0})
        held["times"] += 1
        held["gone_s"].append(fault.gone_s)
        held["lost"] += not fault.came_back
    for held in found.values():
        ordered = sorted(held.pop("gone_s"))
        held["gone_s_p50"], held["gone_s_max"] = ordered[(len(ordered) - 1) // 2], ordered[-1]
    return found


def _pid(stack: Stack, name: str) -> int:
    process = stack.processes.get(name)
    return process.pid if process else 0


async def _within(patience_s: float, is_true: Callable[[], Awaitable[bool]]) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(patience_s):
            await asyncio.sleep(0.05)  # the dead look alive for a moment
            while not await is_true():
                await asyncio.sleep(0.05)
            return True
    return False


async def _led_anew(stack: Stack, key: str, before: str) -> bool:
    return bool(await stack.store.call("HGET", key, "epoch") != before)


async def _serves(url: str) -> bool:
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=1)) as http,
            http.get(url) as response,
        ):
            return response.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False


async def _servers(stack: Stack) -> list[ServerView]:
    views: list[ServerView] = []
    for fleet in stack.config.fleets:
        views += [_view(v) for v in await stack.store.call("HVALS", f"{{f:{fleet.name}}}:backend")]
    return views


async def _challenges(stack: Stack) -> bool:
    """Whether the sessions API greets whoever connects."""
    listen = stack.config.sessions
    try:
        async with (
            asyncio.timeout(1),
            aiohttp.ClientSession() as http,
            http.ws_connect(f"ws://{listen.host}:{listen.port}/v1/servers/connect") as ws,
        ):
            return "challenge" in await ws.receive_str()
    except (aiohttp.ClientError, TimeoutError, TypeError):
        return False


async def _kept(stack: Stack, since_ms: int) -> bool:
    """Whether every fleet was planned since then and has as many servers warm as it wants."""
    for fleet in stack.config.fleets:
        planned_ms = await stack.store.call("HGET", f"{{f:{fleet.name}}}:plan", "t")
        if int(planned_ms or 0) <= since_ms:
            return False
    return await _all_heard(stack, since_ms)


async def _all_heard(stack: Stack, since_ms: int) -> bool:
    """Whether as many servers are warm as are wanted, each heard by the allocator since then."""
    for fleet in stack.config.fleets:
        beats = await stack.store.call("HVALS", f"{{f:{fleet.name}}}:servers")
        told = [msgspec.json.decode(beat, type=dict[str, Any]) for beat in beats]
        heard = {beat["uid"] for beat in told if beat["beat_ms"] > since_ms}
        warm = [view for view in await _servers(stack) if view.uid in heard]
        if len(warm) < (fleet.replicas or 0):
            return False
    return True
