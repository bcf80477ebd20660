"""A game server in the words of Agones' SDK: as messages, and those as JSON.

The JSON is that of Agones' REST gateway: names as in the .proto, every field there,
64-bit integers as strings.
"""

import math
from typing import Any, TypeVar

from google.protobuf import json_format
from google.protobuf.message import Message

from core.errors import Invalid
from gameserver.sdk import beta_pb2 as beta, sdk_pb2 as pb
from gameserver.sidecar.counts import Counter, Names
from gameserver.sidecar.state import SdkState

M = TypeVar("M", bound=Message)

Json = dict[str, Any]
"""Any: whatever a message's fields are in JSON."""


def game_server(server: SdkState) -> pb.GameServer:
    """The game server as it is now."""
    view, health, detail = server.view, server.health, server.detail
    status = pb.GameServer.Status
    fleet = {"agones.dev/fleet": view.fleet} if view.fleet else {}
    return pb.GameServer(
        object_meta=pb.GameServer.ObjectMeta(
            name=view.name,
            namespace=detail.namespace,
            uid=view.uid,
            resource_version=str(server.resource_version),
            generation=server.resource_version,
            creation_timestamp=view.created_ms // 1000,
            annotations=view.annotations,
            labels=fleet | view.labels,
        ),
        spec=pb.GameServer.Spec(
            health=pb.GameServer.Spec.Health(
                disabled=health.period_s <= 0,
                period_seconds=math.ceil(health.period_s),
                failure_threshold=health.failure_threshold,
                initial_delay_seconds=math.ceil(health.initial_delay_s),
            )
        ),
        status=status(
            state=view.state.value,
            address=view.address,
            ports=[status.Port(name=name, port=port) for name, port in ports(server)],
            addresses=[status.Address(type="InternalIP", address=view.address)],
            counters={
                name: status.CounterStatus(count=one.count, capacity=one.capacity)
                for name, one in detail.counters.items()
            },
            lists={
                name: status.ListStatus(capacity=one.capacity, values=one.values)
                for name, one in detail.lists.items()
            },
        ),
    )


def ports(server: SdkState) -> tuple[tuple[str, int], ...]:
    """Its ports by name."""
    return server.detail.ports or (("default", server.view.port),)


def counter(name: str, one: Counter) -> beta.Counter:
    """A counter as the beta service tells it."""
    return beta.Counter(name=name, count=one.count, capacity=one.capacity)


def names(name: str, one: Names) -> beta.List:
    """A list as the beta service tells it."""
    return beta.List(name=name, capacity=one.capacity, values=one.values)


def as_json(message: Message) -> Json:
    """A message as Agones' gateway writes it."""
    told: Json = json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    if isinstance(message, pb.GameServer):
        told["status"].setdefault("players", None)  # player tracking is off
    return told


def from_json(body: Json, empty: M) -> M:
    """A message from what a client wrote; fields that nobody knows are passed over.

    Raises:
        Invalid: a field is of the wrong kind.
    """
    try:
        return json_format.ParseDict(body, empty, ignore_unknown_fields=True)
    except json_format.ParseError as error:
        raise Invalid(str(error)) from error
