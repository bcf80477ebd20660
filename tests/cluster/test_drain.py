"""A node is drained by the operator's command, under bots, on the real Agones."""

import asyncio
import contextlib
import os
import statistics
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from core.clock import SystemClock
from core.eventlog import Event, decode, last_id, order_of
from core.game_server import ServerView, State
from core.ids import ServerUid, server_of
from tests.cluster.evening import Evening, arena, assert_proved, play
from tests.cluster.gameservers import allocate
from tests.cluster.plane.api import GAME_SERVERS, Api
from tests.cluster.plane.nodes import REAL, Node
from tests.cluster.plane.plane import Plane
from tests.cluster.seen import until

BY_S = 2
YOUNG_MS = 3_000
LONG = {"ARENA_SECONDS": '{"duel": 14, "squad": 14}'}
"""Matches that are still played at the deadline."""


@dataclass
class Drained:
    """What the evening shows."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    """What the command printed."""

    before: dict[ServerUid, ServerView] = field(default_factory=dict)
    """The servers of the node when the word was given."""

    theirs: str = ""
    """The one that somebody else had allocated, by name."""

    left: set[str] = field(default_factory=set)
    """Names of the servers that the node has at the end."""

    fenced_at: str = ""
    """The fleet's log when the allocator had answered."""

    log: list[Event] = field(default_factory=list)
    """All of it, in its order."""


async def test_a_node_is_emptied_under_players_and_no_match_is_lost(plane: Plane, tmp_path: Path):
    seen, (old, new) = Drained(), plane.nodes[:2]

    async def scenario(evening: Evening) -> None:
        seen.theirs = (await allocate(evening.api, evening.fleet))["gameServerName"]
        async with _only_on(evening.api, old, new):
            await _warm_on(evening, new, but=seen.theirs)
            await until(lambda: _all_kinds(evening, old, seen))
            await _drain(evening, old, seen)
            there = await evening.there()
            seen.left = {
                one["metadata"]["name"]
                for one in there
                if one["status"].get("nodeName") == old.name
            }
            seen.log = await _whole(evening)

    outcome = await play(plane, tmp_path, arena(7, reserve=2, env=LONG), scenario, players=8)

    assert_proved(outcome, completed=1)
    _assert_told(seen)
    _assert_fenced(seen)
    _assert_handed_over(seen)
    assert seen.left == {seen.theirs}, "what somebody else has is let be"


def _assert_told(seen: Drained) -> None:
    """Progress and an expected end, then the end."""
    draining = [one for one in seen.lines if one["state"] == "draining" and not one["unheard"]]
    servers = [one["servers"] for one in draining]
    assert seen.lines[-1]["state"] == "drained"
    assert seen.lines[-1]["others"] == 1
    assert servers == sorted(servers, reverse=True)
    assert any(one["matches"] for one in draining)
    assert all(0 <= one["empty_in_s"] <= BY_S for one in draining)


def _assert_fenced(seen: Drained) -> None:
    """From the fence on no match gets a room there, not even one whose claim was under way."""
    after = [one for one in seen.log if order_of(one["i"]) > order_of(seen.fenced_at)]
    given = {
        one.get("server") or server_of(one["room"])
        for one in after
        if one["k"] in ("room.added", "room.claimed", "session.moved")
    }
    assert given
    assert not given & seen.before.keys()


def _assert_handed_over(seen: Drained) -> None:
    """Free servers went before any match had to; matches went on elsewhere, with what was new."""
    moved = [one for one in seen.log if one["k"] == "session.handover"]
    gone_ms = sorted(
        one["t"]
        for one in seen.log
        if one["k"] == "server.deleted" and one["server"] in seen.before
    )
    by_ms = seen.lines[-1]["by_ms"]
    assert moved
    assert all(one["t"] >= by_ms for one in moved)
    assert gone_ms[0] < by_ms
    assert {one["reason"] for one in seen.log if one["k"] == "session.ended"} <= {"finished"}
    assert statistics.median(one["t"] - one["snapshot_ms"] for one in moved) < 250


async def _warm_on(evening: Evening, node: Node, *, but: str) -> None:
    """Two servers deleted where no more may start: Agones replaces them on the other node."""
    ready = [one for one in (await evening.mirror()).values() if one.state is State.READY]
    for one in [one for one in ready if one.name != but][:2]:
        await evening.api.delete(f"{GAME_SERVERS.format('default')}/{one.name}")

    async def there() -> bool:
        views = (await evening.mirror()).values()
        warm = [one for one in views if one.state in (State.READY, State.ALLOCATED)]
        return sum(one.node == node.name for one in warm) == 2

    await until(there)


async def _all_kinds(evening: Evening, node: Node, seen: Drained) -> bool:
    """Whether the node has a server that is Ready, one in reserve, and one whose match is young."""
    views = [one for one in (await evening.mirror()).values() if one.node == node.name]
    seen.before = {one.uid: one for one in views if one.name != seen.theirs}
    free = await evening.store.call("ZRANGE", evening.key("free"), 0, -1)
    played = set()
    for match in await evening.store.call("ZRANGE", evening.key("sessions"), 0, -1):
        session = evening.key(f"session:{match}")
        server, since_ms = await evening.store.call("HMGET", session, "server", "claimed_ms")
        if SystemClock().wall_ms() - int(since_ms) < YOUNG_MS:
            played.add(server)
    reserve = {server_of(room) for room in free} - played
    ready = any(one.state is State.READY for one in views)
    return ready and bool(reserve & seen.before.keys()) and bool(played & seen.before.keys())


@contextlib.asynccontextmanager
async def _only_on(api: Api, old: Node, new: Node) -> AsyncIterator[None]:
    """``kubectl cordon`` of the old node; real pods may go to the new one."""

    async def say(node: Node, *, real: bool, closed: bool) -> None:
        change = {"metadata": {"labels": {REAL: str(real).lower()}}}
        await api.patch(f"/api/v1/nodes/{node.name}", change | {"spec": {"unschedulable": closed}})

    await say(new, real=True, closed=False)
    await say(old, real=True, closed=True)
    try:
        yield
    finally:
        await say(new, real=False, closed=False)
        await say(old, real=True, closed=False)


async def _drain(evening: Evening, node: Node, seen: Drained) -> None:
    """The command as an operator gives it."""
    config = evening.stack.run_dir / "readyup.json"
    options = ("--by", f"{BY_S}s", "--json", "--config", str(config))
    command = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "readyup", "fleet", "drain", node.name, *options),
        stdout=asyncio.subprocess.PIPE,
        env=dict(os.environ),
    )
    assert command.stdout is not None
    heard = ("HGET", evening.key("drain-progress"), node.name)
    await until(lambda: evening.store.call(*heard))
    seen.fenced_at = await last_id(evening.store, evening.key("log"))
    async with asyncio.timeout(60):
        async for line in command.stdout:
            seen.lines.append(msgspec.json.decode(line))
    assert await command.wait() == 0


async def _whole(evening: Evening) -> list[Event]:
    key = evening.key("log")
    return list(map(decode, await evening.store.read_stream(key, "0-0", block_ms=1, count=100_000)))
