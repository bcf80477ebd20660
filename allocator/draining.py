"""Obeys an operator's word that a node goes: fences its servers, and hands over what is left.

The word is in the store, so whoever gave it may go; any number of allocators may obey it.
"""

from collections import ChainMap
from collections.abc import Mapping, Sequence

import msgspec
import structlog

from allocator.drain import Progress, Stay, decode_drain, others_on, to_fence, to_hand_over
from allocator.handover import Handover
from allocator.last_words import LastWords
from allocator.link import Link
from allocator.ports import Servers
from allocator.settings import AllocatorSettings
from core.game_server import ServerView
from core.ids import MatchId, ServerUid

CAUSE = "node-drained"

log = structlog.get_logger("readyup.allocator")


class Draining:
    """One fleet's; a part of its reserve."""

    def __init__(
        self,
        servers: Servers,
        handover: Handover,
        settings: AllocatorSettings,
        links: Mapping[ServerUid, Link],
    ) -> None:
        """``links`` are the servers that are connected to this process."""
        self._servers = servers
        self._handover = handover
        self._pool = handover.pool
        # Elsewhere a match in play would not go on: it is waited for, however long.
        self._hands_over = settings.on_lost == "handover" and settings.ack == "sessions"
        self._last_words = LastWords(links)
        self._told: dict[str, Progress] = {}

    async def step(self, *, now_ms: int) -> frozenset[ServerUid]:
        """Fence, hand over what is due, tell how far it is; the servers that are fenced."""
        found: dict[str, str] = await self._pool.store.call("HGETALL", self._pool.key("drains"))
        drains = {node: decode_drain(text) for node, text in found.items()}
        self._told = {node: told for node, told in self._told.items() if node in drains}
        if not drains:
            self._last_words.forget_others(())
            return frozenset()
        running = await self._servers.running()
        fenced = to_fence(running, drains)
        stays: dict[str, dict[Stay, ServerUid]] = {node: {} for node in drains}
        for server, drain in fenced.values():
            for stay in await self._fence(server, now_ms=now_ms):
                stays[drain.node][stay] = server.uid
        due = [stays[node] for node, drain in drains.items() if drain.is_due(now_ms)]
        if self._hands_over and any(due):
            await self._hand_over(dict(ChainMap(*due)), now_ms=now_ms)
        for node in drains:
            servers = sum(one.node == node for _, one in fenced.values())
            told = Progress(now_ms, servers, tuple(stays[node]), others_on(running, node))
            await self._tell(node, told)
        self._last_words.forget_others({one for there in stays.values() for one in there})
        return frozenset(fenced)

    async def _fence(self, server: ServerView, *, now_ms: int) -> list[Stay]:
        stays: Sequence[Sequence[str]] = await self._pool.fence(server, now_ms=now_ms)
        return [Stay(MatchId(match), int(epoch), int(since)) for match, epoch, since in stays]

    async def _hand_over(self, due: Mapping[Stay, ServerUid], *, now_ms: int) -> None:
        """By a word of their servers, or without it once they had the time to say one."""
        for stay in to_hand_over(due, warm=await self._pool.warm()):
            asked = self._last_words.asked(stay, due[stay], now_ms=now_ms)
            if asked and await self._pool.doubt(stay.match, stay.epoch, now_ms=now_ms):
                await self._handover.look_after(stay.match, cause=CAUSE, now_ms=now_ms)

    async def _tell(self, node: str, told: Progress) -> None:
        before = self._told.get(node)
        if before is None or before.done() != told.done():
            fleet = self._pool.fleet
            if told.done():
                log.info("node.drained", fleet=fleet, node=node)
            else:
                here, play = told.servers, len(told.stays)
                log.info("node.drains", fleet=fleet, node=node, servers=here, matches=play)
        self._told[node] = told
        body = msgspec.json.encode(told).decode()
        await self._pool.store.call("HSET", self._pool.key("drain-progress"), node, body)
