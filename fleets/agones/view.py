"""A GameServer of the API as our view of it. Pure; what is missing or odd gets a safe value."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.game_server import ServerView, State
from core.ids import FleetName, ServerUid
from fleets.ports import Reason

CLAIM_LABEL = "readyup/claim"
FLEET_LABEL = "agones.dev/fleet"
VERSION_LABEL = "readyup/version"
ROOMS = "readyup/rooms"
"""Annotation, or label, of the fleet's template."""

KEY = "agones.dev/sdk-readyup-key"
"""Annotation by which a server published its public key, before it was Ready."""

PINNED = "agones.dev/sdk-readyup-pinned"

KEPT = ("readyup/", "agones.dev/sdk-")
"""Annotations worth showing; others may be as large as a manifest."""

ROOMS_MAX = 1024
_ENDED = frozenset({State.SHUTDOWN, State.UNHEALTHY, State.ERROR})
_GONE_AS = {
    State.SHUTDOWN: Reason.SHUTDOWN,
    State.UNHEALTHY: Reason.UNHEALTHY,
    State.ERROR: Reason.UNHEALTHY,
    # Nobody scales these down: its node was drained, or somebody deleted it by hand.
    State.ALLOCATED: Reason.EXITED,
    State.RESERVED: Reason.EXITED,
}


@dataclass(frozen=True, slots=True)
class PodServer:
    """A game server in a pod."""

    view: ServerView
    gone_as: Reason
    """What its deletion would mean if it happened now and not by our hand."""


def pod_server(server: dict[str, Any]) -> PodServer:
    """How a GameServer stands, and what its deletion would mean."""
    said = _state((server.get("status") or {}).get("state"), deleting=False)
    view, gone_as = server_view(server), _GONE_AS.get(said, Reason.SCALE)
    if gone_as is Reason.SHUTDOWN and CLAIM_LABEL not in view.labels:
        gone_as = Reason.SCALE  # Agones ends what is too many in the same words as a game
    return PodServer(view, gone_as)


@dataclass(frozen=True, slots=True)
class PodFleet:
    """An Agones Fleet, as far as its size goes."""

    name: str
    uid: str
    replicas: int
    """What it was last asked to have."""

    version: str = ""
    """Of the servers that it starts from now on."""


def pod_fleet(fleet: dict[str, Any]) -> PodFleet:
    """A Fleet of the API; its counts are not used, for Allocated counts our reserve as in use."""
    about = fleet.get("metadata") or {}
    spec = fleet.get("spec") or {}
    labels = _texts(((spec.get("template") or {}).get("metadata") or {}).get("labels"))
    return PodFleet(
        name=str(about.get("name", "")),
        uid=str(about.get("uid", "")),
        replicas=int(spec.get("replicas") or 0),
        version=labels.get(VERSION_LABEL, ""),
    )


def server_view(server: dict[str, Any]) -> ServerView:
    """How a GameServer stands. One that is being deleted counts as Shutdown.

    A server without a fleet has an empty fleet's name, and one without an address port 0.
    """
    about = server.get("metadata") or {}
    status = server.get("status") or {}
    labels = _texts(about.get("labels"))
    annotations = _texts(about.get("annotations"))
    ports = status.get("ports") or [{}]
    return ServerView(
        name=str(about.get("name", "")),
        uid=ServerUid(str(about.get("uid", ""))),
        fleet=FleetName(labels.get(FLEET_LABEL, "")),
        state=_state(status.get("state"), deleting="deletionTimestamp" in about),
        address=str(status.get("address") or ""),
        port=int(ports[0].get("port") or 0),
        labels=labels,
        annotations={key: text for key, text in annotations.items() if key.startswith(KEPT)},
        rooms=_rooms(annotations.get(ROOMS) or labels.get(ROOMS) or ""),
        version=labels.get(VERSION_LABEL, ""),
        pinned=annotations.get(PINNED, ""),
        created_ms=_milliseconds(str(about.get("creationTimestamp") or "")),
        public_key=annotations.get(KEY, ""),
        node=str(status.get("nodeName") or ""),
    )


def _state(said: object, *, deleting: bool) -> State:
    try:
        state = State(str(said or State.PORT_ALLOCATION))
    except ValueError:  # a state of a later Agones: not one that we could hand out
        state = State.SCHEDULED
    return State.SHUTDOWN if deleting and state not in _ENDED else state


def _rooms(text: str) -> int:
    return int(text) if text.isdecimal() and 1 <= int(text) <= ROOMS_MAX else 1


def _milliseconds(stamp: str) -> int:
    try:
        return round(datetime.fromisoformat(stamp).timestamp() * 1000)
    except ValueError:
        return 0


def _texts(found: object) -> dict[str, str]:
    if not isinstance(found, dict):
        return {}
    return {str(key): str(text) for key, text in found.items()}
