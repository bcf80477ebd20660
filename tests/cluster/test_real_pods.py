"""Game servers that are processes, with the real SDK server beside them."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cluster.gameservers import create_fleet, delete_fleet, until_states
from tests.cluster.plane.api import Api
from tests.cluster.plane.plane import Plane
from tests.cluster.plane.real import Image, RealPods

FLEET = "real"


@pytest.fixture
async def api(plane: Plane) -> AsyncIterator[Api]:
    async with plane.api() as opened:
        yield opened


@pytest.fixture
async def pods(plane: Plane, api: Api) -> AsyncIterator[RealPods]:
    """Whatever this file's fleet asks for is run."""
    async with RealPods.on(plane, Image(own_ports=True)) as running:
        running.serve()
        yield running
        await delete_fleet(api, FLEET)


async def test_two_on_one_node_become_ready_by_their_own_calls(api: Api, pods: RealPods):
    await create_fleet(api, FLEET, 2, real=tiny())

    there = await until_states(api, FLEET, {"Ready": 2})
    assert {server["metadata"]["name"] for server in there} == set(pods.running)


async def test_a_server_that_dies_is_replaced(api: Api, pods: RealPods):
    await create_fleet(api, FLEET, 1, real=tiny())
    first = (await until_states(api, FLEET, {"Ready": 1}))[0]["metadata"]["name"]
    pods.running[first].game.kill()

    await until_another(api, first)


async def test_a_server_that_falls_silent_is_replaced(api: Api, pods: RealPods):
    await create_fleet(api, FLEET, 1, real=tiny(silent_after_s=3))
    first = (await until_states(api, FLEET, {"Ready": 1}))[0]["metadata"]["name"]

    await until_another(api, first)


async def test_a_server_outlives_its_sdk_server(api: Api, pods: RealPods):
    await create_fleet(api, FLEET, 1, real=tiny())
    first = (await until_states(api, FLEET, {"Ready": 1}))[0]["metadata"]["name"]
    pods.running[first].sdk_server.kill()
    async with asyncio.timeout(10):
        while not pods.running[first].sdk_server.pid:
            await asyncio.sleep(0.05)
    await asyncio.sleep(4)  # longer than silence is suffered

    there = await until_states(api, FLEET, {"Ready": 1})
    assert there[0]["metadata"]["name"] == first


def tiny(*, silent_after_s: float = 0) -> tuple[str, ...]:
    """The command of a game server that says as little as possible."""
    program = Path(__file__).with_name("tiny_server.py")
    return (sys.executable, "-S", str(program), str(silent_after_s))


async def until_another(api: Api, gone: str) -> None:
    """Wait until the fleet's one server is another than ``gone``."""
    async with asyncio.timeout(60):
        while True:
            there = await until_states(api, FLEET, {"Ready": 1})
            if there[0]["metadata"]["name"] != gone:
                return
            await asyncio.sleep(0.1)
