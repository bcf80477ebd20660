"""Stand-ins for what other packages bring: SDK servers in memory, and a game of a few lines."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from core.game_server import ServerView, State
from core.ids import FleetName, ServerUid
from fleets.ports import Reason
from fleets.spec import FleetSpec, PortRange


class Ports(NamedTuple):
    """Where the SDK of every server would listen."""

    grpc: int = 9357
    http: int = 9358


class MemoryStates:
    """SDK servers without a network; a test speaks for the game server with ``become``."""

    def __init__(self) -> None:
        self.views: dict[ServerUid, ServerView] = {}
        self.health: dict[ServerUid, tuple[float, int, float]] = {}
        self._news: asyncio.Queue[ServerView] = asyncio.Queue()
        self.ready_at_once = False

    async def create(self, view: ServerView, *, health: tuple[float, int, float]) -> "Ports":
        assert view.uid not in self.views
        self.health[view.uid] = health
        self._set(view)
        return Ports()

    def get(self, uid: ServerUid) -> ServerView | None:
        return self.views.get(uid)

    def set_process(
        self, uid: ServerUid, *, pid: int, cores: tuple[int, ...] = (), pinned: str = ""
    ) -> None:
        now = self.views[uid]
        state = State.SCHEDULED if now.state is State.STARTING else now.state
        if state is State.SCHEDULED and self.ready_at_once:
            state = State.READY
        self._set(replace(now, pid=pid, cores=cores, pinned=pinned, state=state))

    async def allocate(self, uid: ServerUid, *, labels: Mapping[str, str]) -> bool:
        now = self.views.get(uid)
        if now is None or now.state is not State.READY:
            return False
        self._set(replace(now, state=State.ALLOCATED, labels={**now.labels, **labels}))
        return True

    async def annotate(self, uid: ServerUid, *, annotations: Mapping[str, str]) -> bool:
        if (now := self.views.get(uid)) is None:
            return False
        self._set(replace(now, annotations={**now.annotations, **annotations}))
        return True

    async def changes(self) -> AsyncIterator[ServerView]:
        while True:
            yield await self._news.get()

    async def delete(self, uid: ServerUid) -> None:
        self.views.pop(uid, None)

    def become(self, uid: ServerUid, state: State) -> None:
        self._set(replace(self.views[uid], state=state))

    def _set(self, view: ServerView) -> None:
        self.views[view.uid] = view
        self._news.put_nowait(view)


class MemoryMirror:
    """What was shown, last."""

    def __init__(self) -> None:
        self.shown: dict[str, ServerView] = {}
        self.removed: dict[str, Reason] = {}

    def put(self, view: ServerView) -> None:
        self.shown[view.name] = view

    def remove(self, view: ServerView, reason: Reason) -> None:
        self.shown.pop(view.name, None)
        self.removed[view.name] = reason


def game(script: str = "exec sleep 60", **changes: object) -> FleetSpec:
    """A fleet whose servers run a shell script."""
    spec = FleetSpec(
        name=FleetName("arena"),
        command=("sh", "-c", script),
        ports=PortRange(17400, 17449),
        replicas=3,
        grace_s=2.0,
    )
    return replace(spec, **changes)  # type: ignore[arg-type]  # a test's own fields
