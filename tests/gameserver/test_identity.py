"""Who a server is, asked of the SDK where nobody told it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import grpc.aio
import pytest

from core.errors import Invalid
from gameserver.environment import Environment
from gameserver.identity import NEEDED, identified
from gameserver.sdk import sdk_pb2 as pb
from gameserver.sdk.sdk_pb2_grpc import SDKServicer, add_SDKServicer_to_server


class Sdk(SDKServicer):
    """Knows the address only at its second word."""

    async def WatchGameServer(self, request, context):  # noqa: N802 - the protocol's name
        meta = pb.GameServer.ObjectMeta(
            name="arena-x7",
            uid="u-1",
            labels={"agones.dev/fleet": "arena", "readyup/version": "1.4"},
            annotations={"readyup/rooms": "4"},
        )
        yield pb.GameServer(object_meta=meta, status=pb.GameServer.Status(state="Scheduled"))
        port = pb.GameServer.Status.Port(name="game", port=7003)
        known = pb.GameServer.Status(state="Scheduled", address="203.0.113.9", ports=[port])
        yield pb.GameServer(object_meta=meta, status=known)
        await asyncio.Event().wait()


@pytest.fixture
async def sdk_port() -> AsyncIterator[int]:
    server = grpc.aio.server()
    add_SDKServicer_to_server(Sdk(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield port
    with contextlib.suppress(Exception):
        await server.stop(0)


URL = {"READYUP_SESSIONS_URL": "ws://127.0.0.1:1/v1/servers/connect"}


async def test_what_the_environment_does_not_say_agones_knows(sdk_port, monkeypatch):
    monkeypatch.setenv("AGONES_SDK_GRPC_PORT", str(sdk_port))
    monkeypatch.setenv("AGONES_SDK_GRPC_HOST", "127.0.0.1")
    told = {**URL, "AGONES_SDK_GRPC_PORT": str(sdk_port), "READYUP_ROOMS": "2"}

    read = Environment.read(await identified(told))

    assert (read.name, read.uid, read.fleet, read.port) == ("arena-x7", "u-1", "arena", 7003)
    assert (read.address, read.version) == ("203.0.113.9", "1.4")
    assert read.rooms == 2  # what was said stands above what was asked
    assert read.bind_address != read.address  # which another machine may have


async def test_nobody_is_asked_when_everything_is_said():
    told = {**dict.fromkeys(NEEDED, "1"), "AGONES_SDK_GRPC_PORT": "1"}

    assert await identified(told) is told


async def test_a_server_started_by_hand_is_told_at_once_what_is_missing():
    with pytest.raises(Invalid, match="READYUP_SERVER_NAME"):
        Environment.read(await identified(URL))
