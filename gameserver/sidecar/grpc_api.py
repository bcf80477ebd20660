"""Agones' SDK over gRPC for one game server, on a loopback port of its own."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final, Self

import grpc
import grpc.aio
from google.protobuf.message import Message

from core.errors import Unreachable
from gameserver.sdk import alpha_pb2 as alpha, beta_pb2 as beta, sdk_pb2 as pb
from gameserver.sidecar import wire
from gameserver.sidecar.calls import EMPTY, Calls, Refused

HOST = "127.0.0.1"

GRACE_S = 0.2
"""For the answer to a Shutdown call that made its owner delete the server at once."""

Context = grpc.aio.ServicerContext[Any, Any]
"""Any: every call has messages of its own."""

Unary = tuple[Callable[[Calls, Any], Message], type[Message]]
"""A call that is answered at once, and what it is asked with."""

UNARY: Final[dict[str, dict[str, Unary]]] = {
    "agones.dev.sdk.SDK": {
        "Ready": (Calls.ready, pb.Empty),
        "Allocate": (Calls.allocate, pb.Empty),
        "Shutdown": (Calls.shutdown, pb.Empty),
        "GetGameServer": (Calls.get_game_server, pb.Empty),
        "SetLabel": (Calls.set_label, pb.KeyValue),
        "SetAnnotation": (Calls.set_annotation, pb.KeyValue),
        "Reserve": (Calls.reserve, pb.Duration),
    },
    "agones.dev.sdk.beta.SDK": {
        "GetCounter": (Calls.get_counter, beta.GetCounterRequest),
        "UpdateCounter": (Calls.update_counter, beta.UpdateCounterRequest),
        "GetList": (Calls.get_list, beta.GetListRequest),
        "UpdateList": (Calls.update_list, beta.UpdateListRequest),
        "AddListValue": (Calls.add_list_value, beta.AddListValueRequest),
        "RemoveListValue": (Calls.remove_list_value, beta.RemoveListValueRequest),
    },
    "agones.dev.sdk.alpha.SDK": {
        "PlayerConnect": (Calls.player_tracking, alpha.PlayerID),
        "PlayerDisconnect": (Calls.player_tracking, alpha.PlayerID),
        "SetPlayerCapacity": (Calls.player_tracking, alpha.Count),
        "GetPlayerCapacity": (Calls.player_tracking, alpha.Empty),
        "GetPlayerCount": (Calls.player_tracking, alpha.Empty),
        "IsPlayerConnected": (Calls.player_tracking, alpha.PlayerID),
        "GetConnectedPlayers": (Calls.player_tracking, alpha.Empty),
    },
}


class GrpcPort:
    """A gRPC server that speaks for one game server."""

    def __init__(self, server: grpc.aio.Server, port: int) -> None:
        self.port = port
        self._server = server

    @classmethod
    async def start(cls, calls: Calls, *, port: int = 0) -> Self:
        """Listen on ``port``, or on any free one.

        Raises:
            Unreachable: the port is taken.
        """
        # Without SO_REUSEPORT, two servers that want one port find out.
        server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        server.add_generic_rpc_handlers(_services(calls))
        try:
            bound_port = server.add_insecure_port(f"{HOST}:{port}")
        except RuntimeError as error:
            raise Unreachable(f"cannot listen on {HOST}:{port} for an SDK server") from error
        await server.start()
        return cls(server, bound_port)

    async def stop(self) -> None:
        """Close the port, and after a short grace every call."""
        await self._server.stop(GRACE_S)


def _services(calls: Calls) -> list[grpc.GenericRpcHandler]:
    tables = {
        service: {
            name: grpc.unary_unary_rpc_method_handler(
                _answer(calls, call), asked.FromString, _written
            )
            for name, (call, asked) in unary.items()
        }
        for service, unary in UNARY.items()
    }

    async def health(pings: AsyncIterator[pb.Empty], _: Context) -> pb.Empty:
        async for ping in pings:
            calls.ping(ping)
        return EMPTY

    async def watch(_: pb.Empty, __: Context) -> AsyncIterator[pb.GameServer]:
        with calls.live.watch() as servers:
            async for server in servers:
                yield wire.game_server(server)

    tables["agones.dev.sdk.SDK"] |= {
        "Health": grpc.stream_unary_rpc_method_handler(health, pb.Empty.FromString, _written),
        "WatchGameServer": grpc.unary_stream_rpc_method_handler(
            watch, pb.Empty.FromString, _written
        ),
    }
    return [grpc.method_handlers_generic_handler(name, table) for name, table in tables.items()]


def _answer(
    calls: Calls, call: Callable[[Calls, Any], Message]
) -> Callable[[Message, Context], Awaitable[Message]]:
    async def answer(request: Message, context: Context) -> Message:
        try:
            return call(calls, request)
        except Refused as refusal:
            await context.abort(refusal.code, str(refusal))
            raise AssertionError("abort raises") from refusal

    return answer


def _written(message: Message) -> bytes:
    return message.SerializeToString()
