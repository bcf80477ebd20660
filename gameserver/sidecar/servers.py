"""All the SDK servers of one machine, in one process: created, watched, allocated, deleted."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Final, Self

from core.clock import Clock, SystemClock
from core.errors import Conflict, IllegalTransition
from core.game_server import ServerView
from core.ids import ServerUid
from core.supervise import every
from gameserver.sidecar import state as sdk_state
from gameserver.sidecar.calls import Calls, Manners
from gameserver.sidecar.endpoint import ANY_PORTS, Endpoint, SdkPorts
from gameserver.sidecar.live import LiveServer
from gameserver.sidecar.mailbox import Mailbox
from gameserver.sidecar.state import Detail, HealthPolicy, new_server

CHECK_EVERY_S: Final = 0.25
"""A health period is a second or more, so this finds a silent server soon enough."""


@dataclass(frozen=True, slots=True)
class _Hosted:
    live: LiveServer
    endpoint: Endpoint


class SdkServers:
    """The one owner of the state of every game server on this machine.

    Use it as a context manager, or call ``aclose``. ``strict`` answers with the error codes
    that Agones' .proto files promise, else as Agones itself does; see ``Manners``.
    """

    def __init__(self, clock: Clock | None = None, *, strict: bool = False) -> None:
        self._clock = clock or SystemClock()
        self._manners = Manners(strict=strict)
        self._hosted: dict[ServerUid, _Hosted] = {}
        self._readers: set[Mailbox[ServerUid, ServerView]] = set()

    async def create(
        self,
        view: ServerView,
        *,
        health: tuple[float, int, float] = (5.0, 3, 5.0),
        ports: SdkPorts = ANY_PORTS,
        detail: Detail | None = None,
    ) -> SdkPorts:
        """Open the SDK of a game server whose process is about to start.

        Args:
            view: The server as it is now, Starting or Scheduled.
            health: Period in seconds (0: never checked), failures in a row that make it
                Unhealthy, and seconds it may take to start.
            ports: Where to listen on 127.0.0.1; 0 is any free port.
            detail: Its counters and lists, if it has any.

        Returns:
            The ports its SDK listens on.

        Raises:
            Conflict: a server with this uid is here.
            Unreachable: a port is taken.
        """
        if view.uid in self._hosted:
            raise Conflict(f"server {view.uid} has its SDK already", other=view.uid)
        policy = HealthPolicy(*health)
        first = new_server(view, policy, now_s=self._clock.elapsed_s(), detail=detail)
        live = LiveServer(first, self._clock, self._tell)
        endpoint = await Endpoint.start(Calls(live, self._manners), ports)
        self._hosted[view.uid] = _Hosted(live, endpoint)
        self._tell(live.state.view)
        return endpoint.ports

    def get(self, uid: ServerUid) -> ServerView | None:
        """The server as it is now; None once deleted."""
        hosted = self._hosted.get(uid)
        return hosted.live.state.view if hosted else None

    def set_process(
        self, uid: ServerUid, *, pid: int, cores: tuple[int, ...] = (), pinned: str = ""
    ) -> None:
        """Its process runs: note where, and Starting becomes Scheduled. Absent is fine."""
        if hosted := self._hosted.get(uid):
            now = sdk_state.scheduled(hosted.live.state, pid=pid, cores=cores, pinned=pinned)
            hosted.live.become(now)

    async def allocate(self, uid: ServerUid, *, labels: Mapping[str, str]) -> bool:
        """Compare and set, Ready to Allocated, and merge these labels in.

        Of any number of callers one is told True. False also when the server is gone.

        Raises:
            Invalid: Kubernetes would not take these labels.
        """
        hosted = self._hosted.get(uid)
        if hosted is None:
            return False
        try:
            hosted.live.become(sdk_state.allocated(hosted.live.state, dict(labels)))
        except IllegalTransition:
            return False
        return True

    async def annotate(self, uid: ServerUid, *, annotations: Mapping[str, str]) -> bool:
        """Put annotations on a server, as anybody in a cluster may; its watches show them.

        False when the server is gone.

        Raises:
            Invalid: Kubernetes would not take these annotations.
        """
        hosted = self._hosted.get(uid)
        if hosted is None:
            return False
        hosted.live.become(sdk_state.told(hosted.live.state, annotations))
        return True

    async def changes(self) -> AsyncIterator[ServerView]:
        """Every server as it is now, then each that changed, until ``aclose``.

        A slow reader gets the latest view of each server, in the order in which they
        changed first. A server's removal is not told: whoever deletes it knows.
        """
        mailbox: Mailbox[ServerUid, ServerView] = Mailbox()
        for uid, hosted in self._hosted.items():
            mailbox.put(uid, hosted.live.state.view)
        self._readers.add(mailbox)
        try:
            async for view in mailbox:
                yield view
        finally:
            self._readers.discard(mailbox)

    async def delete(self, uid: ServerUid) -> None:
        """Close its SDK and end its watches; absent is fine."""
        hosted = self._hosted.pop(uid, None)
        if hosted is None:
            return
        for reader in self._readers:
            reader.drop(uid)
        hosted.live.close()
        await hosted.endpoint.stop()

    async def run(self, stop: asyncio.Event) -> None:
        """Check health and reservations until ``stop``; the SDKs stay open."""
        await every(CHECK_EVERY_S, self.check, stop=stop)

    async def check(self) -> None:
        """Look once at every server's health and reservation."""
        for hosted in self._hosted.values():
            hosted.live.check()

    async def aclose(self) -> None:
        """Delete every server and end every ``changes``."""
        async with asyncio.TaskGroup() as group:
            for uid in list(self._hosted):
                group.create_task(self.delete(uid), name=f"close-sdk-{uid}")
        for reader in self._readers:
            reader.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _tell(self, view: ServerView) -> None:
        for reader in self._readers:
            reader.put(view.uid, view)
