"""Agones itself, on the stand-in: what the backend's tests take for granted."""

from collections.abc import AsyncIterator

import grpc
import grpc.aio
import pytest

from tests.cluster.gameservers import (
    allocate,
    create_fleet,
    delete_fleet,
    servers,
    until_states,
)
from tests.cluster.plane.agones import ALLOCATOR_GRPC
from tests.cluster.plane.api import GAME_SERVERS, Api
from tests.cluster.plane.plane import Plane

FLEET = "ten"


@pytest.fixture
async def api(plane: Plane) -> AsyncIterator[Api]:
    async with plane.api() as opened:
        yield opened


@pytest.fixture
async def ten(api: Api) -> AsyncIterator[str]:
    """A fleet of ten that are Ready, gone afterwards."""
    await create_fleet(api, FLEET, 10)
    await until_states(api, FLEET, {"Ready": 10})
    yield FLEET
    await delete_fleet(api, FLEET)


async def test_servers_of_a_fleet_have_an_address_and_a_port_of_their_own(api: Api, ten: str):
    there = [server["status"] for server in await servers(api, ten)]

    assert len({(s["address"], s["ports"][0]["port"]) for s in there}) == 10


async def test_an_allocation_takes_one_and_labels_it(api: Api, ten: str):
    status = await allocate(api, ten, **{"readyup/claim": "c1"})

    there = await until_states(api, ten, {"Ready": 9, "Allocated": 1})
    taken = next(s for s in there if s["status"]["state"] == "Allocated")
    assert status["state"] == "Allocated"
    assert taken["metadata"]["name"] == status["gameServerName"]
    assert taken["metadata"]["labels"]["readyup/claim"] == "c1"


async def test_the_allocator_answers_over_grpc_to_those_with_a_certificate(
    plane: Plane, api: Api, ten: str
):
    assert plane.agones is not None
    client = plane.agones.allocator_client
    keys = grpc.ssl_channel_credentials(
        plane.agones.allocator_ca.read_bytes(), client.key.read_bytes(), client.cert.read_bytes()
    )
    async with grpc.aio.secure_channel(ALLOCATOR_GRPC, keys) as channel:
        call = channel.unary_unary("/allocation.AllocationService/Allocate")
        answer = await call(_request("default", ten), timeout=15)

    taken = await until_states(api, ten, {"Ready": 9, "Allocated": 1})
    name = next(s["metadata"]["name"] for s in taken if s["status"]["state"] == "Allocated")
    assert name.encode() in answer


async def test_a_deleted_server_is_replaced(api: Api, ten: str):
    gone = (await servers(api, ten))[0]["metadata"]
    await api.delete(f"{GAME_SERVERS.format('default')}/{gone['name']}")

    there = await until_states(api, ten, {"Ready": 10})
    while gone["uid"] in {server["metadata"]["uid"] for server in there}:
        there = await until_states(api, ten, {"Ready": 10})
    assert len(there) == 10


async def test_a_restarted_controller_goes_on_where_it_was(plane: Plane, api: Api, ten: str):
    plane.kill("agones-controller")
    await api.delete(f"{GAME_SERVERS.format('default')}/{await _first(api, ten)}")
    plane.restart("agones-controller")

    await until_states(api, ten, {"Ready": 10})


async def _first(api: Api, name: str) -> str:
    return str((await servers(api, name))[0]["metadata"]["name"])


def _request(namespace: str, fleet: str) -> bytes:
    """AllocationRequest{namespace=1, gameServerSelectors=8{matchLabels=1 map}}, by hand."""

    def field(number: int, value: bytes) -> bytes:
        return bytes([number << 3 | 2, len(value)]) + value

    label = field(1, b"agones.dev/fleet") + field(2, fleet.encode())
    return field(1, namespace.encode()) + field(8, field(1, label))
