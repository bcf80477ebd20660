"""The two doors of one game server's SDK: gRPC and REST, opened and closed together."""

import contextlib
from dataclasses import dataclass
from typing import Final, Self

from gameserver.sidecar.calls import Calls
from gameserver.sidecar.grpc_api import GrpcPort
from gameserver.sidecar.rest_api import Routes, rest_port, sdk_app


@dataclass(frozen=True, slots=True)
class SdkPorts:
    """Where an SDK server listens on 127.0.0.1; before it does, 0 is any free port."""

    grpc: int = 0
    http: int = 0


ANY_PORTS: Final = SdkPorts()


class Endpoint:
    """Both doors, open until ``stop``."""

    def __init__(self, ports: SdkPorts, doors: contextlib.AsyncExitStack) -> None:
        self.ports = ports
        self._doors = doors

    @classmethod
    async def start(
        cls, calls: Calls, ports: SdkPorts = ANY_PORTS, more: Routes | None = None
    ) -> Self:
        """Listen for both.

        Args:
            calls: Who answers.
            ports: Where.
            more: Routes that REST has besides the SDK's.

        Raises:
            Unreachable: a port is taken; then neither is listened on.
        """
        async with contextlib.AsyncExitStack() as doors:
            http = await doors.enter_async_context(rest_port(sdk_app(calls, more), port=ports.http))
            grpc = await GrpcPort.start(calls, port=ports.grpc)
            doors.push_async_callback(grpc.stop)
            return cls(SdkPorts(grpc.port, http), doors.pop_all())
        raise AssertionError("the stack lets errors pass")

    async def stop(self) -> None:
        """Close both ports; calls under way get a short grace."""
        await self._doors.aclose()
