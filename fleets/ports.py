"""What this package needs from others, and what its own parts need from one another."""

from collections.abc import AsyncIterator, Mapping
from enum import StrEnum
from typing import Protocol

from core.game_server import ServerView
from core.ids import FleetName, ServerUid
from fleets.spec import FleetSpec


class Reason(StrEnum):
    """Why a server was deleted, as the event ``server.deleted`` tells it."""

    SCALE = "scale"
    UNHEALTHY = "unhealthy"
    EXITED = "exited"
    SHUTDOWN = "shutdown"
    STOP = "stop"


class SdkPorts(Protocol):
    """Where one server's SDK listens on 127.0.0.1."""

    @property
    def grpc(self) -> int: ...

    @property
    def http(self) -> int: ...


class ServerStates(Protocol):
    """The SDK servers: the one owner of each game server's Agones state."""

    async def create(self, view: ServerView, *, health: tuple[float, int, float]) -> SdkPorts:
        """Open an SDK endpoint for this server; the ports it listens on.

        ``health`` is period in seconds, failure threshold, initial delay in seconds.
        """
        ...

    def get(self, uid: ServerUid) -> ServerView | None:
        """The server as it is now; None once it is deleted."""
        ...

    def set_process(
        self, uid: ServerUid, *, pid: int, cores: tuple[int, ...] = (), pinned: str = ""
    ) -> None:
        """Its process runs; Starting becomes Scheduled. Again: only the facts change."""
        ...

    async def allocate(self, uid: ServerUid, *, labels: Mapping[str, str]) -> bool:
        """Ready to Allocated with these labels, as compare-and-set; False changes nothing."""
        ...

    def changes(self) -> AsyncIterator[ServerView]:
        """Every server as it is now, then the latest view of each that changed."""
        ...

    async def delete(self, uid: ServerUid) -> None:
        """Close its endpoint; an absent one is fine."""
        ...


class Backend(Protocol):
    """Whoever runs the game servers."""

    def observe(self, fleet: FleetName) -> tuple[ServerView, ...]:
        """The servers there are, those that are being ended included (as Shutdown)."""
        ...

    async def start(self, spec: FleetSpec) -> ServerView:
        """Start one server; it is seen at once and says Ready by itself.

        Raises:
            Exhausted: no port is free.
            Invalid: its command cannot be started.
        """
        ...

    def stop(self, uid: ServerUid, reason: Reason) -> None:
        """Begin to end a server, and return. Absent, or being ended already, is fine."""
        ...

    async def take(self, uid: ServerUid, claim: str) -> bool:
        """Ready to Allocated under this claim; True also when this very claim has it."""
        ...

    async def changed(self, fleet: FleetName, *, timeout_s: float) -> None:
        """Return when this fleet has changed since the last call, at the latest after this."""
        ...


class Mirror(Protocol):
    """Where the rest of the house sees the servers."""

    def put(self, view: ServerView) -> None:
        """Show a server as it is now."""
        ...

    def remove(self, view: ServerView, reason: Reason) -> None:
        """A server is gone."""
        ...
