"""What a server says so that its matches outlive it: snapshots, and that it is about to go."""

from collections.abc import Callable

from allocator import frames
from allocator.handover import Handover
from allocator.link import Link
from allocator.sessions import Sessions
from allocator.settings import AllocatorSettings

CAUSE = "server-leaves"

EARLY_SHARE = 0.5
"""A snapshot sooner than this share of ``snapshot_s`` after the last one is passed over."""


class Leaving:
    """One fleet's; a part of its desk."""

    def __init__(
        self,
        sessions: Sessions,
        handover: Handover,
        settings: AllocatorSettings,
        look_soon: Callable[[], None] = lambda: None,
    ) -> None:
        """``look_soon`` is called when servers may be gone."""
        self.look_soon = look_soon
        self._sessions = sessions
        self._handover = handover
        self._pool = sessions.pool
        self._hands_over = settings.on_lost == "handover"
        self._early_ms = EARLY_SHARE * settings.snapshot_s * 1000

    async def hear(
        self,
        link: Link,
        said: frames.Snapshot | frames.Draining | frames.HandOver,
        *,
        now_ms: int,
    ) -> None:
        """Keep what is said for the match's next server, and have one looked for."""
        match said:
            case frames.Snapshot():
                await self._snapshot(link, said, now_ms=now_ms)
            case frames.Draining():
                await self._pool.retire(link.server.uid, now_ms=now_ms)
            case frames.HandOver():
                await self._hand_over(link, said, now_ms=now_ms)

    async def _snapshot(self, link: Link, said: frames.Snapshot, *, now_ms: int) -> None:
        early = now_ms - link.snapshots_ms.get(said.match, 0) < self._early_ms
        if self._hands_over and not early:
            link.snapshots_ms[said.match] = now_ms
            await self._keep(link, said, said.state, now_ms=now_ms)

    async def _hand_over(self, link: Link, said: frames.HandOver, *, now_ms: int) -> None:
        session = await self._sessions.get(said.match)
        if session is None or (session.server, session.epoch) != (link.server.uid, said.epoch):
            return
        if session.joined_ms and not self._hands_over:
            return  # its server finishes it, or fails it in the end
        if said.state is not None:
            await self._keep(link, said, said.state, now_ms=now_ms)
        if session.joined_ms and not await self._pool.warm():
            return  # it is played where it is, and its server says so again
        due = await self._pool.doubt(said.match, said.epoch, now_ms=now_ms)
        # The reaper would find it within half a second, as it finds one that nobody joined: that
        # one may have been claimed a moment ago, and be closed where it only had to be committed.
        if due and session.joined_ms:
            await self._handover.look_after(said.match, cause=CAUSE, now_ms=now_ms)

    async def _keep(
        self, link: Link, said: frames.Snapshot | frames.HandOver, state: bytes, *, now_ms: int
    ) -> None:
        await self._sessions.keep(
            said.match, link.server.uid, said.epoch, n=said.n, state=state, now_ms=now_ms
        )
