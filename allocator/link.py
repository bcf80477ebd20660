"""One game server's socket: what goes out waits in a bounded line, never in our loop."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web

from allocator.frames import Frame
from core.errors import Exhausted, Unreachable
from core.game_server import ServerView
from core.ids import MatchId

OUTBOX_MAX = 256
"""Frames that may wait for one server. A server that far behind is dropped: it reconnects,
says what it holds, and is told what it should hold."""

Outgoing = Frame | Callable[[], Awaitable[Frame | None]]
"""A frame, or how to make it when its turn comes (None: it is no longer true)."""


class Link:
    """A connected server that has proved who it is."""

    def __init__(
        self, ws: web.WebSocketResponse, server: ServerView, *, send_s: float, now_ms: int
    ) -> None:
        self.server = server
        self.connected_ms = now_ms
        self.beat_ms = 0
        """When its last heartbeat was written down."""

        self.checked_ms = now_ms
        """When what it holds was last compared with the store."""

        self.snapshots_ms: dict[MatchId, int] = {}
        """When a snapshot of each of its matches was kept last."""

        self.dropped = ""
        """Why we cut the line; empty while it stands."""

        self._ws = ws
        self._send_s = send_s
        self._outbox: asyncio.Queue[Outgoing] = asyncio.Queue(OUTBOX_MAX)
        self._cut: Callable[[], None] | None = None

    def on_drop(self, cut: Callable[[], None]) -> None:
        """How to cut the line at once."""
        self._cut = cut

    def push(self, outgoing: Outgoing) -> None:
        """Send after what waits already; returns at once. A full line drops the server."""
        try:
            self._outbox.put_nowait(outgoing)
        except asyncio.QueueFull:
            self.drop("slow")

    def drop(self, reason: str) -> None:
        """Cut the line without a farewell; the first reason stands."""
        self.dropped = self.dropped or reason
        if self._cut is not None:
            self._cut()

    async def write(self) -> None:
        """Send what waits, in order, until cancelled or dropped."""
        while not self.dropped:
            outgoing = await self._outbox.get()
            try:
                frame = outgoing if isinstance(outgoing, dict) else await outgoing()
                if frame is not None:
                    async with asyncio.timeout(self._send_s):
                        await self._ws.send_str(msgspec.json.encode(frame).decode())
            except TimeoutError:
                self.drop("slow")
            except (Unreachable, Exhausted):
                # What it should hold cannot be read now; on its return it is compared again.
                self.drop("store")
            except ConnectionError:
                self.drop("gone")
