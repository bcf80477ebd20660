"""A game server as the rest of the house sees it: Agones' states and one frozen view."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from core.ids import FleetName, ServerUid

PINNED_LABEL: Final = "agones.dev/sdk-readyup-pinned"
"""Label in which a server in a pod says whether its cores are proven to be its own."""

MATCH_ANNOTATION: Final = "readyup/match"
"""Annotation that tells a server its match when it speaks only an Agones SDK."""


SNAPSHOT_MAX_BYTES: Final = 32 * 1024
"""Of one match. In base64 it leaves a frame of 64 KiB room for a hundred players."""


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

    node: str = ""
    """The machine that it is on, by its name; empty where its address is all that is known."""


def is_on(server: ServerView, node: str) -> bool:
    """Whether a server is on a node, which may be called by its name or by its address."""
    return node in (server.node, server.address)


class Pinned(StrEnum):
    """What is known of a server's cores."""

    PROVEN = "true"
    SHARED = "false"
    UNKNOWN = "unknown"


def pinned_states(servers: Collection[ServerView]) -> dict[ServerUid, Pinned]:
    """What is known of the cores of a fleet's servers.

    A server in a pod has looked for itself, and its label says what it found. A local one
    has its cores to itself when no other server of the fleet is on any of them.
    """
    on_core = Counter(core for server in servers for core in set(server.cores))
    return {server.uid: _pinned(server, on_core) for server in servers}


def _pinned(server: ServerView, on_core: Counter[int]) -> Pinned:
    said = server.labels.get(PINNED_LABEL)
    if said is not None:
        return Pinned.PROVEN if said == Pinned.PROVEN else Pinned.SHARED
    if not server.cores:
        return Pinned.UNKNOWN
    alone = all(on_core[core] == 1 for core in server.cores)
    return Pinned.PROVEN if alone else Pinned.SHARED
