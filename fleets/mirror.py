"""The servers as Redis shows them: the hash that the allocator reads, and ``server.deleted``.

Only the latest view of a server waits to be written, so a store that is away for a
while costs nothing but lateness, and nothing here ever stops a game server.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import msgspec
import structlog

from core.clock import Clock
from core.errors import Exhausted, Unreachable
from core.game_server import ServerView
from core.ids import FleetName
from core.lua import LuaScript
from core.redis import Store
from fleets.ports import Reason

REMOVE = LuaScript.load("fleets.lua", "remove_server")
RETRY_S = 0.2
REIGN_S = 0.5
"""How often we look whether the store has a new primary."""

LAST_WORDS_S = 2.0
"""How long a role that stops waits for the store to take what is left."""

log = structlog.get_logger("readyup.fleets")


@dataclass(frozen=True, slots=True)
class _News:
    view: ServerView
    gone: Reason | None = None


class RedisMirror:
    """One writer for all fleets; ``run`` must be running for anything to be written."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._news: dict[str, _News] = {}
        self._there: dict[FleetName, dict[str, ServerView]] = {}
        """Every server as it was put last, by its uid."""

        self._wake = asyncio.Event()
        self._away = False

    def put(self, view: ServerView) -> None:
        """Show a server as it is now."""
        self._there.setdefault(view.fleet, {})[view.uid] = view
        self._note(_News(view))

    def remove(self, view: ServerView, reason: Reason) -> None:
        """A server is gone; its removal is told once."""
        self._there.get(view.fleet, {}).pop(view.uid, None)
        self._note(_News(view, reason))

    async def clear(self, fleet: FleetName) -> int:
        """Remove what a dead predecessor showed; how many servers that were.

        Raises:
            StoreUnreachable: nobody answers; it may be called again.
        """
        key = f"{{f:{fleet}}}:backend"
        shown: dict[str, str] = await self._store.call("HGETALL", key)
        for name, text in shown.items():
            try:
                view = msgspec.json.decode(text, type=ServerView)
            except msgspec.MsgspecError:  # another version of this program wrote it
                await self._store.call("HDEL", key, name)
                continue
            await self._write(_News(view, Reason.STOP))
        return len(shown)

    async def align(self, fleet: FleetName, there: Callable[[], Iterable[ServerView]]) -> int:
        """Have shown exactly what is there; how many servers were shown wrongly.

        For a backend whose servers outlive us: what happened while nobody looked, or was
        written late by somebody who led before, is put right.

        Raises:
            StoreUnreachable: nobody answers; it may be called again.
        """
        shown: dict[str, str] = await self._store.call("HGETALL", f"{{f:{fleet}}}:backend")
        # Asked for only now: from here on there is no await, so nothing is older than it.
        views = {view.name: view for view in there()}
        wrong = 0
        for name, text in shown.items():
            now = views.pop(name, None)
            try:
                view = msgspec.json.decode(text, type=ServerView)
            except msgspec.MsgspecError:  # another version of this program wrote it
                wrong += 1
                await self._store.call("HDEL", f"{{f:{fleet}}}:backend", name)
                if now is not None:
                    self.put(now)
                continue
            on_the_way = any(one is not None and one.uid in self._news for one in (view, now))
            if view == now or on_the_way:
                continue
            wrong += 1
            if now is None or now.uid != view.uid:
                self.remove(view, Reason.EXITED)
            if now is not None:
                self.put(now)
        for view in views.values():
            self.put(view)
        return wrong + len(views)

    async def run(self, stop: asyncio.Event) -> None:
        """Write what changes until ``stop``, then what is left, within two seconds."""
        async with asyncio.TaskGroup() as group:
            working = [
                group.create_task(self._follow(), name="mirror-writer"),
                group.create_task(self._show_again(), name="mirror-reign"),
            ]
            await stop.wait()
            for task in working:
                task.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS_S):
                await self._flush()

    async def _follow(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._flush()

    async def _show_again(self) -> None:
        """What a failover may have forgotten is shown again, and what it brought back is not."""
        reign = self._store.reign
        while True:
            await asyncio.sleep(REIGN_S)
            if (now := self._store.reign) == reign:
                continue
            with contextlib.suppress(Unreachable, Exhausted):
                for fleet, there in list(self._there.items()):
                    await self.align(fleet, there.values)
                reign = now

    async def _flush(self) -> None:
        """Until nothing waits; tries again while the store is away."""
        while self._news:
            async with asyncio.TaskGroup() as group:
                tries = [
                    group.create_task(self._try(news), name=f"mirror-{news.view.name}")
                    for news in self._news.values()
                ]
            if not all(task.result() for task in tries):
                await asyncio.sleep(RETRY_S)

    async def _try(self, news: _News) -> bool:
        try:
            await self._write(news)
        except (Unreachable, Exhausted) as away:
            if not self._away:
                log.warning("mirror.lost", reason=str(away))
            self._away = True
            return False
        if self._away:
            log.info("mirror.back")
        self._away = False
        if self._news.get(news.view.uid) is news:
            del self._news[news.view.uid]
        return True

    async def _write(self, news: _News) -> None:
        view = news.view
        backend = f"{{f:{view.fleet}}}:backend"
        if news.gone is None:
            await self._store.call("HSET", backend, view.name, msgspec.json.encode(view).decode())
            return
        await REMOVE(
            self._store,
            keys={"backend": backend, "log": f"{{f:{view.fleet}}}:log"},
            args={
                "name": view.name,
                "uid": view.uid,
                "reason": news.gone,
                "now_ms": self._clock.wall_ms(),
            },
        )

    def _note(self, news: _News) -> None:
        # Under one name a new life may follow before the end of the old one is told.
        self._news[news.view.uid] = news
        self._wake.set()
