"""A node told to empty itself, looked at while it does, and taken back: ``readyup fleet drain``.

The word stands in the store, where the allocator obeys it and local fleets start nothing; whoever
gave it may go, and asking again looks on.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import msgspec

from allocator.drain import Drain, Progress, decode_drain, decode_progress
from core.clock import SystemClock
from core.errors import NotFound
from core.game_server import ServerView, is_on
from core.ids import FleetName
from core.redis import Store
from fleets.capacity.ledger import Ledger
from fleets.capacity.survival import survival
from fleets.drain import empty_in_s
from readyup.fleetctl.announce import duration_s
from readyup.fleetctl.audited import audited
from readyup.fleetctl.look import store_of
from readyup.operators.deeds import Done
from readyup.settings import Config

LOOK_S = 1.0

_view = msgspec.json.Decoder(ServerView).decode
_CLOCK = SystemClock()


@dataclass(frozen=True, slots=True)
class DrainAsked:
    """What ``readyup fleet drain`` was given beside the node."""

    by: str = ""
    cancel: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class NodeLook:
    """How far a node is, over all fleets."""

    node: str
    state: str
    """draining, drained, or cancelled."""

    servers: int = 0
    matches: int = 0
    others: int = 0
    """Servers that somebody else allocated; they are let be."""

    by_ms: int | None = None
    empty_in_s: float | None = 0.0
    """Until the last match has probably ended or is handed over; None while nobody can say."""

    unheard: tuple[FleetName, ...] = ()
    """Fleets whose allocator has not answered yet."""

    def sentence(self) -> str:
        """For a reader."""
        if self.state != "draining":
            told = f"{self.node}: {self.state}"
        elif self.unheard:
            told = f"{self.node}: waits for the allocator of {', '.join(self.unheard)}"
        else:
            told = f"{self.node}: {self.servers} servers, {self.matches} matches play on"
            if self.matches and self.empty_in_s is not None:
                told += f", probably empty in {self.empty_in_s:.0f} s"
            if self.matches and self.by_ms is not None and self.by_ms <= _CLOCK.wall_ms():
                told += "; handed over as rooms elsewhere become warm"
        return told + (f"; {self.others} servers of others stay" if self.others else "")


async def drain(config: Config, node: str, asked: DrainAsked) -> AsyncIterator[NodeLook]:
    """Give or take back the word, then look until the node is empty, or the word taken back.

    Raises:
        NotFound: no server is on such a node, or it is not drained.
        Invalid: the deadline is no duration, or the configuration names no store.
    """
    within_ms = round(1000 * duration_s(asked.by, option="--by")) if asked.by else None
    async with store_of(config) as store:
        there = await _drains(store, config, node)
        if asked.cancel:
            await _take_back(store, config, node, there, reason=asked.reason)
            yield NodeLook(node, "cancelled")
            return
        if not there or within_ms is not None:
            await _begin(store, config, node, there, within_ms=within_ms, reason=asked.reason)
        while True:
            yield (look := await node_look(store, config, node))
            if look.state != "draining":
                return
            await asyncio.sleep(LOOK_S)


async def told(
    config: Config, node: str, asked: DrainAsked, *, as_json: bool
) -> AsyncIterator[str]:
    """The same as lines, each time it is another one."""
    before = ""
    async for look in drain(config, node, asked):
        line = msgspec.json.encode(look).decode() if as_json else look.sentence()
        if line != before:
            yield line
        before = line


async def node_look(store: Store, config: Config, node: str) -> NodeLook:
    """How far a node is now."""
    now_ms = _CLOCK.wall_ms()
    drains = await _drains(store, config, node)
    if not drains:
        return NodeLook(node, "cancelled")
    look = NodeLook(node, "draining")
    for fleet, one in drains.items():
        progress = await _progress(store, fleet, node, one)
        if progress is None:
            look = replace(look, unheard=(*look.unheard, fleet))
            continue
        expected_s = await _empty_in_s(store, fleet, one, progress, now_ms)
        look = replace(
            look,
            servers=look.servers + progress.servers,
            matches=look.matches + len(progress.stays),
            others=look.others + progress.others,
            by_ms=one.by_ms,
            empty_in_s=_later(look.empty_in_s, expected_s),
        )
    done = not look.unheard and not look.servers
    return replace(look, state="drained") if done else look


async def _drains(store: Store, config: Config, node: str) -> dict[FleetName, Drain]:
    found = {
        fleet: await store.call("HGET", _key(fleet, "drains"), node)
        for fleet in config.fleet_names()
    }
    return {fleet: decode_drain(text) for fleet, text in found.items() if text is not None}


async def _begin(
    store: Store,
    config: Config,
    node: str,
    there: dict[FleetName, Drain],
    *,
    within_ms: int | None,
    reason: str,
) -> None:
    nodes = await _nodes(store, config)
    if not there and node not in nodes:
        raise NotFound(f"no server is on node {node!r}; there are: {', '.join(nodes) or 'none'}")
    now_ms = _CLOCK.wall_ms()
    by_ms = None if within_ms is None else now_ms + within_ms

    async def begin() -> Done:
        for fleet in config.fleet_names():
            began_ms = there[fleet].began_ms if fleet in there else now_ms
            body = msgspec.json.encode(Drain(node, began_ms, by_ms)).decode()
            await store.durably.call("HSET", _key(fleet, "drains"), node, body)
        return Done("", "no deadline" if by_ms is None else f"handed over from {by_ms} on")

    await audited(store, _CLOCK, begin, what="drainNode", target=node, reason=reason)


async def _take_back(
    store: Store, config: Config, node: str, there: dict[FleetName, Drain], *, reason: str
) -> None:
    if not there:
        raise NotFound(f"node {node!r} is not drained")

    async def take_back() -> Done:
        for fleet in config.fleet_names():
            await store.durably.call("HDEL", _key(fleet, "drains"), node)
            await store.call("HDEL", _key(fleet, "drain-progress"), node)
        return Done("", "taken back")

    await audited(store, _CLOCK, take_back, what="undrainNode", target=node, reason=reason)


async def _nodes(store: Store, config: Config) -> list[str]:
    nodes: set[str] = set()
    for fleet in config.fleet_names():
        for text in await store.call("HVALS", _key(fleet, "backend")):
            server = _view(text)
            nodes |= {name for name in (server.node, server.address) if is_on(server, name)}
    return sorted(nodes - {""})


async def _progress(store: Store, fleet: FleetName, node: str, one: Drain) -> Progress | None:
    """How far an allocator is. What it said of a drain before this one was said too late."""
    text = await store.call("HGET", _key(fleet, "drain-progress"), node)
    told = None if text is None else decode_progress(text)
    return told if told is not None and told.t >= one.began_ms else None


async def _empty_in_s(
    store: Store, fleet: FleetName, one: Drain, told: Progress, now_ms: int
) -> float | None:
    ended = await Ledger(store, fleet).took("session", now_ms=now_ms)
    running = await Ledger(store, fleet).sessions()
    curve = survival(ended, [max(0.0, (now_ms - since_ms) / 1000) for since_ms in running])
    ages_s = [max(0.0, (now_ms - stay.since_ms) / 1000) for stay in told.stays]
    by_s = None if one.by_ms is None else (one.by_ms - now_ms) / 1000
    return empty_in_s(curve, ages_s, by_s=by_s)


def _later(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else max(one, other)


def _key(fleet: FleetName, name: str) -> str:
    return f"{{f:{fleet}}}:{name}"
