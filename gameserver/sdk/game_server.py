"""A game server as its SDK tells it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import Unreachable
from core.game_server import State

if TYPE_CHECKING:
    from gameserver.sdk import sdk_pb2 as pb


@dataclass(frozen=True, slots=True)
class GameServer:
    """One answer of the SDK."""

    name: str
    namespace: str
    uid: str
    state: State
    address: str
    ports: dict[str, int]
    """Name of the port, as the fleet names it, to its number on the host."""

    labels: dict[str, str]
    annotations: dict[str, str]
    created_s: int
    """Seconds since 1970; 0 when nobody knows."""

    health_period_s: int
    """Ping at least twice in each; 0 when nobody checks."""

    resource_version: str = ""
    """Differs after each change; no order."""


def from_wire(message: "pb.GameServer") -> GameServer:
    """Read an SDK server's answer.

    Raises:
        Unreachable: it names a state that Agones does not have.
    """
    meta, status, health = message.object_meta, message.status, message.spec.health
    try:
        state = State(status.state)
    except ValueError as error:
        raise Unreachable(f"the SDK server tells of an unknown state {status.state!r}") from error
    return GameServer(
        name=meta.name,
        namespace=meta.namespace,
        uid=meta.uid,
        state=state,
        address=status.address,
        ports={port.name: port.port for port in status.ports},
        labels=dict(meta.labels),
        annotations=dict(meta.annotations),
        created_s=max(0, meta.creation_timestamp),  # Agones sends the year 1 for "unset"
        health_period_s=0 if health.disabled else health.period_seconds,
        resource_version=meta.resource_version,
    )
