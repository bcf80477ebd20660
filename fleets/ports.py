"""What this package needs from others, and what its own parts need from one another."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from core.errors import Unreachable
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


class BackendAway(Unreachable):
    """Whoever runs the servers does not answer now; ``retry_after_s`` is what it asked for."""

    def __init__(self, detail: str, *, retry_after_s: float = 0.0) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


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

    async def annotate(self, uid: ServerUid, *, annotations: Mapping[str, str]) -> bool:
        """Show the server these annotations, beside those it has; False when it is gone."""
        ...

    def changes(self) -> AsyncIterator[ServerView]:
        """Every server as it is now, then the latest view of each that changed."""
        ...

    async def delete(self, uid: ServerUid) -> None:
        """Close its endpoint; an absent one is fine."""
        ...


class Hands(Protocol):
    """Who obeys the allocator's orders for a fleet's servers."""

    async def take(self, uid: ServerUid, claim: str) -> bool:
        """Have a server Allocated under this claim; True also when one has it already.

        A backend that can choose takes this very server; one that cannot takes any Ready
        server of the fleet. Calls for different claims may run at the same time.

        Raises:
            BackendAway: it may have happened or not; the same claim is to be asked for again.
        """
        ...

    async def tell(self, uid: ServerUid, letter: str) -> None:
        """Give a server its annotation ``readyup/match``. Absent, or told before, is fine.

        Raises:
            BackendAway: it may have happened or not; asking again is safe.
        """
        ...

    async def give_up(self, uid: ServerUid) -> None:
        """Begin to end a server that nobody uses, and return. Absent is fine.

        Raises:
            BackendAway: it may have happened or not; asking again is safe.
        """
        ...


class Backend(Hands, Protocol):
    """Who starts and stops single servers: processes of this machine."""

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

    async def changed(self, fleet: FleetName, *, timeout_s: float) -> None:
        """Return when this fleet has changed since the last call, at the latest after this."""
        ...


@dataclass(frozen=True, slots=True)
class Wish:
    """The size that the forecast asks for."""

    replicas: int
    why: str
    """In a sentence."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What a fleet's servers are wanted for, as the store tells it."""

    in_use: frozenset[ServerUid] = frozenset()
    """Servers with a session."""

    waiting: int = 0
    """Matches in line for a room."""

    wish: Wish | None = None
    """What the forecast asks for; None where the settings alone say the size."""

    drained: frozenset[str] = frozenset()
    """Nodes that an operator empties."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What one look at a fleet came to; ``{f:F}:plan`` shows it."""

    replicas: int
    """Servers that the fleet should have."""

    why: Mapping[str, object]
    """A ``sentence`` for a reader, and the inputs that it follows from."""

    observed: Sequence[ServerView] = ()
    """The fleet's servers, as the look found them."""


class Sizing(Protocol):
    """Who brings one fleet to its size: by single servers, or by a number."""

    async def step(self, demand: Demand | None, *, now_ms: int) -> Decision:
        """Observe, plan, execute. Without a demand nobody knows what is in use: none is ended."""
        ...

    async def changed(self, *, timeout_s: float) -> None:
        """Return when the fleet has changed since the last call, at the latest after this."""
        ...


class Mirror(Protocol):
    """Where the rest of the house sees the servers."""

    def put(self, view: ServerView) -> None:
        """Show a server as it is now."""
        ...

    def remove(self, view: ServerView, reason: Reason) -> None:
        """A server is gone."""
        ...
