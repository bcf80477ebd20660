"""Agones' SDK over gRPC for one game server, on a loopback port of its own."""
# ruff: noqa: N802 - gRPC finds the methods by the names in the .proto

import math
from collections.abc import AsyncIterator, Callable
from typing import Self, TypeVar

import grpc
import grpc.aio
from grpc.aio import ServicerContext

from core.errors import Conflict, IllegalTransition, Invalid, Rejected, Unreachable
from gameserver.sdk import sdk_pb2 as pb
from gameserver.sdk.sdk_pb2_grpc import SDKServicer, add_SDKServicer_to_server
from gameserver.sidecar import state as sdk_state
from gameserver.sidecar.live import LiveServer
from gameserver.sidecar.state import SdkState

HOST = "127.0.0.1"

GRACE_S = 0.2
"""For the answer to a Shutdown call that made its owner delete the server at once."""

NAMESPACE = "default"

Asked = TypeVar("Asked")

REFUSALS = {
    Invalid: grpc.StatusCode.INVALID_ARGUMENT,
    Conflict: grpc.StatusCode.ALREADY_EXISTS,
    IllegalTransition: grpc.StatusCode.FAILED_PRECONDITION,
}


class Endpoint:
    """A gRPC server that speaks for one game server."""

    def __init__(self, server: grpc.aio.Server, port: int) -> None:
        self.port = port
        self._server = server

    @classmethod
    async def start(cls, live: LiveServer, *, port: int = 0) -> Self:
        """Listen on ``port``, or on any free one.

        Raises:
            Unreachable: the port is taken.
        """
        # Without SO_REUSEPORT, two servers that want one port find out.
        server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        add_SDKServicer_to_server(SdkService(live), server)
        try:
            bound_port = server.add_insecure_port(f"{HOST}:{port}")
        except RuntimeError as error:
            raise Unreachable(f"cannot listen on {HOST}:{port} for an SDK server") from error
        await server.start()
        return cls(server, bound_port)

    async def stop(self) -> None:
        """Close the port, and after a short grace every call."""
        await self._server.stop(GRACE_S)


class SdkService(SDKServicer):
    """Turns calls into changes of one live server.

    What a server may not do is answered INVALID_ARGUMENT, ALREADY_EXISTS or
    FAILED_PRECONDITION; Agones says yes and does nothing. Changes take effect
    before the answer; in Agones, some time after it.
    """

    def __init__(self, live: LiveServer) -> None:
        self._live = live

    async def Ready(
        self, request: pb.Empty, context: ServicerContext[pb.Empty, pb.Empty]
    ) -> pb.Empty:
        return await self._change(context, sdk_state.asked_ready)

    async def Allocate(
        self, request: pb.Empty, context: ServicerContext[pb.Empty, pb.Empty]
    ) -> pb.Empty:
        return await self._change(context, sdk_state.allocated_itself)

    async def Shutdown(
        self, request: pb.Empty, context: ServicerContext[pb.Empty, pb.Empty]
    ) -> pb.Empty:
        return await self._change(context, sdk_state.shut_down)

    async def Reserve(
        self, request: pb.Duration, context: ServicerContext[pb.Duration, pb.Empty]
    ) -> pb.Empty:
        now_s = self._live.clock.elapsed_s()
        return await self._change(
            context, lambda server: sdk_state.reserved(server, request.seconds, now_s=now_s)
        )

    async def SetLabel(
        self, request: pb.KeyValue, context: ServicerContext[pb.KeyValue, pb.Empty]
    ) -> pb.Empty:
        return await self._change(
            context, lambda server: sdk_state.labelled(server, request.key, request.value)
        )

    async def SetAnnotation(
        self, request: pb.KeyValue, context: ServicerContext[pb.KeyValue, pb.Empty]
    ) -> pb.Empty:
        return await self._change(
            context, lambda server: sdk_state.annotated(server, request.key, request.value)
        )

    async def Health(
        self, request: AsyncIterator[pb.Empty], context: ServicerContext[pb.Empty, pb.Empty]
    ) -> pb.Empty:
        async for _ in request:
            self._live.ping()
        return pb.Empty()

    async def GetGameServer(
        self, request: pb.Empty, context: ServicerContext[pb.Empty, pb.GameServer]
    ) -> pb.GameServer:
        return to_wire(self._live.state)

    async def WatchGameServer(
        self, request: pb.Empty, context: ServicerContext[pb.Empty, pb.GameServer]
    ) -> AsyncIterator[pb.GameServer]:
        with self._live.watch() as watch:
            async for server in watch:
                yield to_wire(server)

    async def _change(
        self, context: ServicerContext[Asked, pb.Empty], change: Callable[[SdkState], SdkState]
    ) -> pb.Empty:
        try:
            self._live.become(change(self._live.state))
        except Rejected as refusal:
            code = REFUSALS.get(type(refusal), grpc.StatusCode.UNKNOWN)
            await context.abort(code, str(refusal))
        return pb.Empty()


def to_wire(server: SdkState) -> pb.GameServer:
    """The game server in Agones' words."""
    view, health = server.view, server.health
    return pb.GameServer(
        object_meta=pb.GameServer.ObjectMeta(
            name=view.name,
            namespace=NAMESPACE,
            uid=view.uid,
            resource_version=str(server.resource_version),
            generation=server.resource_version,
            creation_timestamp=view.created_ms // 1000,
            annotations=view.annotations,
            labels={"agones.dev/fleet": view.fleet} | view.labels,
        ),
        spec=pb.GameServer.Spec(
            health=pb.GameServer.Spec.Health(
                disabled=health.period_s <= 0,
                period_seconds=math.ceil(health.period_s),
                failure_threshold=health.failure_threshold,
                initial_delay_seconds=math.ceil(health.initial_delay_s),
            )
        ),
        status=pb.GameServer.Status(
            state=view.state.value,
            address=view.address,
            ports=[pb.GameServer.Status.Port(name="default", port=view.port)],
            addresses=[pb.GameServer.Status.Address(type="InternalIP", address=view.address)],
        ),
    )
