"""A game server as the rest of the house sees it: Agones' states and one frozen view."""

from dataclasses import dataclass, field
from enum import StrEnum

from core.ids import FleetName, ServerUid


class State(StrEnum):
    """Where a game server is in its life; the names are Agones' own."""

    PORT_ALLOCATION = "PortAllocation"
    CREATING = "Creating"
    STARTING = "Starting"
    SCHEDULED = "Scheduled"
    REQUEST_READY = "RequestReady"
    READY = "Ready"
    ALLOCATED = "Allocated"
    RESERVED = "Reserved"
    SHUTDOWN = "Shutdown"
    UNHEALTHY = "Unhealthy"
    ERROR = "Error"


@dataclass(frozen=True, slots=True)
class ServerView:
    """One game server at one moment."""

    name: str
    uid: ServerUid
    fleet: FleetName
    state: State
    address: str
    port: int
    """UDP port that players reach, on the host's network."""

    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    rooms: int = 1
    version: str = ""
    cores: tuple[int, ...] = ()
    """Processors it is pinned to; empty where the system cannot pin."""

    pinned: str = ""
    """The same for a reader, e.g. "core 1, shared with 5 others"."""

    pid: int = 0
    created_ms: int = 0
    public_key: str = ""
    """Ed25519 key, 64 hex digits, by which the server proves itself; empty until known."""
