"""Agones' SDK for a game server in asyncio: typed, every call with a deadline, healing itself.

It speaks to the SDK server beside the game server, Agones' sidecar or ours. When that
restarts, ``health`` and ``watch`` come back by themselves.
"""

import asyncio
import contextlib
import functools
import logging
import os
from collections.abc import AsyncIterator, Awaitable
from typing import TYPE_CHECKING, Final, TypeVar

import grpc
import grpc.aio

from core.errors import Rejected, Unreachable
from gameserver.sdk import sdk_pb2 as pb
from gameserver.sdk.answers import CALL_S, ours
from gameserver.sdk.game_server import GameServer, from_wire
from gameserver.sdk.sdk_pb2_grpc import SDKStub

if TYPE_CHECKING:
    from gameserver.sdk.beta import Beta

Answer = TypeVar("Answer")

log = logging.getLogger("readyup.gameserver.sdk")

PORT_DEFAULT: Final = "9357"
CONNECT_S: Final = 30.0
"""What Agones' own clients wait: the sidecar may start after the game server."""

PAUSE_S_MIN, PAUSE_S_MAX = 0.05, 1.0
"""Between two attempts at a stream. A server is Unhealthy after 10 s or so of silence."""

CHANNEL_OPTIONS: Final = (
    ("grpc.enable_http_proxy", 0),  # the SDK server is on this machine, whatever the proxy says
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 1000),  # gRPC's own two minutes would cost the server's life
)


class AgonesSdk:
    """One game server's line to its SDK server; made by ``connect``.

    Every method raises Rejected when the SDK server says no, and Unreachable when it
    does not answer within ``CALL_S``. All may be called again with the same effect.
    """

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._channel = channel
        self._stub = SDKStub(channel)

    @functools.cached_property
    def beta(self) -> "Beta":
        """Counters and lists."""
        from gameserver.sdk.beta import Beta  # most servers have none, and start sooner without

        return Beta(self._channel)

    @classmethod
    @contextlib.asynccontextmanager
    async def connect(
        cls, host: str = "", port: int = 0, *, wait_s: float = CONNECT_S
    ) -> AsyncIterator["AgonesSdk"]:
        """Wait for the SDK server, then hold the connection until the block ends.

        Args:
            host: Else AGONES_SDK_GRPC_HOST, else localhost.
            port: Else AGONES_SDK_GRPC_PORT, else 9357.
            wait_s: How long the SDK server may take to appear.

        Raises:
            Unreachable: it did not appear.
        """
        host = host or os.environ.get("AGONES_SDK_GRPC_HOST") or "localhost"
        target = f"{host}:{port or os.environ.get('AGONES_SDK_GRPC_PORT') or PORT_DEFAULT}"
        async with grpc.aio.insecure_channel(target, options=CHANNEL_OPTIONS) as channel:
            try:
                async with asyncio.timeout(wait_s):
                    await channel.channel_ready()
            except TimeoutError:
                raise Unreachable(f"no SDK server at {target} after {wait_s:g} s") from None
            yield cls(channel)

    async def ready(self) -> None:
        """Players can come."""
        await _answer(self._stub.Ready(pb.Empty(), timeout=CALL_S, wait_for_ready=True))

    async def allocate(self) -> None:
        """Take this server for a match that its own players agreed on."""
        await _answer(self._stub.Allocate(pb.Empty(), timeout=CALL_S, wait_for_ready=True))

    async def reserve(self, seconds: int) -> None:
        """Keep this server from being removed for so long, then Ready; 0 is for ever."""
        asked = pb.Duration(seconds=seconds)
        await _answer(self._stub.Reserve(asked, timeout=CALL_S, wait_for_ready=True))

    async def shutdown(self) -> None:
        """Have this server removed."""
        await _answer(self._stub.Shutdown(pb.Empty(), timeout=CALL_S, wait_for_ready=True))

    async def set_label(self, key: str, value: str) -> None:
        """Set label ``agones.dev/sdk-<key>``; others can select servers by it."""
        asked = pb.KeyValue(key=key, value=value)
        await _answer(self._stub.SetLabel(asked, timeout=CALL_S, wait_for_ready=True))

    async def set_annotation(self, key: str, value: str) -> None:
        """Set annotation ``agones.dev/sdk-<key>`` to any text."""
        asked = pb.KeyValue(key=key, value=value)
        await _answer(self._stub.SetAnnotation(asked, timeout=CALL_S, wait_for_ready=True))

    async def set_counter_count(self, key: str, count: int) -> None:
        """Set a counter's count; see ``beta`` for all that counters and lists can do."""
        await self.beta.set_counter_count(key, count)

    async def game_server(self) -> GameServer:
        """This server as it is now."""
        asked = self._stub.GetGameServer(pb.Empty(), timeout=CALL_S, wait_for_ready=True)
        return from_wire(await _answer(asked))

    async def watch(self) -> AsyncIterator[GameServer]:
        """This server as it is now, then after each change, for as long as you read.

        Changes during an outage arrive as one. Nothing is told twice in a row.

        Raises:
            Rejected: the SDK server does not let us watch.
            Unreachable: it tells of a state that Agones does not have.
        """
        told: GameServer | None = None
        outage = _Outage("watch")
        while True:
            call = self._stub.WatchGameServer(pb.Empty(), wait_for_ready=True)
            why: Exception | None = None
            try:
                async for message in call:
                    outage.over()
                    server = from_wire(message)
                    if server != told:
                        told = server
                        yield server
            except grpc.aio.AioRpcError as error:
                why = error
            finally:
                call.cancel()
            await asyncio.sleep(outage.pause_s(why))

    async def health(self, period_s: float, stop: asyncio.Event) -> None:
        """Ping every ``period_s`` until ``stop``; half the health period is right.

        A stream that ended is noticed at the next ping and replaced, so an SDK server
        that restarts hears from us again within ``period_s`` and ``PAUSE_S_MAX``.

        Raises:
            Rejected: the SDK server does not let us ping.
        """
        outage = _Outage("health")
        while not stop.is_set():
            call = self._stub.Health(wait_for_ready=True)
            why: Exception | None = None
            try:
                while not stop.is_set() and await _ping(call):
                    await _sleep(period_s, stop)
                    if not call.done():  # the first ping may go into a stream that is refused
                        outage.over()
            except (grpc.aio.AioRpcError, TimeoutError) as error:
                why = error
            finally:
                call.cancel()
            if not stop.is_set():
                await _sleep(outage.pause_s(why), stop)


class _Outage:
    """Paces attempts at a stream; logs once when it breaks and once when it heals."""

    def __init__(self, stream: str) -> None:
        self._stream = stream
        self._attempts = 0

    def over(self) -> None:
        """The stream works."""
        if self._attempts > 0:
            log.info("sdk.healed", extra={"stream": self._stream, "attempts": self._attempts})
        self._attempts = 0

    def pause_s(self, why: Exception | None) -> float:
        """How long to wait before the next attempt: doubled each time, up to a limit.

        Raises:
            Rejected: trying again cannot help.
        """
        if isinstance(why, grpc.aio.AioRpcError):
            refusal = ours(why)
            if isinstance(refusal, Rejected):
                raise refusal from why
        if self._attempts == 0:
            log.warning("sdk.lost", extra={"stream": self._stream, "reason": repr(why)})
        self._attempts += 1
        return min(PAUSE_S_MAX, PAUSE_S_MIN * 2.0 ** (self._attempts - 1))


async def _ping(call: "grpc.aio.StreamUnaryCall[pb.Empty, pb.Empty]") -> bool:
    """Send one ping; False when the SDK server ended the stream without a complaint."""
    try:
        async with asyncio.timeout(CALL_S):
            await call.write(pb.Empty())
    except asyncio.InvalidStateError:  # gRPC's word for "ended since the last ping"
        await call  # raises the complaint
        return False
    return True


async def _sleep(seconds: float, stop: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


async def _answer(call: Awaitable[Answer]) -> Answer:
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        raise ours(error) from error
